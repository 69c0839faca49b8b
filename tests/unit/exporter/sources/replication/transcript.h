#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace upkeep::transcript {

/// A line of a recorded transcript, sorted by what it is.
struct Line {
  enum class Kind { event, stream_start, command, output, result, other } kind = Kind::other;
  std::string node;  ///< "1", "2", "alpha", "beta"; empty when none.
  std::string text;  ///< The event, command or output itself.
};

inline std::filesystem::path folder() { return std::filesystem::path(UPKEEP_FIXTURES) / "drbd"; }

inline std::vector<std::filesystem::path> files() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

inline std::string kernel_version(const std::filesystem::path& file) {
  return file.filename().string().starts_with("drbd84") ? "8.4.11" : "9.2.18";
}

/// Events start with a verb, maybe after a timestamp.
inline bool is_event(const std::string& text) {
  static const std::regex event(
      R"(^(\d{4}-\d\d-\d\dT\S+ )?(exists|create|change|destroy|rename|call|response|-) \S.*)");
  return std::regex_match(text, event);
}

inline std::vector<Line> read(const std::filesystem::path& path) {
  static const std::regex event(R"(^ev(\d)\| (.*))");
  static const std::regex start(R"(^\[[\d:.]+\] -- start: .* on n(\d).*)");
  static const std::regex command(R"(^\[[\d:.]+\] n(\d)# (.*))");
  static const std::regex lab_command(R"(^\[(alpha|beta)\]# (.*))");
  static const std::regex result(R"(^(    rc=\d+  .*|\[rc=\d+ .*))");
  std::vector<Line> lines;
  std::ifstream file(path);
  std::string node;
  for (std::string text; std::getline(file, text);) {
    std::smatch match;
    if (text.starts_with("# origin:")) continue;
    if (std::regex_match(text, match, event)) {
      lines.push_back({Line::Kind::event, match[1], match[2]});
    } else if (std::regex_match(text, match, start)) {
      lines.push_back({Line::Kind::stream_start, match[1], ""});
    } else if (std::regex_match(text, match, command) ||
               std::regex_match(text, match, lab_command)) {
      node = match[1];
      lines.push_back({Line::Kind::command, node, match[2]});
    } else if (std::regex_match(text, result)) {
      lines.push_back({Line::Kind::result, node, text});
    } else {
      lines.push_back({Line::Kind::output, node, text});
    }
  }
  EXPECT_FALSE(lines.empty()) << path;
  return lines;
}

}  // namespace upkeep::transcript
