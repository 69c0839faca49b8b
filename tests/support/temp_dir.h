#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace upkeep::test {

/// A directory of its own for one test; gone when the test is over. In memory where there is such a
/// place: tests that write a lot then don't wait for the disk.
class TempDir {
 public:
  TempDir() : TempDir(in_memory()) {}
  explicit TempDir(const std::filesystem::path& where) {
    std::string name = (where / "upkeep-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  static std::filesystem::path in_memory() {
    std::error_code ignored;
    const std::filesystem::path memory = "/dev/shm";
    const bool fast =
        std::filesystem::is_directory(memory, ignored) && ::access("/dev/shm", W_OK) == 0;
    return fast ? memory : std::filesystem::temp_directory_path();
  }

  std::filesystem::path path_;
};

}  // namespace upkeep::test
