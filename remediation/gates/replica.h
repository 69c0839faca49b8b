#pragma once

#include <string>
#include <utility>

#include "remediation/world.h"

namespace upkeep {

/// One DRBD device under one disk of a VM, and what is known of it.
struct Replica {
  const Vm& vm;
  const VmDisk& disk;
  const DrbdResource& resource;
  const DrbdDevice& device;
  const World& world;
};

/// What this boot has shown of the resource; null when nothing has.
[[nodiscard]] const ResourceHistory* history_of(const Replica& replica);
[[nodiscard]] bool is_connected(const DrbdPeer& peer);
/// True unless DRBD says that the peer is an intended client: it may hold data.
[[nodiscard]] bool is_diskful(const DrbdPeer& peer, VolumeNumber volume);
/// The local copy's own state; no word about the peers'.
[[nodiscard]] bool is_up_to_date(const Replica& replica);
/// Is the guest's data complete here, through a connected peer if need be?
[[nodiscard]] bool has_good_data(const Replica& replica);
/// "disk vda on DRBD resource r0".
[[nodiscard]] std::string place(const Replica& replica);

/// The first peer by name that `predicate` holds for, or null: the order in a reading is no matter.
template <class Predicate>
[[nodiscard]] const DrbdPeer* first_peer(const DrbdResource& resource, Predicate predicate) {
  const DrbdPeer* first = nullptr;
  for (const DrbdPeer& peer : resource.peers) {
    if (!predicate(peer)) continue;
    if (first == nullptr ||
        std::pair(peer.name, peer.node_id) < std::pair(first->name, first->node_id)) {
      first = &peer;
    }
  }
  return first;
}

}  // namespace upkeep
