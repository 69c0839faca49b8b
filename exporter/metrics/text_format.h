#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace upkeep {

/// Appends the number as Prometheus reads it back to the same double: whole numbers as integers,
/// others with the fewest digits that round-trip, else NaN, +Inf or -Inf.
void append_number(std::string& out, double value);
void append_number(std::string& out, std::uint64_t value);
void append_number(std::string& out, std::int64_t value);

/// Appends a label's value: backslash, quote and newline escaped; bytes that are no UTF-8 become
/// U+FFFD, because Prometheus refuses the whole scrape for one of them.
void append_label_value(std::string& out, std::string_view text);

/// Appends a HELP text: backslash and newline escaped; a raw newline breaks the whole scrape.
void append_help(std::string& out, std::string_view text);

}  // namespace upkeep
