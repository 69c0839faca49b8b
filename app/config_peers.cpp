#include "app/config_peers.h"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "app/config_values.h"
#include "exporter/model/node_names.h"

namespace upkeep {
namespace {

std::string_view short_of(std::string_view name) { return name.substr(0, name.find('.')); }

PeerNameDoubt doubt_of_itself(const NodeName& peer, const NodeName& node) {
  return {.text = fmt::format("[[peer]] {} may be this node itself, {}: if it is, what this node "
                              "answers there is nobody's word, and what needs a peer's waits",
                              peer.value, node.value),
          .fix = fmt::format("take the block out, or if {} is another node: set `node` to this "
                             "one's name with its domain",
                             peer.value)};
}

PeerNameDoubt doubt_of_two(const NodeName& one, const NodeName& other) {
  return {.text = fmt::format("[[peer]] {} and {} may be one node by their names: neither can be "
                              "declared dead while the other one is heard",
                              one.value, other.value),
          .fix = "give both their domain, and in `node` there, or take out one of them"};
}

PeerNameDoubt doubt_of_answers(const NodeName& one, const NodeName& other) {
  return {
      .text = fmt::format("[[peer]] {} and {} share a short name: an answer as just {} is taken "
                          "for neither's",
                          one.value, other.value, short_of(one.value)),
      .fix = "set `node` there to these names, with the domain",
      .is_usual = true};
}

}  // namespace

std::vector<PeerNameDoubt> peer_name_doubts(const Config& config) {
  std::vector<PeerNameDoubt> doubts;
  const NodeName node = node_name(config);
  for (auto peer = config.peers.begin(); peer != config.peers.end(); ++peer) {
    if (is_name_of(peer->name, node)) doubts.push_back(doubt_of_itself(peer->name, node));
    for (auto other = std::next(peer); other != config.peers.end(); ++other) {
      if (is_name_of(peer->name, other->name)) {
        doubts.push_back(doubt_of_two(peer->name, other->name));
      } else if (is_name_of(NodeName{std::string(short_of(peer->name.value))}, other->name)) {
        doubts.push_back(doubt_of_answers(peer->name, other->name));
      }
    }
  }
  return doubts;
}

void read_peers(ConfigTable& file, ConfigErrors& errors, Config& config) {
  for (const toml::table* block : file.tables("peer")) {
    ConfigTable table(*block, "[[peer]]", errors);
    for (const std::string_view key : {"name", "url"}) {
      if (!table.has(key)) table.wrong(key, "is missing");
    }
    PeerConfig peer;
    if (auto name = table.parsed("name", parse_node_name)) peer.name.value = std::move(*name);
    if (auto url = table.parsed("url", parse_base_url)) peer.url = std::move(*url);
    if (!peer.name.value.empty() && peer.name == node_name(config)) {
      table.wrong("name",
                  fmt::format("'{}' is this node itself; peers are the others", peer.name.value));
    }
    for (const PeerConfig& earlier : config.peers) {
      if (!peer.name.value.empty() && earlier.name == peer.name) {
        table.wrong("name", fmt::format("there is a peer '{}' already", peer.name.value));
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
