#include "app/config_values.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

namespace upkeep {
namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
// From large to small: the order in which a sum must be written.
constexpr std::array<Unit, 5> kUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

// Four digits of days are 27 years; more is a typing error and would overflow further on.
constexpr std::int64_t kLongestDuration = std::int64_t{10'000} * 86'400'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_character(char c) {
  return is_digit(c) || is_letter(c) || c == '.' || c == '-' || c == '_';
}

template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || text.empty() || !is_digit(text.front())) return {};
  return number;
}

std::string_view take(std::string_view& text, bool (*wanted)(char)) {
  const auto* const end = std::ranges::find_if_not(text, wanted);
  const std::string_view head = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(head.size());
  return head;
}

std::unexpected<std::string> not_a_duration(std::string_view text) {
  return std::unexpected(fmt::format(
      "'{}' is not a duration: write a number and a unit, like \"500ms\", \"10s\", \"5m\", \"8h\" "
      "or \"2d\"",
      text));
}

}  // namespace

Parsed<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  if (rest.empty()) return not_a_duration(text);
  while (!rest.empty()) {
    const auto count = to_number<std::int64_t>(take(rest, is_digit));
    const std::string_view word = take(rest, is_letter);
    const auto* const unit = std::ranges::find(kUnits, word, &Unit::name);
    if (!count || unit == kUnits.end()) return not_a_duration(text);
    const auto index = static_cast<std::size_t>(unit - kUnits.begin());
    if (index < next_unit) return not_a_duration(text);
    next_unit = index + 1;
    if (*count > (kLongestDuration - total) / unit->milliseconds) {
      return std::unexpected(fmt::format("'{}' is longer than upkeep can count", text));
    }
    total += *count * unit->milliseconds;
  }
  return milliseconds(total);
}

std::string duration_text(Duration duration) {
  std::int64_t left = std::chrono::duration_cast<milliseconds>(duration).count();
  if (left <= 0) return "0s";
  std::string text;
  for (const auto& [name, length] : kUnits) {
    if (left < length) continue;
    // "90s" is what people write, not "1m30s".
    if (name == "m" && text.empty() && left < 120'000 && left % 60'000 != 0) continue;
    text += fmt::format("{}{}", left / length, name);
    left %= length;
  }
  return text;
}

Parsed<std::optional<Duration>> parse_allow_degraded(std::string_view text) {
  constexpr std::string_view kAfter = "after ";
  constexpr std::chrono::minutes kLeast{1};
  constexpr std::chrono::days kMost{7};
  if (text == "never") return std::optional<Duration>();
  if (!text.starts_with(kAfter)) {
    return std::unexpected(
        fmt::format(R"('{}' is neither "never" nor a wait such as "after 10m")", text));
  }
  const auto wait = parse_duration(text.substr(kAfter.size()));
  if (!wait) return std::unexpected(wait.error());
  if (*wait < kLeast || *wait > kMost) {
    return std::unexpected(fmt::format("{} is not between 1m and 7d", duration_text(*wait)));
  }
  return *wait;
}

Parsed<ListenAddress> parse_listen(std::string_view text) {
  if (text.find("://") != std::string_view::npos) {
    return std::unexpected(fmt::format(
        "'{}' is a URL, but an address and a port are wanted, like \"127.0.0.1:9893\"; for TLS put "
        "nginx or stunnel in front, as in {}",
        text, kFrontExamples));
  }
  Result<ListenAddress> address = parse_listen_address(text);
  if (!address) return std::unexpected(std::move(address.error().message));
  return std::move(*address);
}

Parsed<std::string> parse_base_url(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return std::unexpected(
        fmt::format("'{}' {}; write it like \"http://10.0.0.2:9893\"", text, why));
  };
  std::string_view rest = text;
  if (rest.ends_with('/')) rest.remove_suffix(1);
  std::string base(rest);
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else {
    return wrong("does not begin with http:// or https://");
  }
  if (rest.find('@') != std::string_view::npos) {
    // Not repeated: a password may be in it, and this ends up in logs.
    return std::unexpected("has a user name in it; peers are asked without one");
  }
  if (rest.find_first_of("/?#") != std::string_view::npos) {
    return wrong("has something behind host and port");
  }
  std::string_view host = rest;
  if (!rest.ends_with(']') && rest.find(':') != std::string_view::npos) {
    const std::size_t colon = rest.rfind(':');
    host = rest.substr(0, colon);
    const auto port = to_number<std::uint32_t>(rest.substr(colon + 1));
    if (!port || *port == 0 || *port > std::numeric_limits<std::uint16_t>::max()) {
      return wrong("has no port between 1 and 65535 behind the colon");
    }
  }
  const bool ipv6 = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  const bool plain = !host.empty() && std::ranges::all_of(host, is_name_character);
  if (!ipv6 && !plain) return wrong("has no host name or address");
  return base;
}

