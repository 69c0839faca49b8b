#include "remediation/gates/replica_gate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "remediation/gates/degraded_start.h"

namespace upkeep {
namespace {

/// DESIGN §5 (a): nobody else can have written since we did.
bool written_here_last(const Replica& replica) {
  if (!is_up_to_date(replica)) return false;
  if (replica.resource.role == DrbdRole::primary) return true;
  const ResourceHistory* history = history_of(replica);
  return history != nullptr && history->primary_alone &&
         std::ranges::none_of(replica.resource.peers, is_connected);
}

/// DESIGN §5 (b): everybody who may write is here and doesn't.
bool all_peers_stand_by(const Replica& replica) {
  bool any = false;
  for (const DrbdPeer& peer : replica.resource.peers) {
    if (!is_diskful(peer, replica.device.volume)) continue;
    any = true;
    if (!is_connected(peer) || peer.role != DrbdRole::secondary) return false;
  }
  return any && has_good_data(replica);
}

/// DESIGN §5 (c): DRBD 9 itself guards against a second writer.
bool quorum_guards(const Replica& replica, const Drbd& drbd) {
  return drbd.kernel_version.starts_with("9.") &&
         replica.resource.quorum_configured.value_or(false) &&
         replica.device.quorum.value_or(false) && replica.resource.may_promote.value_or(false);
}

/// Nobody else may be writing, and still a guest can't: it would hang, or get an error at once.
std::optional<Held> held_without_quorum(const Replica& replica) {
  // DRBD says yes where no quorum is configured, and 8.4 says nothing.
  if (replica.device.quorum.value_or(true)) return std::nullopt;
  const DrbdResource& resource = replica.resource;
  std::vector<std::string> away;
  for (const DrbdPeer& peer : resource.peers) {
    if (is_connected(peer)) continue;
    away.push_back(fmt::format("{} ({})", peer.name.value, peer.connection.text));
  }
  std::ranges::sort(away);
  const auto* given_up = first_peer(resource, [](const DrbdPeer& peer) {
    return peer.connection == DrbdConnection::stand_alone;
  });
  return hold(Hold::quorum_lost,
              fmt::format("{}: it comes back with enough of its peers{}", place(replica),
                          away.empty() ? "" : fmt::format(": {}", fmt::join(away, ", "))),
              given_up == nullptr ? "" : "drbdadm connect " + resource.name.value);
}

/// What closes the gate whatever else is true.
std::optional<Held> always_closes(const Replica& replica) {
  const DrbdResource& resource = replica.resource;
  const ResourceHistory* history = history_of(replica);
  if (resource.split_brain || (history != nullptr && history->split_brain)) {
    const auto& evidence = resource.split_brain ? resource.split_brain : history->split_brain;
    return hold(Hold::split_brain, fmt::format("{}: {}", place(replica), evidence->what));
  }
  const auto* writer =
      first_peer(resource, [](const DrbdPeer& peer) { return peer.role == DrbdRole::primary; });
  if (writer != nullptr) {
    return hold(Hold::peer_primary,
                fmt::format("{}: {} is Primary", place(replica), writer->name.value));
  }
  if (resource.suspended != "no") {
    if (auto held = held_without_quorum(replica); held && resource.suspended == "quorum") {
      return held;
    }
    return hold(Hold::storage_not_up_to_date,
                fmt::format("{}: its I/O is suspended ({})", place(replica), resource.suspended));
  }
  return std::nullopt;
}

/// A connected peer of which DRBD has not said yet what it does.
std::optional<Held> unclear_peer(const Replica& replica) {
  const auto* unclear = first_peer(replica.resource, [&](const DrbdPeer& peer) {
    return is_diskful(peer, replica.device.volume) && is_connected(peer) &&
           peer.role != DrbdRole::secondary;
  });
  if (unclear == nullptr) return std::nullopt;
  return hold(Hold::storage_unknown, fmt::format("{}: the role of {} is not known yet",
                                                 place(replica), unclear->name.value));
}

}  // namespace

std::optional<Held> judge_replica(const Replica& replica, const Drbd& drbd) {
  if (auto held = always_closes(replica)) return held;
  if (written_here_last(replica) || all_peers_stand_by(replica) || quorum_guards(replica, drbd)) {
    return held_without_quorum(replica);
  }
  if (!has_good_data(replica)) {
    return hold(Hold::storage_not_up_to_date,
                fmt::format("{}: the local copy is {}", place(replica), replica.device.disk.text));
  }
  if (auto held = unclear_peer(replica)) return held;
  const auto* absent = first_peer(replica.resource, [&](const DrbdPeer& peer) {
    return is_diskful(peer, replica.device.volume) && !is_connected(peer);
  });
  if (absent != nullptr) return judge_without_peer(replica, *absent);
  return hold(Hold::peer_not_connected,
              fmt::format("{}: the kernel knows no peer of it", place(replica)),
              fmt::format("drbdadm adjust {}", replica.resource.name.value));
}

}  // namespace upkeep
