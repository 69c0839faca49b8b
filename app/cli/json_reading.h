#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace upkeep::cli {

/// The value at `key`, or null when `json` is no object or has no such key.
[[nodiscard]] inline const nlohmann::json& value_at(const nlohmann::json& json, const char* key) {
  static const nlohmann::json kNull;
  const auto found = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && found != json.end() ? *found : kNull;
}

[[nodiscard]] inline std::optional<std::string> text_at(const nlohmann::json& json,
                                                        const char* key) {
  const nlohmann::json& value = value_at(json, key);
  return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

[[nodiscard]] inline std::optional<double> number_at(const nlohmann::json& json, const char* key) {
  const nlohmann::json& value = value_at(json, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

[[nodiscard]] inline std::optional<bool> flag_at(const nlohmann::json& json, const char* key) {
  const nlohmann::json& value = value_at(json, key);
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

/// The elements of the list at `key`; none when there is no list.
[[nodiscard]] inline std::vector<nlohmann::json> list_at(const nlohmann::json& json,
                                                         const char* key) {
  const nlohmann::json& value = value_at(json, key);
  return value.is_array() ? value.get<std::vector<nlohmann::json>>()
                          : std::vector<nlohmann::json>();
}

}  // namespace upkeep::cli