Parsed<HealthCheck> parse_health(std::string_view text) {
  constexpr std::string_view kTcp = "tcp:";
  if (text == "none") return HealthCheck{};
  if (text == "agent") return HealthCheck{.kind = HealthCheck::Kind::agent, .host = {}, .port = 0};
  const auto wrong = [&](std::string_view why) {
    return std::unexpected(
        fmt::format(R"('{}' {}; write "none", "agent" or like "tcp:10.0.0.5:5432")", text, why));
  };
  if (!text.starts_with(kTcp)) return wrong("is no health check");
  const std::string_view address = text.substr(kTcp.size());
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return wrong("has no port");
  const std::string_view host = address.substr(0, colon);
  if (host.empty() || !std::ranges::all_of(host, is_name_character)) {
    return wrong("has no host name or IPv4 address");
  }
  const auto port = to_number<std::uint16_t>(address.substr(colon + 1));
  if (!port || *port == 0) return wrong("has no port between 1 and 65535");
  return HealthCheck{.kind = HealthCheck::Kind::tcp, .host = std::string(host), .port = *port};
}

Parsed<std::string> parse_glob(std::string_view text) {
  if (text.empty()) return std::unexpected("an empty pattern matches no VM; \"*\" matches each");
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      if (++i == text.size()) {
        return std::unexpected(fmt::format("'{}' ends in a lone backslash", text));
      }
    } else if (text[i] == '[') {
      // A ']' right behind '[', '[!' or '[^' is a member of the set.
      std::size_t member = i + 1;
      if (member < text.size() && (text[member] == '!' || text[member] == '^')) ++member;
      const std::size_t end =
          member >= text.size() ? std::string_view::npos : text.find(']', member + 1);
      if (end == std::string_view::npos) {
        return std::unexpected(fmt::format("'{}' has a '[' without its ']'", text));
      }
      i = end;
    }
  }
  return std::string(text);
}

Parsed<std::string> parse_vm_name(std::string_view text) {
  if (text.empty()) return std::unexpected("an empty name is no VM's");
  return std::string(text);
}

Parsed<std::string> parse_node_name(std::string_view text) {
  if (text.empty() || text.size() > 255 || !std::ranges::all_of(text, is_name_character)) {
    return std::unexpected(
        fmt::format("'{}' is not a node name: letters, digits, '.', '-' and '_' make one", text));
  }
  return std::string(text);
}

Parsed<std::string> parse_network(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return std::unexpected(fmt::format("'{}' {}", text, why));
  };
  const std::size_t slash = std::min(text.find('/'), text.size());
  in_addr address{};
  if (::inet_pton(AF_INET, std::string(text.substr(0, slash)).c_str(), &address) != 1) {
    return wrong("is not an IPv4 network such as \"10.0.0.0/24\"");
  }
  if (slash == text.size()) return std::string(text);
  const auto bits = to_number<unsigned>(text.substr(slash + 1));
  if (!bits || *bits > 32) return wrong("must end in /0 to /32");
  const std::uint32_t mask = *bits == 0 ? 0 : ~std::uint32_t{0} << (32 - *bits);
  if ((ntohl(address.s_addr) & ~mask) != 0) {
    return wrong("is one address in a network: write the network, or the address without the /");
  }
  return std::string(text);
}

Parsed<std::string> parse_label_name(std::string_view text) {
  const auto fits = [](char c) { return is_digit(c) || is_letter(c) || c == '_'; };
  if (text.empty() || is_digit(text.front()) || !std::ranges::all_of(text, fits)) {
    return std::unexpected(fmt::format(
        "'{}' is not a label name: letters, digits and '_' make one, no digit first", text));
  }
  return std::string(text);
}

}  // namespace upkeep
