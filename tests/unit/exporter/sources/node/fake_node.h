#pragma once

#include <utmp.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temp_dir.h"

namespace upkeep::test {

/// A directory that looks like a node's root.
class FakeNode {
 public:
  FakeNode() {
    file("proc/sys/kernel/random/boot_id", "6f1b0b0e-0000-4000-8000-000000000001\n");
    file("proc/stat",
         "cpu  10 0 5 100 0 0 0 0 0 0\ncpu0 5 0 2 50\ncpu1 5 0 3 50\nbtime 1772334590\n");
  }

  void file(const std::string& path, std::string_view text) const {
    const auto full = dir_ / path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << text;
  }
  void remove(const std::string& path) const { std::filesystem::remove_all(dir_ / path); }
  [[nodiscard]] const std::filesystem::path& root() const { return dir_.path(); }

 private:
  TempDir dir_;
};

inline constexpr std::int32_t kBooted = 1772334590;  ///< The btime of FakeNode.

/// Builds a wtmp file.
class Wtmp {
 public:
  /// `at` is relative to this boot, seconds.
  Wtmp& boot(std::int32_t at = 0) { return add(BOOT_TIME, "reboot", at); }
  Wtmp& shutdown(std::int32_t at = 0) { return add(RUN_LVL, "shutdown", at); }
  Wtmp& runlevel(std::int32_t at = 0) { return add(RUN_LVL, "runlevel", at); }
  Wtmp& login(std::int32_t at = 0) { return add(USER_PROCESS, "shutdown", at); }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  Wtmp& add(short type, const char* user, std::int32_t at) {
    utmp record{};
    record.ut_type = type;
    std::strncpy(record.ut_user, user, sizeof(record.ut_user) - 1);
    record.ut_tv.tv_sec = kBooted + at;
    bytes_.append(reinterpret_cast<const char*>(&record), sizeof(record));
    return *this;
  }

  std::string bytes_;
};

}  // namespace upkeep::test
