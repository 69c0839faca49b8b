#include "app/demo/demo_root.h"

#include <fmt/format.h>
#include <utmp.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace upkeep {
namespace {

namespace fs = std::filesystem;

/// One file system that is this node's alone; the demo's disks say they are on it.
constexpr auto kMounts = "1 0 0:30 / / rw - tmpfs tmpfs rw\n";

std::string read_text(const fs::path& file) {
  const std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

/// Whole or not at all, so that no reader sees half a file.
Result<void> write_text(const fs::path& file, const std::string& text) {
  const fs::path draft = file.string() + ".new";
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  std::error_code error;
  if (out) fs::rename(draft, file, error);
  if (!out || error) {
    return fail(Errc::failed, fmt::format("write {}: {}", file.string(), error.message()));
  }
  return {};
}

/// /proc/stat of this machine with the boot time of the simulated node.
std::string stat_text(WallTime booted) {
  std::istringstream real(read_text("/proc/stat"));
  std::string text;
  for (std::string line; std::getline(real, line);) {
    if (line.starts_with("btime ")) {
      line = fmt::format("btime {}", std::chrono::system_clock::to_time_t(booted));
    }
    text += line + '\n';
  }
  return text;
}

/// A boot in wtmp; the one before has no shutdown record, so it ended unclean.
std::string boot_record(WallTime booted) {
  ::utmp record{};
  record.ut_type = BOOT_TIME;
  std::strncpy(record.ut_line, "~", sizeof record.ut_line);
  std::strncpy(record.ut_user, "reboot", sizeof record.ut_user);
  record.ut_tv.tv_sec = static_cast<std::int32_t>(std::chrono::system_clock::to_time_t(booted));
  return {reinterpret_cast<const char*>(&record), sizeof record};
}

}  // namespace

std::expected<FileStatus, int> demo_status_of(const std::string& path) {
  constexpr std::string_view kDrbd = "/dev/drbd";
  if (!path.starts_with(kDrbd))
    return FileStatus{.kind = FileStatus::Kind::file, .major = 0, .minor = 30};
  std::uint32_t minor = 0;
  const char* const end = path.data() + path.size();
  const auto [rest, error] = std::from_chars(path.data() + kDrbd.size(), end, minor);
  if (error != std::errc{} || rest != end) return std::unexpected(ENOENT);
  return FileStatus{.kind = FileStatus::Kind::block_device, .major = 147, .minor = minor};
}

Result<DemoRoot> DemoRoot::create(const fs::path& directory, WallTime booted) {
  DemoRoot root(directory);
  std::error_code error;
  for (const char* folder :
       {"proc/sys/kernel/random", "proc/self", "var/log", "sys/dev/block", "etc", "dev"}) {
    fs::create_directories(directory / folder, error);
    if (error) {
      return fail(Errc::failed,
                  fmt::format("create {}: {}", (directory / folder).string(), error.message()));
    }
  }
  // Live figures of this machine; a missing one (a kernel without PSI) is missing there as well.
  for (const char* live : {"proc/loadavg", "proc/pressure", "proc/cpuinfo", "sys/devices"}) {
    fs::remove(directory / live, error);
    fs::create_symlink(fs::path("/") / live, directory / live, error);
  }
  if (auto done = write_text(directory / "var/log/wtmp", ""); !done) {
    return std::unexpected(done.error());
  }
  if (auto done = write_text(directory / "dev/kmsg", ""); !done) {
    return std::unexpected(done.error());
  }
  if (auto done = write_text(directory / "proc/self/mountinfo", kMounts); !done) {
    return std::unexpected(done.error());
  }
  if (auto done = root.boot(booted); !done) return std::unexpected(done.error());
  return root;
}

Result<void> DemoRoot::boot(WallTime booted) {
  std::string id = read_text("/proc/sys/kernel/random/uuid");
  if (id.ends_with('\n')) id.pop_back();
  if (id.empty()) return fail(Errc::failed, "read /proc/sys/kernel/random/uuid: it is empty");
  const fs::path wtmp = root_ / "var/log/wtmp";
  if (auto done = write_text(wtmp, read_text(wtmp) + boot_record(booted)); !done) return done;
  if (auto done = write_text(root_ / "proc/stat", stat_text(booted)); !done) return done;
  // Last: it is what tells a boot.
  if (auto done = write_text(root_ / "proc/sys/kernel/random/boot_id", id + '\n'); !done) {
    return done;
  }
  boot_id_ = BootId{std::move(id)};
  return {};
}

}  // namespace upkeep
