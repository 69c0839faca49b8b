#include "remediation/gates/peer_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "remediation/drbd_peer.h"

namespace upkeep {
namespace {

const Peer* find_peer(const NodeName& name, const World& world) {
  const auto peer = std::ranges::find(world.snapshot.peers, name, &Peer::name);
  return peer == world.snapshot.peers.end() ? nullptr : &*peer;
}

bool is_connected_by_drbd(const NodeName& node, const World& world) {
  const auto& drbd = world.snapshot.drbd;
  if (!drbd.fresh(world.now, world.policy.freshness.drbd)) return false;
  return std::ranges::any_of((*drbd.reading)->resources, [&](const DrbdResource& resource) {
    return std::ranges::any_of(resource.peers, [&](const DrbdPeer& peer) {
      return may_be(peer, node) && peer.connection == DrbdConnection::connected;
    });
  });
}

/// The peers whose word is needed, by name: those of the configuration that aren't dead.
std::vector<NodeName> peers_to_hear(const World& world) {
  std::vector<NodeName> names = world.policy.peers;
  std::erase_if(names, [&](const NodeName& name) { return is_given_up(name, world); });
  std::ranges::sort(names);
  return names;
}

/// ": peer 'n2' at http://…: connection refused"; empty when nobody knows why.
std::string reason_of(const Peer* peer) {
  return peer == nullptr || !peer->error ? "" : ": " + peer->error->message;
}

std::optional<Held> unheard(const NodeName& name, const std::string& where, const World& world) {
  const Peer* peer = find_peer(name, world);
  if (peer == nullptr || !peer->facts.reading) {
    return hold(Hold::may_run_elsewhere,
                fmt::format("{}, and {} does not say what runs there{}", where, name.value,
                            reason_of(peer)),
                declare_dead(name, world));
  }
  if (!peer->facts.fresh(world.now, world.policy.freshness.peers)) {
    return hold(
        Hold::stale_peers,
        fmt::format("{}, and {} has not answered lately{}", where, name.value, reason_of(peer)),
        declare_dead(name, world));
  }
  return std::nullopt;
}

/// Since when this node tells its peers that it wants the VM; nothing while it has not told them.
std::optional<Tick> told_since(const Vm& vm, const World& world) {
  const auto& told = world.history.wanted_told;
  if (!told) return std::nullopt;
  const auto since = told->find(vm.uuid);
  return since == told->end() ? std::nullopt : std::optional(since->second);
}

/// What ends the other node's wish. Who starts nothing there waits for a person all the same: that
/// one may be about to start it by hand.
std::string end_of_wish(const Vm& vm, const NodeName& name, const PeerFacts& facts) {
  const std::string& own_name = vm.name.value;
  const auto held = facts.held_vms.find(vm.uuid);
  const std::string word = held == facts.held_vms.end() ? "" : held->second;
  const bool starts_nothing = facts.mode == to_string(Mode::observe) ||
                              facts.mode == to_string(Mode::dry_run) ||
                              word == to_string(Hold::observing);
  if (starts_nothing) {
    return fmt::format(
        ", though upkeep there starts nothing (mode {}): `upkeep mark {} down` on {} ends that "
        "wish, and lets it be started here; else start it there by hand",
        facts.mode.empty() ? "observe" : facts.mode, own_name, name.value);
  }
  const bool waits_for_others = word.empty() || word == to_string(Hold::may_run_elsewhere) ||
                                word == to_string(Hold::runs_elsewhere);
  if (!waits_for_others) {
    return fmt::format(
        ", though it is held there ({}): `upkeep why {}` on {} says what ends that, and `upkeep "
        "mark {} down` there lets it be started here",
        word, own_name, name.value, own_name);
  }
  return fmt::format(
      ": on the node that is not to run it, `upkeep mark {} auto` takes an old mark back, and "
      "`upkeep mark {} down` ends the wish",
      own_name, own_name);
}

std::optional<Held> wants_it_too(const Vm& vm, const NodeName& name, const std::string& where,
                                 const World& world) {
  const auto& facts = find_peer(name, world)->facts;
  const auto& wanted = facts.reading->wanted_vms;
  if (!wanted) {
    return hold(Hold::may_run_elsewhere,
                fmt::format("{}, and whether {} is about to start it is not known: {}", where,
                            name.value, wanted.error().message));
  }
  if (std::ranges::count(*wanted, vm.uuid) > 0) {
    return hold(Hold::may_run_elsewhere, fmt::format("{}, and {} wants it too{}", where, name.value,
                                                     end_of_wish(vm, name, *facts.reading)));
  }
  const auto told = told_since(vm, world);
  if (told && facts.at > *told) return std::nullopt;
  return hold(Hold::unconfirmed,
              fmt::format("{}, and {} is asked once more, now that it can know that this node "
                          "wants it",
                          where, name.value));
}

/// By the boot itself: a clock that was set back makes a word of before the boot look like one of
/// after it.
bool was_said_in_this_boot(const Standing& word, const World& world) {
  const auto& self = world.snapshot.node.reading;
  if (!self) return false;
  return word.boot.value.empty() ? self->boot_time <= word.at : self->boot_id == word.boot;
}

}  // namespace

bool is_heard(const Peer& peer, const World& world) {
  const auto heard = last_heard(peer);
  return heard && world.now - *heard <= world.policy.freshness.peers;
}

bool is_given_up(const NodeName& node, const World& world) {
  const auto said = world.history.standings.find({Standing::Kind::peer_dead, node.value});
  if (said == world.history.standings.end()) return false;
  // While this node was off the other one may have come back unseen. What came and went while only
  // this node's upkeep was off, nobody knows: whoever stops it says so anew (docs/cli.md).
  if (!was_said_in_this_boot(said->second, world)) return false;
  if (world.now - world.history.started < world.policy.freshness.peers) return false;
  const Peer* peer = find_peer(node, world);
  return peer != nullptr && peer->error.has_value() && !is_heard(*peer, world);
}

std::string declare_dead(const NodeName& node, const World& world) {
  const Peer* peer = find_peer(node, world);
  const bool alive =
      (peer != nullptr && is_heard(*peer, world)) || is_connected_by_drbd(node, world);
  return alive ? "" : "upkeep peer declare-dead " + node.value;
}

std::optional<Held> runs_elsewhere(const Vm& vm, const World& world) {
  const Peer* host = nullptr;
  for (const Peer& peer : world.snapshot.peers) {
    if (!peer.facts.reading || is_given_up(peer.name, world)) continue;
    const bool there = std::ranges::count(peer.facts.reading->active_vms, vm.uuid) > 0;
    if (there && (host == nullptr || peer.name < host->name)) host = &peer;
  }
  if (host == nullptr) return std::nullopt;
  if (host->facts.fresh(world.now, world.policy.freshness.peers)) {
    return hold(Hold::runs_elsewhere, "it is active on " + host->name.value);
  }
  return hold(Hold::runs_elsewhere,
              fmt::format("it was active on {} when that last answered{}", host->name.value,
                          reason_of(host)),
              declare_dead(host->name, world));
}

std::optional<Held> judge_peers(const Vm& vm, const std::string& where, const World& world) {
  for (const NodeName& name : peers_to_hear(world)) {
    if (auto held = unheard(name, where, world)) return held;
    // What is there already is listed as active, so that whoever wants it holds.
    if (!is_down(vm.state)) continue;
    if (auto held = wants_it_too(vm, name, where, world)) return held;
  }
  return std::nullopt;
}

std::optional<Held> judge_return(const Vm& vm, const World& world) {
  const auto line = world.history.intents.find(vm.uuid);
  const bool moved = line != world.history.intents.end() &&
                     line->second.last_stop == StopCause::moved_away && is_down(vm.state);
  if (!moved) return std::nullopt;
  const std::string where = "it moved to another node";
  for (const NodeName& name : peers_to_hear(world)) {
    if (auto held = unheard(name, where, world)) return held;
    if (auto held = wants_it_too(vm, name, where, world)) return held;
  }
  return std::nullopt;
}

}  // namespace upkeep
