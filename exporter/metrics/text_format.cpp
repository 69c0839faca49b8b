#include "exporter/metrics/text_format.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace upkeep {
namespace {

template <class... Arguments>
void append_chars(std::string& out, Arguments... arguments) {
  std::array<char, 32> digits{};  // The longest shortest-round-trip double has 24.
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), arguments...);
  out.append(digits.data(), end);
}

/// Length of the well-formed UTF-8 sequence at the start of `text`, 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  if (lead >= 0xC2 && lead < 0xE0) length = 2;
  if (lead >= 0xE0 && lead < 0xF0) length = 3;
  if (lead >= 0xF0 && lead < 0xF5) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second >= 0xA0;
  const bool too_large = lead == 0xF4 && second >= 0x90;
  return overlong || surrogate || too_large ? 0 : length;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (text[0] == '\\') {
      out += R"(\\)";
    } else if (text[0] == '\n') {
      out += R"(\n)";
    } else if (quotes && text[0] == '"') {
      out += R"(\")";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

}  // namespace

void append_number(std::string& out, double value) {
  constexpr double kExactIntegers = 0x1p53;
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else if (std::abs(value) < kExactIntegers && std::trunc(value) == value) {
    append_chars(out, static_cast<std::int64_t>(value));
  } else {
    append_chars(out, value);
  }
}

void append_number(std::string& out, std::uint64_t value) { append_chars(out, value); }

void append_number(std::string& out, std::int64_t value) { append_chars(out, value); }

void append_label_value(std::string& out, std::string_view text) {
  append_escaped(out, text, true);
}

void append_help(std::string& out, std::string_view text) { append_escaped(out, text, false); }

}  // namespace upkeep
