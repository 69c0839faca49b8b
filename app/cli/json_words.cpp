#include "app/cli/json_words.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "app/cli/json_reading.h"
#include "app/cli/table.h"
#include "app/cli/times.h"

namespace upkeep::cli {

std::string text_or(const nlohmann::json& object, const char* key, std::string_view otherwise) {
  return printable(text_at(object, key).value_or(std::string(otherwise)));
}

std::string time_or(const nlohmann::json& object, const char* key, std::string_view otherwise) {
  const std::optional<std::string> text = text_at(object, key);
  const std::optional<WallTime> at = text ? from_rfc3339(*text) : std::nullopt;
  return at ? local_time(*at) : printable(text.value_or(std::string(otherwise)));
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!word.empty()) line += (line.empty() ? "" : "  ") + word;
  }
  return line;
}

}  // namespace upkeep::cli
