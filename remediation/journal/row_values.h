#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "remediation/journal/records.h"
#include "remediation/journal/sql.h"

namespace upkeep::sql {

/// The value that a word stands for; a word that none has is a damaged row.
template <class Value, class Words>
[[nodiscard]] Value to_value(const Words& words, const std::string& text, std::string_view column) {
  for (const Value value : words) {
    if (to_string(value) == text) return value;
  }
  throw BadRow{fmt::format("{} is '{}'", column, text)};
}

/// Same, for words that are read by a function.
template <class Value>
[[nodiscard]] Value checked(const std::optional<Value>& value, const std::string& text,
                            std::string_view column) {
  if (!value) throw BadRow{fmt::format("{} is '{}'", column, text)};
  return *value;
}

/// The words of the elements, one after the other.
template <class Range, class Word>
[[nodiscard]] std::string joined(const Range& range, std::string_view separator, Word word) {
  std::string text;
  for (const auto& element : range) {
    if (!text.empty()) text += separator;
    text += word(element);
  }
  return text;
}

/// Reads the three columns of an outcome, from `column` on.
[[nodiscard]] inline std::optional<Outcome> outcome_at(const SQLite::Statement& row, int column) {
  const auto word = maybe_text_at(row, column);
  if (!word) return std::nullopt;
  return Outcome{checked(to_outcome_kind(*word), *word, "outcome"), text_at(row, column + 1),
                 text_at(row, column + 2)};
}

}  // namespace upkeep::sql
