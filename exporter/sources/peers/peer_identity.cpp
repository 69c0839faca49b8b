#include "exporter/sources/peers/peer_identity.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>

#include "exporter/model/node_names.h"

namespace upkeep {
namespace {

/// An address that leads to two nodes by turns shows both of them in far less.
constexpr Duration kShownLately = std::chrono::minutes(10);

/// What the peer says it is in, or said it was.
bool has_shown(const BootId& boot, const Result<PeerFacts>& answer, const Peer& peer, Tick now) {
  if (answer) return answer->boot_id == boot;
  return peer.facts.reading && peer.facts.reading->boot_id == boot &&
         now - peer.facts.at <= kShownLately;
}

}  // namespace

std::optional<std::string> identity_fault(const PeerFacts& answer, const NodeName& name,
                                          const std::optional<BootId>& own,
                                          const std::vector<NodeName>& peers) {
  if (own && answer.boot_id == *own) {
    return fmt::format(
        "this node itself answers there, as {}: set [[peer]] url to where {} "
        "listens, and restart upkeep",
        answer.node.value, name.value);
  }
  if (!is_name_of(answer.node, name)) {
    return fmt::format(
        "answers as {}, but [[peer]] calls it {}: correct its url, or its name if "
        "they are one node, and restart upkeep",
        answer.node.value, name.value);
  }
  for (const NodeName& other : peers) {
    // Who is called just so is meant.
    if (other == name || likeness(answer.node, name) > likeness(answer.node, other)) continue;
    if (!is_name_of(answer.node, other)) continue;
    return fmt::format(
        "answers as {}, and so may {}: set `node` in the configuration of both to their names "
        "here, with the domain, and restart upkeep there",
        answer.node.value, other.value);
  }
  return std::nullopt;
}

std::vector<std::optional<NodeName>> twins_among(const std::vector<Result<PeerFacts>>& answers,
                                                 const std::vector<Peer>& peers, Tick now) {
  std::vector<std::optional<NodeName>> twins(answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) continue;
    for (std::size_t other = 0; other < answers.size(); ++other) {
      if (other == i || !has_shown(answers[i]->boot_id, answers[other], peers[other], now))
        continue;
      twins[i] = peers[other].name;
      break;
    }
  }
  return twins;
}

}  // namespace upkeep
