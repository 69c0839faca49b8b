#include "exporter/http/message.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace upkeep {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// The part before `separator`; `rest` becomes what follows it.
std::string_view next_part(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

std::string url_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const char* hex = text.data() + i + 1;
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() &&
               std::from_chars(hex, hex + 2, code, 16).ptr == hex + 2) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// The q of "gzip;q=0.5"; 1 when none is said, 0 when it can't be read.
double quality(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = trimmed(next_part(parameters, ';'));
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    double value = 0;
    const std::string_view digits = parameter.substr(2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() ? value : 0;
  }
  return 1;
}

}  // namespace

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    std::string_view value = next_part(rest, '&');
    if (url_decoded(next_part(value, '=')) == name) return url_decoded(value);
  }
  return std::nullopt;
}

HttpResponse text_response(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.body = std::make_shared<const std::string>(std::move(text));
  return response;
}

bool wants_gzip(std::string_view accept_encoding) {
  std::optional<double> gzip;
  std::optional<double> any;
  std::optional<double> identity;
  while (!accept_encoding.empty()) {
    std::string_view parameters = next_part(accept_encoding, ',');
    const std::string_view coding = trimmed(next_part(parameters, ';'));
    const double q = quality(parameters);
    if (same_word(coding, "gzip") || same_word(coding, "x-gzip")) gzip = q;
    if (same_word(coding, "identity")) identity = q;
    if (coding == "*") any = q;
  }
  const double wish = gzip.value_or(any.value_or(0));
  return wish > 0 && wish >= identity.value_or(0);
}

bool is_authorized(std::string_view authorization, std::string_view token) {
  constexpr std::string_view kScheme = "Bearer ";
  if (token.empty() || authorization.size() < kScheme.size()) return false;
  if (!same_word(authorization.substr(0, kScheme.size()), kScheme)) return false;
  const std::string_view given = trimmed(authorization.substr(kScheme.size()));
  // Each byte of the given one is looked at, whatever the first wrong one is: the time tells
  // nothing but the length of what the client sent itself.
  unsigned difference = given.size() == token.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned>(static_cast<unsigned char>(token[i % token.size()]));
  }
  return difference == 0;
}

std::optional<std::size_t> content_length(std::string_view header) {
  std::size_t length = 0;
  const auto [end, error] =
      std::from_chars(header.data(), header.data() + header.size(), length, 10);
  if (header.empty() || error != std::errc() || end != header.data() + header.size()) {
    return std::nullopt;
  }
  return length;
}

}  // namespace upkeep
