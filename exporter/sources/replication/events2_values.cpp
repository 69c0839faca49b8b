#include "exporter/sources/replication/events2_values.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace upkeep {
namespace {

template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

void Events2Values::text(std::string_view key, std::string& to) const {
  if (const auto value = line_.value(key)) to = *value;
}

void Events2Values::flag(std::string_view key, std::optional<bool>& to) const {
  const auto value = line_.value(key);
  if (!value) return;
  to.reset();
  if (*value == "yes") to = true;
  if (*value == "no") to = false;
  if (!to && *value != "unknown") report(key, *value);
}

void Events2Values::kibibytes(std::string_view key, std::optional<Bytes>& to) const {
  const auto value = line_.value(key);
  if (!value) return;
  to.reset();
  const auto count = to_number<std::uint64_t>(*value);
  if (count && *count <= std::numeric_limits<std::uint64_t>::max() / 1024) {
    to = upkeep::kibibytes(*count);
  } else {
    report(key, *value);
  }
}

void Events2Values::figure(std::string_view key, double unit, std::optional<double>& to) const {
  const auto value = line_.value(key);
  if (!value) return;
  to.reset();
  const auto read = to_number<double>(*value);
  if (!read) return report(key, *value);
  if (std::isfinite(*read) && *read >= 0) to = *read * unit;
}

std::optional<std::uint32_t> Events2Values::number(std::string_view key) const {
  const auto value = line_.value(key);
  if (!value) return std::nullopt;
  const auto read = to_number<std::uint32_t>(*value);
  if (!read) report(key, *value);
  return read;
}

void Events2Values::report(std::string_view key, std::string_view value) const {
  unparsed_.push_back(fmt::format("unknown value {}:{}", key, value));
}

}  // namespace upkeep
