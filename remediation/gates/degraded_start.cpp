#include "remediation/gates/degraded_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "exporter/model/node_names.h"
#include "remediation/drbd_peer.h"
#include "remediation/gates/peer_words.h"

namespace upkeep {
namespace {

/// A peer that boots takes about so long to connect: until then no way around it is offered.
constexpr std::chrono::seconds kPeerMayComeBack{60};

bool is_absent(const DrbdPeer& peer, const Replica& replica) {
  return is_diskful(peer, replica.device.volume) && !is_connected(peer);
}

/// True when the ledger has seen the VM run here, and not seen it leave.
bool last_ran_here(const Replica& replica) {
  const auto& ledger = replica.world.history.intents;
  const auto line = ledger.find(replica.vm.uuid);
  if (line == ledger.end()) return false;
  switch (line->second.last_stop) {
    case StopCause::never_ran:
    case StopCause::moved_away:
    case StopCause::undefined_vm: return false;
    case StopCause::none:
    case StopCause::guest_shutdown:
    case StopCause::operator_destroy:
    case StopCause::saved:
    case StopCause::crashed:
    case StopCause::start_failed:
    case StopCause::host_shutdown:
    case StopCause::node_down:
    case StopCause::unobserved: return true;
  }
  return false;
}

/// What is missing of the proof that this node wrote last; empty when it is whole.
std::string missing_proof(const Replica& replica) {
  if (!is_up_to_date(replica)) {
    return fmt::format("the local copy is {}", replica.device.disk.text);
  }
  if (!replica.device.crashed_primary) {
    return "it is not known whether this node was Primary when it went down";
  }
  if (!*replica.device.crashed_primary) return "this node was not Primary when it went down";
  if (!last_ran_here(replica)) return "upkeep has no record that the VM last ran here";
  // DRBD 9 would refuse; better told here than by a start that fails.
  if (!replica.device.quorum.value_or(true) || !replica.resource.may_promote.value_or(true)) {
    return "DRBD itself does not let this node become Primary";
  }
  return "";
}

bool answers(const DrbdPeer& peer, const World& world) {
  return std::ranges::any_of(world.snapshot.peers, [&](const Peer& node) {
    return may_be(peer, node.name) && is_heard(node, world);
  });
}

/// Since when the peer has been out of reach while DRBD tried; nothing when it isn't known.
std::optional<Tick> unconnected_since(const DrbdPeer& peer, const Replica& replica) {
  const auto& progress = replica.world.history.progress;
  const auto resource = progress.find(replica.resource.name);
  if (resource == progress.end()) return std::nullopt;
  const auto since = resource->second.unconnected_since.find(peer.node_id);
  if (since == resource->second.unconnected_since.end()) return std::nullopt;
  return since->second;
}

/// When the last of the absent peers has been silent for `wait`; nothing when one may be alive.
std::optional<Tick> all_silent_for(Duration wait, const Replica& replica) {
  Tick latest = Tick::min();
  for (const DrbdPeer& peer : replica.resource.peers) {
    if (!is_absent(peer, replica)) continue;
    const auto since = unconnected_since(peer, replica);
    if (!since || answers(peer, replica.world)) return std::nullopt;
    latest = std::max(latest, *since + wait);
  }
  return latest;
}

/// The configuration's node that the peer is for certain, or null.
const NodeName* configured_as(const DrbdPeer& peer, const World& world) {
  return counterpart(peer.name, world.policy.peers, drbd_peers(**world.snapshot.drbd.reading));
}

/// It may be a node of the configuration, and which one can't be told: no word buries it.
bool is_ambiguous(const DrbdPeer& peer, const World& world) {
  const auto& peers = world.policy.peers;
  return configured_as(peer, world) == nullptr &&
         std::ranges::any_of(peers, [&](const auto& name) { return is_name_of(name, peer.name); });
}

/// DRBD may know the peer by a shorter or longer name than the configuration, by which the word was
/// said; 8.4 may not know it at all, and then the word on the only configured node counts.
bool is_declared_dead(const DrbdPeer& peer, const World& world) {
  const auto said = [&](const NodeName& node) {
    return world.history.standings.contains({Standing::Kind::peer_dead, node.value});
  };
  const auto& peers = world.policy.peers;
  if (is_nameless(peer)) return peers.size() == 1 && said(peers.front());
  const NodeName* configured = configured_as(peer, world);
  if (configured != nullptr && said(*configured)) return true;
  return !is_ambiguous(peer, world) && said(peer.name);
}

bool allowed_by_person(const Replica& replica) {
  const World& world = replica.world;
  if (world.history.standings.contains({Standing::Kind::allow_degraded, replica.vm.uuid.value})) {
    return true;
  }
  return std::ranges::all_of(replica.resource.peers, [&](const DrbdPeer& peer) {
    // Heard since the word was said, it is not dead: the word ends at the next reading.
    return !is_absent(peer, replica) || (is_declared_dead(peer, world) && !answers(peer, world));
  });
}

/// When the configuration allows the start; nothing when it doesn't or one of the peers is alive.
std::optional<Tick> allowed_by_config(const Replica& replica) {
  const auto& after = replica.world.policy.allow_degraded_after;
  return after ? all_silent_for(*after, replica) : std::nullopt;
}

std::string absence(const Replica& replica, const DrbdPeer& peer) {
  return fmt::format("{}: {} is not connected ({})", place(replica), peer.name.value,
                     peer.connection.text);
}

/// Could a person declare each of the absent peers dead?
bool can_be_buried(const Replica& replica) {
  const World& world = replica.world;
  return std::ranges::all_of(replica.resource.peers, [&](const DrbdPeer& peer) {
    return !is_absent(peer, replica) || (!answers(peer, world) && !is_ambiguous(peer, world));
  });
}

/// The command that would open the gate; empty while the peer may be about to come back.
std::string way_around(const Replica& replica, const DrbdPeer& absent, bool proven) {
  const auto since = unconnected_since(absent, replica);
  const bool waited = since && replica.world.now - *since >= kPeerMayComeBack;
  if (!waited || !is_up_to_date(replica)) return "";
  if (!proven) return "drbdadm primary " + replica.resource.name.value;
  if (is_nameless(absent) || !can_be_buried(replica)) {
    return "upkeep allow-degraded " + replica.vm.name.value;
  }
  return "upkeep peer declare-dead " + absent.name.value;
}

}  // namespace

std::optional<Held> judge_without_peer(const Replica& replica, const DrbdPeer& absent) {
  // Nobody tries to reach it: whether it is there can't be known.
  const auto* given_up = first_peer(replica.resource, [&](const DrbdPeer& peer) {
    return is_absent(peer, replica) && peer.connection == DrbdConnection::stand_alone;
  });
  if (given_up != nullptr) {
    return hold(Hold::peer_not_connected, absence(replica, *given_up),
                "drbdadm connect " + replica.resource.name.value);
  }
  const std::string missing = missing_proof(replica);
  const bool proven = missing.empty();
  const bool person = allowed_by_person(replica);
  const auto config = allowed_by_config(replica);
  const bool allowed = person || (config && *config <= replica.world.now);
  if (allowed && proven) return std::nullopt;

  std::string detail = absence(replica, absent);
  if (allowed) {
    detail += fmt::format(", and {} allows a start without it, but {}",
                          person ? "a person" : "[drbd] allow_degraded", missing);
  }
  Held held =
      hold(Hold::peer_not_connected, std::move(detail), way_around(replica, absent, proven));
  if (proven && config) held.retry_at = config;
  return held;
}

}  // namespace upkeep
