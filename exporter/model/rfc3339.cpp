#include "exporter/model/rfc3339.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>

namespace upkeep {
namespace {

/// Takes the number of exactly `digits` digits off the text.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  const std::string_view head = text.substr(0, digits);
  if (!std::ranges::all_of(head, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  int number = 0;
  std::from_chars(head.data(), head.data() + head.size(), number);
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

/// ".522": what is finer than microseconds is dropped.
std::optional<std::chrono::microseconds> take_fraction(std::string_view& text) {
  std::int64_t micros = 0;
  if (!take(text, '.')) return std::chrono::microseconds(0);
  std::size_t digits = 0;
  for (std::int64_t unit = 100'000; !text.empty() && text.front() >= '0' && text.front() <= '9';
       unit /= 10, ++digits) {
    micros += unit * (text.front() - '0');
    text.remove_prefix(1);
  }
  if (digits == 0 || digits > 9) return std::nullopt;
  return std::chrono::microseconds(micros);
}

/// "Z" or "+01:00", and nothing behind it: what is to be taken off to get UTC.
std::optional<std::chrono::minutes> take_offset(std::string_view text) {
  if (text == "Z") return std::chrono::minutes(0);
  const bool ahead = take(text, '+');
  if (!ahead && !take(text, '-')) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  const auto offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return ahead ? offset : -offset;
}

/// "2026-11-22"; the years that WallTime can hold.
std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || *year < 1970 || *year > 2200) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

/// "12:59:15"; a leap second counts as the one after it.
std::optional<std::chrono::seconds> take_time_of_day(std::string_view& text) {
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || !take(text, ':')) return std::nullopt;
  const auto seconds = take_number(text, 2);
  if (!seconds || *hours > 23 || *minutes > 59 || *seconds > 60) return std::nullopt;
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) +
         std::chrono::seconds(*seconds);
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !take(text, 'T')) return std::nullopt;
  const auto time = take_time_of_day(text);
  if (!time) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset) return std::nullopt;
  return WallTime(*date) + *time + *fraction - *offset;
}

}  // namespace upkeep
