// What `upkeep check` can tell of the [[peer]] blocks without asking any of them.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/cli/check.h"
#include "app/config_peers.h"

namespace upkeep::cli {
namespace {

struct Place {
  std::string host, port;
};

/// Of a base URL as the configuration takes it.
Place place_of(std::string_view url) {
  const bool tls = url.starts_with("https://");
  url.remove_prefix(url.find("//") + 2);
  const std::size_t colon = url.rfind(':');
  if (url.ends_with(']') || colon == std::string_view::npos) {
    return {.host = std::string(url), .port = tls ? "443" : "80"};
  }
  return {.host = std::string(url.substr(0, colon)), .port = std::string(url.substr(colon + 1))};
}

std::string text_of(const sockaddr& ipv4) {
  const void* address = &reinterpret_cast<const sockaddr_in*>(&ipv4)->sin_addr;
  std::array<char, INET_ADDRSTRLEN> text{};
  inet_ntop(AF_INET, address, text.data(), text.size());
  return text.data();
}

/// The IPv4 addresses of this machine; none when they can't be read.
std::set<std::string> own_addresses() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, freeifaddrs);
  std::set<std::string> addresses;
  for (const ifaddrs* one = list.get(); one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    addresses.insert(text_of(*one->ifa_addr));
  }
  return addresses;
}

/// Does a connection to that address and our port end at our listener? One to another loopback
/// address may be the beginning of a tunnel.
bool is_answered_here(const std::string& address, const ListenAddress& listen) {
  if (listen.host != "0.0.0.0") return address == listen.host;
  return address.starts_with("127.") || own_addresses().contains(address);
}

bool is_own_listener(const Place& place, const Config& config, const AddressLookup& addresses_of) {
  const ListenAddress& listen = config.http.listen;
  if (place.port != std::to_string(listen.port)) return false;
  const auto addresses = addresses_of(place.host);
  return std::ranges::any_of(
      addresses, [&](const std::string& address) { return is_answered_here(address, listen); });
}

}  // namespace

std::vector<std::string> look_up_addresses(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_family = AF_INET;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &wanted, &first) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(first, freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    addresses.push_back(text_of(*one->ai_addr));
  }
  return addresses;
}

void check_peers(const Config& config, CheckReport& report, const AddressLookup& addresses_of) {
  for (PeerNameDoubt& doubt : peer_name_doubts(config)) {
    report.push_back({doubt.is_usual ? Grade::note : Grade::warning, "peers", std::move(doubt.text),
                      std::move(doubt.fix)});
  }
  for (const PeerConfig& peer : config.peers) {
    if (!is_own_listener(place_of(peer.url), config, addresses_of)) continue;
    report.push_back({Grade::warning, "peers",
                      fmt::format("[[peer]] {}: at {} this node itself listens; what is said there "
                                  "is not taken for {}'s word",
                                  peer.name.value, peer.url, peer.name.value),
                      fmt::format("set its url to where {} listens", peer.name.value)});
  }
}

}  // namespace upkeep::cli
