#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace upkeep {

/// What a configuration file says, a line a value: "policy.start_slots" → "4", "vm[0].match" →
/// "db*". What it leaves at the default is not in it.
using ConfigLines = std::map<std::string, std::string>;

/// Nothing when the file can't be read or is no TOML: load_config says why.
[[nodiscard]] std::optional<ConfigLines> config_lines(const std::filesystem::path& file);

/// A value that two readings of the file differ in; empty: it isn't there.
struct ConfigLineChange {
  std::string key, before, after;

  friend bool operator==(const ConfigLineChange&, const ConfigLineChange&) = default;
};

/// In the order of the keys.
[[nodiscard]] std::vector<ConfigLineChange> changed_lines(const ConfigLines& before,
                                                          const ConfigLines& after);

}  // namespace upkeep
