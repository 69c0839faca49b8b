#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace upkeep {

/// A root whose dev/kmsg says what the test logs, one record after the other.
class FakeKmsg {
 public:
  /// With a `first` above 0 it has lost what was logged before.
  explicit FakeKmsg(std::uint64_t first = 0) : sequence_(first) {
    std::filesystem::create_directories(dir_ / "dev");
  }

  [[nodiscard]] const std::filesystem::path& root() const { return dir_.path(); }

  /// Lines as dmesg prints them: "[  274.363695] drbd r0: …"; without a time they are logged at 0.
  void log(const std::vector<std::string>& lines) {
    static const std::regex dmesg(R"(^\[ *(\d+)\.(\d{6})\] (.*)$)");
    std::ofstream file(dir_ / "dev/kmsg", std::ios::app);
    for (const std::string& line : lines) {
      std::smatch match;
      if (std::regex_match(line, match, dmesg)) {
        file << fmt::format("6,{},{}{},-;{}\n", sequence_++, match[1].str(), match[2].str(),
                            match[3].str());
      } else {
        file << fmt::format("6,{},0,-;{}\n", sequence_++, line);
      }
    }
  }

 private:
  test::TempDir dir_;
  std::uint64_t sequence_;
};

}  // namespace upkeep
