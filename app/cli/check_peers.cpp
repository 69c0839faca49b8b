// What `upkeep check` can tell of the [[peer]] blocks without asking anybody.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "app/cli/check.h"
#include "exporter/model/node_names.h"

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

/// The IPv4 addresses of this machine; none when they can't be read.
std::set<std::string> own_addresses() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, freeifaddrs);
  std::set<std::string> addresses;
  for (const ifaddrs* one = list.get(); one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    const void* address = &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr;
    std::array<char, INET_ADDRSTRLEN> text{};
    if (inet_ntop(AF_INET, address, text.data(), text.size()) != nullptr) {
      addresses.emplace(text.data());
    }
  }
  return addresses;
}

bool is_own_listener(const Place& place, const Config& config) {
  const ListenAddress& listen = config.http.listen;
  if (place.port != std::to_string(listen.port)) return false;
  if (is_name_of(NodeName{place.host}, node_name(config))) return true;
  const bool loopback = place.host == "localhost" || place.host.starts_with("127.");
  if (listen.host != "0.0.0.0") {
    return place.host == listen.host || (loopback && is_loopback(listen));
  }
  return loopback || own_addresses().contains(place.host);
}

}  // namespace

void check_peers(const Config& config, CheckReport& report) {
  for (const PeerConfig& peer : config.peers) {
    if (!is_own_listener(place_of(peer.url), config)) continue;
    report.push_back({Grade::warning, "peers",
                      fmt::format("[[peer]] {}: at {} this node itself listens; what is said there "
                                  "is not taken for {}'s word",
                                  peer.name.value, peer.url, peer.name.value),
                      fmt::format("set its url to where {} listens", peer.name.value)});
  }
}

}  // namespace upkeep::cli
