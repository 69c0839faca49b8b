#include "app/config_peers.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "app/config_values.h"
#include "exporter/model/node_names.h"

namespace upkeep {
namespace {

/// Of a name that may be this node's.
std::string itself_or_may_be(const NodeName& peer, const NodeName& node) {
  if (peer == node) return "this node itself";
  return fmt::format("this node itself, '{}', or can't be told from it", node.value);
}

std::string taken(const NodeName& earlier, const NodeName& peer) {
  if (earlier == peer) return fmt::format("there is a peer '{}' already", peer.value);
  return fmt::format("there is a peer '{}' already, and '{}' can't be told from it", earlier.value,
                     peer.value);
}

}  // namespace

void read_peers(ConfigTable& file, ConfigErrors& errors, Config& config) {
  for (const toml::table* block : file.tables("peer")) {
    ConfigTable table(*block, "[[peer]]", errors);
    for (const std::string_view key : {"name", "url"}) {
      if (!table.has(key)) table.wrong(key, "is missing");
    }
    PeerConfig peer;
    if (auto name = table.parsed("name", parse_node_name)) peer.name.value = std::move(*name);
    if (auto url = table.parsed("url", parse_base_url)) peer.url = std::move(*url);
    if (!peer.name.value.empty() && is_name_of(peer.name, node_name(config))) {
      table.wrong("name", fmt::format("'{}' is {}; peers are the others", peer.name.value,
                                      itself_or_may_be(peer.name, node_name(config))));
    }
    for (const PeerConfig& earlier : config.peers) {
      if (!peer.name.value.empty() && is_name_of(earlier.name, peer.name)) {
        table.wrong("name", taken(earlier.name, peer.name));
      }
      if (!peer.url.empty() && earlier.url == peer.url) {
        table.wrong("url", fmt::format("that is the URL of peer '{}' already", earlier.name.value));
      }
    }
    table.finish();
    config.peers.push_back(std::move(peer));
  }
}

}  // namespace upkeep
