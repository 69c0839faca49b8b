#include "app/config_lines.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <set>
#include <sstream>

namespace upkeep {
namespace {

std::string text_of(const toml::node& value) {
  if (const auto* text = value.as_string()) return text->get();
  std::ostringstream out;
  value.visit([&](const auto& one) { out << one; });
  return std::move(out).str();
}

/// Of arrays only those of tables are taken apart: a list of names is one value.
void flatten(const toml::node& node, const std::string& path, ConfigLines& lines) {
  if (const toml::table* table = node.as_table()) {
    for (const auto& [key, value] : *table) {
      flatten(value, path.empty() ? std::string(key) : fmt::format("{}.{}", path, key.str()),
              lines);
    }
  } else if (node.is_array_of_tables()) {
    std::size_t number = 0;
    for (const toml::node& element : *node.as_array()) {
      flatten(element, fmt::format("{}[{}]", path, number++), lines);
    }
  } else {
    lines[path] = text_of(node);
  }
}

std::string value_in(const ConfigLines& lines, const std::string& key) {
  const auto found = lines.find(key);
  return found == lines.end() ? std::string() : found->second;
}

}  // namespace

std::optional<ConfigLines> config_lines(const std::filesystem::path& file) {
  ConfigLines lines;
  try {
    flatten(toml::parse_file(file.string()), "", lines);
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
  return lines;
}

std::vector<ConfigLineChange> changed_lines(const ConfigLines& before, const ConfigLines& after) {
  std::set<std::string> keys;
  for (const auto& [key, value] : before) keys.insert(key);
  for (const auto& [key, value] : after) keys.insert(key);
  std::vector<ConfigLineChange> changes;
  for (const std::string& key : keys) {
    ConfigLineChange change{
        .key = key, .before = value_in(before, key), .after = value_in(after, key)};
    if (change.before != change.after) changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace upkeep
