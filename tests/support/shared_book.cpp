#include "tests/support/shared_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

namespace upkeep::test {
namespace {

/// Older words and older signs of life count for nothing.
constexpr Duration kFresh = std::chrono::seconds(15);

bool lists(const std::vector<VmUuid>& vms, const VmUuid& vm) {
  return std::ranges::count(vms, vm) > 0;
}

}  // namespace

bool SharedBook::runs_on(const Node& node, const VmUuid& vm) {
  const auto guest = node.guests().find(vm);
  if (guest == node.guests().end() || is_down(guest->second.state)) return false;
  return guest->second.state != VmState::paused || guest->second.reason != VmReason::migration;
}

const Peer* SharedBook::peer_of(const Node& node, NodeIndex other) const {
  const NodeName& name = cluster_.nodes().at(other)->options().name;
  const auto peer = std::ranges::find(node.peers, name, &Peer::name);
  return peer == node.peers.end() ? nullptr : &*peer;
}

bool SharedBook::is_told_of(const Node& node, NodeIndex host, const VmUuid& vm) const {
  const Peer* peer = peer_of(node, host);
  return peer != nullptr && peer->facts.fresh(cluster_.now(), kFresh) &&
         lists(peer->facts.reading->active_vms, vm);
}

void SharedBook::says_dead(NodeIndex node, NodeIndex peer) {
  dead_[{node, peer}] = called_dead_[{node, peer}] = cluster_.now();
}

void SharedBook::takes_back(NodeIndex node, NodeIndex peer) {
  dead_.erase({node, peer});
  called_dead_.erase({node, peer});
}

void SharedBook::answered(const Node& node, NodeIndex peer, bool yes) {
  if (!yes) {
    takes_back(node.index(), peer);
    return;
  }
  const Peer* known = peer_of(node, peer);
  const auto heard = known == nullptr ? std::nullopt : last_heard(*known);
  if (heard && cluster_.now() - *heard <= kFresh) wrong_(node, "takes whom it hears for dead");
}

void SharedBook::hid(NodeIndex asks, NodeIndex asked, const VmUuid& vm) {
  hidden_[{asks, asked}][vm] = cluster_.now();
}

/// The word is one of a boot.
void SharedBook::lost_power(NodeIndex node) {
  std::erase_if(dead_, [&](const auto& word) { return word.first.first == node; });
}

/// What libvirt doesn't list is not there for anybody.
void SharedBook::look_for_hands(const Node& node) {
  const auto snapshot = node.snapshot();
  if (snapshot == nullptr || !snapshot->vms.reading) return;
  const Vms& listed = **snapshot->vms.reading;
  for (auto& [spot, hand] : by_hand_) {
    if (spot.first != node.index() || snapshot->vms.at < hand.at) continue;
    hand.unlisted = hand.unlisted || listed.empty();
    const auto vm = std::ranges::find(listed, spot.second, &Vm::uuid);
    if (!hand.seen && vm != listed.end() && !is_down(vm->state)) hand.seen = cluster_.now();
  }
}

/// It ends when the node is seen again.
void SharedBook::judge_step(const Node& node) {
  Daemon& daemon = daemons_[node.index()];
  if (daemon.number != node.daemons()) {
    daemon = {.number = node.daemons(), .began = cluster_.now()};
  }
  look_for_hands(node);
  const auto is_over = [&](const auto& word) {
    if (word.first.first != node.index()) return false;
    const Peer* peer = peer_of(node, word.first.second);
    const auto heard = peer == nullptr ? std::nullopt : last_heard(*peer);
    return heard && *heard > word.second;
  };
  std::erase_if(dead_, is_over);
  std::erase_if(called_dead_, is_over);
}

bool SharedBook::is_given_up(const Node& node, NodeIndex other) const {
  const Peer* peer = peer_of(node, other);
  if (!dead_.contains({node.index(), other}) || peer == nullptr || !peer->error) return false;
  const auto heard = last_heard(*peer);
  const auto daemon = daemons_.find(node.index());
  if (daemon == daemons_.end() || cluster_.now() - daemon->second.began < kFresh) return false;
  return !heard || cluster_.now() - *heard > kFresh;
}

/// Unknown is not down: each of them must have said, a moment ago, that it has nothing to do with
/// the VM.
void SharedBook::judge_word(const Node& node, NodeIndex other, const VmUuid& vm) const {
  const Peer* peer = peer_of(node, other);
  const std::string what = fmt::format("{}: starts though {} ", vm.value,
                                       cluster_.nodes().at(other)->options().name.value);
  if (peer == nullptr || !peer->facts.fresh(cluster_.now(), kFresh)) {
    wrong_(node, what + "says nothing");
    return;
  }
  const PeerFacts& facts = *peer->facts.reading;
  if (lists(facts.active_vms, vm)) wrong_(node, what + "has it");
  if (!facts.wanted_vms) {
    wrong_(node, what + "does not say what it wants");
  } else if (lists(*facts.wanted_vms, vm)) {
    wrong_(node, what + "wants it");
  }
}

std::string SharedBook::excuse(const Node& node, NodeIndex other, const VmUuid& vm) const {
  if (is_given_up(node, other)) return "a person called its host dead";
  const Peer* peer = peer_of(node, other);
  if (peer == nullptr) return "";
  const Tick told = peer->facts.at;
  const auto lies = hidden_.find({node.index(), other});
  if (lies != hidden_.end()) {
    const auto lie = lies->second.find(vm);
    if (lie != lies->second.end() && lie->second >= told) return "its host hid it";
  }
  const auto hand = by_hand_.find({other, vm});
  if (hand == by_hand_.end()) return "";
  if (hand->second.at >= told) return "a person was as quick";
  const bool seen = hand->second.seen && *hand->second.seen <= told;
  return hand->second.unlisted && !seen ? "its host's libvirt never listed it" : "";
}

bool SharedBook::judge_start(const Node& node, const VmUuid& vm) {
  bool known = true;
  for (const auto& other : cluster_.nodes()) {
    if (other->index() == node.index()) continue;
    const bool dead = is_given_up(node, other->index());
    if (dead) ++counts_["start past a dead peer"];
    if (!dead) judge_word(node, other->index(), vm);
    if (!runs_on(*other, vm)) continue;
    const std::string why = excuse(node, other->index(), vm);
    if (why.empty()) {
      wrong_(node, fmt::format("{}: runs on {} already", vm.value, other->options().name.value));
      continue;
    }
    ++counts_["twice: " + why];
    known = false;
  }
  ++counts_["shared start"];
  return known;
}

}  // namespace upkeep::test
