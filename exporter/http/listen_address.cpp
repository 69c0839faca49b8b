#include "exporter/http/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace upkeep {
namespace {

std::unexpected<Error> refused(std::string_view text, std::string_view why) {
  return fail(Errc::invalid, fmt::format("listen address '{}': {}", text, why));
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return port;
}

}  // namespace

std::string to_string(const ListenAddress& address) {
  return fmt::format("{}:{}", address.host, address.port);
}

bool is_loopback(const ListenAddress& address) { return address.host.starts_with("127."); }

Result<ListenAddress> parse_listen_address(std::string_view text) {
  if (text.find('[') != std::string_view::npos || std::ranges::count(text, ':') > 1) {
    return refused(
        text, fmt::format("IPv6 is not available (Debian's civetweb is built without it): listen "
                          "on 127.0.0.1 and let nginx or stunnel listen on the IPv6 address, as "
                          "in {}",
                          kFrontExamples));
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return refused(text, "wants ADDRESS:PORT");
  std::string host(text.substr(0, colon));
  const std::string_view port_text = text.substr(colon + 1);
  if (port_text.ends_with('s')) {
    return refused(
        text, fmt::format("TLS is not available (Debian's civetweb does not work with its "
                          "OpenSSL): listen on 127.0.0.1 and put nginx or stunnel in front, as in "
                          "{}",
                          kFrontExamples));
  }
  const auto port = parse_port(port_text);
  if (!port) return refused(text, "the port must be a number from 0 to 65535");
  if (host.empty() || host == "*") host = "0.0.0.0";
  if (host == "localhost") host = "127.0.0.1";
  in_addr parsed{};
  if (::inet_pton(AF_INET, host.c_str(), &parsed) != 1) {
    return refused(text, "the address must be an IPv4 one such as 127.0.0.1, not a name");
  }
  return ListenAddress{.host = std::move(host), .port = *port};
}

}  // namespace upkeep
