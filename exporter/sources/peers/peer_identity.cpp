#include "exporter/sources/peers/peer_identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace upkeep {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_but_for_case(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, lower, lower);
}

bool is_short_for(std::string_view name, std::string_view full) {
  return !name.empty() && name.find('.') == std::string_view::npos &&
         full.find('.') != std::string_view::npos &&
         same_but_for_case(name, full.substr(0, full.find('.')));
}

/// What the peer says it is in, and said it was.
bool has_shown(const BootId& boot, const Result<PeerFacts>& answer, const Peer& peer) {
  if (answer && answer->boot_id == boot) return true;
  return peer.facts.reading && peer.facts.reading->boot_id == boot;
}

}  // namespace

bool is_name_of(const NodeName& one, const NodeName& other) {
  return same_but_for_case(one.value, other.value) || is_short_for(one.value, other.value) ||
         is_short_for(other.value, one.value);
}

std::optional<std::string> identity_fault(const PeerFacts& answer, const NodeName& name,
                                          const std::optional<BootId>& own) {
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
  return std::nullopt;
}

std::vector<std::optional<NodeName>> twins_among(const std::vector<Result<PeerFacts>>& answers,
                                                 const std::vector<Peer>& peers) {
  std::vector<std::optional<NodeName>> twins(answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) continue;
    for (std::size_t other = 0; other < answers.size(); ++other) {
      if (other == i || !has_shown(answers[i]->boot_id, answers[other], peers[other])) continue;
      twins[i] = peers[other].name;
      break;
    }
  }
  return twins;
}

}  // namespace upkeep
