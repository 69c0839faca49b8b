#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

// What is in the API's answers, as words for people. What is absent or of another type is shown as
// not known.

namespace upkeep::cli {

inline constexpr std::string_view kNotKnown = "?";

[[nodiscard]] std::string text_or(const nlohmann::json& object, const char* key,
                                  std::string_view otherwise = kNotKnown);

/// A time, as the reader's clock shows it.
[[nodiscard]] std::string time_or(const nlohmann::json& object, const char* key,
                                  std::string_view otherwise = kNotKnown);

/// Words joined by two blanks; empty ones are left out.
[[nodiscard]] std::string joined(const std::vector<std::string>& words);

}  // namespace upkeep::cli
