#include "remediation/adjust_inspection.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

namespace upkeep {
namespace {

using namespace std::string_view_literals;

constexpr std::array kHarmless{"new-resource"sv, "new-minor"sv,           "new-peer"sv,
                               "new-path"sv,     "resource-options"sv,    "disk-options"sv,
                               "net-options"sv,  "peer-device-options"sv, "attach"sv,
                               "connect"sv};

// Of a long option its beginning: getopt also takes abbreviations and "=value".
constexpr std::array kDangerous{"--discard-my-data"sv, "--force"sv, "--overwrite-data-of-peer"sv,
                                "--tentative"sv, "--assume-clean"sv};

bool is_dangerous(std::string_view word) {
  if (!word.starts_with('-')) return false;
  if (!word.starts_with("--")) return true;  // drbdadm prints long options only.
  const std::string_view name = word.substr(0, word.find('='));
  return std::ranges::any_of(kDangerous, [&](std::string_view option) {
    return option.starts_with(name) || name.starts_with(option);
  });
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream split(line);
  std::vector<std::string> words;
  for (std::string word; split >> word;) words.push_back(word);
  return words;
}

// Called by its path, as upkeep does, 9's drbdadm names the other tools by their paths, too.
std::string_view program_of(std::string_view word) {
  for (const std::string_view folder : {"/usr/sbin/"sv, "/sbin/"sv}) {
    if (word.starts_with(folder)) return word.substr(folder.size());
  }
  return word;
}

bool is_harmless(const std::vector<std::string>& words) {
  if (words.size() < 2 || std::ranges::any_of(words, is_dangerous)) return false;
  const std::string_view program = program_of(words[0]);
  if (program == "drbdmeta") return words.back() == "apply-al";
  if (program != "drbdsetup" && program != "drbdsetup-84") return false;
  return std::ranges::find(kHarmless, words[1]) != kHarmless.end();
}

}  // namespace

std::optional<std::string> unsafe_line(const std::vector<std::string>& dry_run) {
  for (const std::string& line : dry_run) {
    const auto words = words_of(line);
    if (!words.empty() && !is_harmless(words)) return line;
  }
  return std::nullopt;
}

}  // namespace upkeep
