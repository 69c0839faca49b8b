#include "app/instance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is POSIX, not in <csignal>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

namespace upkeep {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestFile = std::size_t{64} << 10U;
constexpr std::array kFileNames{"instance.json", "demo.json"};
const fs::path kSystemDir = "/run/upkeep";

std::unexpected<Error> system_error(const fs::path& path, std::string_view what) {
  const int error = errno;
  return fail(error == EACCES || error == EPERM ? Errc::denied : Errc::failed,
              fmt::format("{}: {}: {}", path.string(), what, std::strerror(error)));
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// When the process began, in clock ticks since boot: tells it from a later one of the same number.
/// Nothing when there is no such process, or /proc can't be read.
std::optional<std::string> start_ticks(pid_t pid) {
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(stat, line)) return {};
  // Field 2 is the name in brackets and may hold anything; field 22 is what we want.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) {
    if (!(fields >> field)) return {};
  }
  return field;
}

bool is_alive(pid_t pid, const std::string& ticks) {
  if (pid <= 0 || (kill(pid, 0) != 0 && errno != EPERM)) return false;
  const std::optional<std::string> now = start_ticks(pid);
  return !now || ticks.empty() || *now == ticks;
}

bool can_be_trusted(const struct stat& status) {
  const bool ours = status.st_uid == 0 || status.st_uid == geteuid();
  return ours && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

nlohmann::json to_json(const Instance& instance) {
  return {{"pid", instance.pid},
          {"start_ticks", start_ticks(instance.pid).value_or("")},
          {"started", to_unix_seconds(instance.started)},
          {"control_url", instance.control_url},
          {"public_url", instance.public_url},
          {"token_file", instance.token_file.string()},
          {"journal", instance.journal.string()},
          {"demo", instance.demo},
          {"config_file", instance.config_file ? nlohmann::json(instance.config_file->string())
                                               : nlohmann::json(nullptr)}};
}

Instance from_json(const nlohmann::json& json) {
  Instance instance;
  instance.pid = json.at("pid").get<pid_t>();
  instance.control_url = json.at("control_url").get<std::string>();
  instance.public_url = json.at("public_url").get<std::string>();
  instance.token_file = json.at("token_file").get<std::string>();
  instance.journal = json.at("journal").get<std::string>();
  instance.demo = json.at("demo").get<bool>();
  const Seconds since_epoch(json.at("started").get<double>());
  instance.started = WallTime(std::chrono::duration_cast<WallTime::duration>(since_epoch));
  if (const auto& file = json.at("config_file"); file.is_string()) {
    instance.config_file = file.get<std::string>();
  }
  return instance;
}

/// The file's text, when its owner and mode say that nobody else can have written it.
std::optional<std::string> trusted_text(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text;
  struct stat status{};
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && can_be_trusted(status)) {
    text.resize(kLargestFile);
    const ssize_t count = read(fd, text.data(), text.size());
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  }
  close(fd);
  if (text.empty()) return {};
  return text;
}

struct Found {
  Instance instance;
  std::string ticks;
};

std::optional<Found> read_instance(const fs::path& path) {
  const std::optional<std::string> text = trusted_text(path);
  if (!text) return {};
  try {
    const nlohmann::json json = nlohmann::json::parse(*text);
    return Found{.instance = from_json(json), .ticks = json.value("start_ticks", "")};
  } catch (const nlohmann::json::exception&) {
    return {};  // cut short or not ours: no daemon to be found here
  }
}

Result<void> write_whole(const fs::path& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return system_error(path, "cannot be made");
  const ssize_t count = ::write(fd, text.data(), text.size());
  // Whatever the umask says: the command line of other users reads it.
  const bool written = std::cmp_equal(count, text.size()) && fchmod(fd, 0644) == 0;
  const auto failed = written ? Result<void>{} : system_error(path, "cannot be written");
  close(fd);
  return failed;
}

}  // namespace

fs::path runtime_dir() {
  if (const std::string dir = environment("UPKEEP_RUNTIME_DIR"); !dir.empty()) return dir;
  // systemd's RuntimeDirectory=upkeep, also of a unit that does not run as root.
  if (environment("RUNTIME_DIRECTORY") == kSystemDir || geteuid() == 0) return kSystemDir;
  if (const std::string dir = environment("XDG_RUNTIME_DIR"); dir.starts_with('/')) {
    return fs::path(dir) / "upkeep";
  }
  return fmt::format("/tmp/upkeep-{}", geteuid());
}

std::vector<fs::path> instance_dirs() {
  std::vector<fs::path> dirs{runtime_dir()};
  // Who names a directory means only that one: tests must not find the machine's daemon.
  if (environment("UPKEEP_RUNTIME_DIR").empty() && dirs.front() != kSystemDir) {
    dirs.push_back(kSystemDir);
  }
  return dirs;
}

Result<void> ensure_runtime_dir(const fs::path& dir) {
  std::error_code ignored;
  fs::create_directories(dir.parent_path(), ignored);
  const mode_t mode = dir == kSystemDir ? 0755 : 0700;
  if (mkdir(dir.c_str(), mode) != 0 && errno != EEXIST) return system_error(dir, "cannot be made");
  struct stat status{};
  if (lstat(dir.c_str(), &status) != 0) return system_error(dir, "cannot be looked at");
  if (!S_ISDIR(status.st_mode)) {
    return fail(Errc::denied, fmt::format("{}: is not a directory", dir.string()));
  }
  if (!can_be_trusted(status)) {
    return fail(Errc::denied,
                fmt::format("{}: belongs to somebody else, or others may write to it; "
                            "remove it or set UPKEEP_RUNTIME_DIR",
                            dir.string()));
  }
  return {};
}

Result<InstanceFile> InstanceFile::write(const Instance& instance, const fs::path& dir) {
  if (const auto made = ensure_runtime_dir(dir); !made) return std::unexpected(made.error());
  const fs::path path = dir / kFileNames.at(instance.demo ? 1 : 0);
  // A name of its own, then a rename: a reader sees the old file or the new one, never half.
  const fs::path fresh = dir / fmt::format(".{}.{}", path.filename().string(), getpid());
  std::error_code ignored;
  fs::remove(fresh, ignored);
  if (const auto written = write_whole(fresh, to_json(instance).dump(2) + "\n"); !written) {
    fs::remove(fresh, ignored);
    return std::unexpected(written.error());
  }
  if (rename(fresh.c_str(), path.c_str()) != 0) return system_error(path, "cannot be replaced");
  return InstanceFile(path, instance.pid);
}

InstanceFile::InstanceFile(InstanceFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), pid_(other.pid_) {}

InstanceFile& InstanceFile::operator=(InstanceFile&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
    pid_ = other.pid_;
  }
  return *this;
}

InstanceFile::~InstanceFile() { remove(); }

void InstanceFile::remove() noexcept {
  if (path_.empty()) return;
  try {
    const std::optional<Found> found = read_instance(path_);
    if (found && found->instance.pid == pid_) unlink(path_.c_str());
  } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory; a stale file is found to be stale
  }
}

std::vector<Instance> running_instances(const std::vector<fs::path>& dirs) {
  std::vector<Instance> instances;
  for (const char* name : kFileNames) {
    for (const fs::path& dir : dirs) {
      struct stat status{};
      if (lstat(dir.c_str(), &status) != 0 || !can_be_trusted(status)) continue;
      auto found = read_instance(dir / name);
      if (found && is_alive(found->instance.pid, found->ticks)) {
        instances.push_back(std::move(found->instance));
      }
    }
  }
  return instances;
}

}  // namespace upkeep
