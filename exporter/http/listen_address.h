#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/model/result.h"

namespace upkeep {

/// Where the package has what can do TLS and IPv6, in front of upkeep.
inline constexpr std::string_view kFrontExamples =
    "/usr/share/doc/upkeep/examples/nginx.conf or stunnel.conf";

/// An IPv4 address and a port to listen on.
struct ListenAddress {
  std::string host;        ///< Dotted; "0.0.0.0" is every address.
  std::uint16_t port = 0;  ///< 0: any free one.

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

[[nodiscard]] std::string to_string(const ListenAddress& address);

/// Only this machine can connect.
[[nodiscard]] bool is_loopback(const ListenAddress& address);

/// Reads "127.0.0.1:9894", "localhost:9894" or ":9893" (every address). IPv6 and TLS ("…:443s")
/// are refused with what to do instead: Debian's civetweb can't serve either.
[[nodiscard]] Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace upkeep
