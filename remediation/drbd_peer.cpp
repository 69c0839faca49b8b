#include "remediation/drbd_peer.h"

#include <algorithm>

#include "exporter/model/node_names.h"

namespace upkeep {

bool may_be(const DrbdPeer& peer, const NodeName& node) {
  return is_nameless(peer) || is_name_of(peer.name, node);
}

bool is_shared_with(const DrbdResource& resource, const NodeName& node) {
  return std::ranges::any_of(resource.peers,
                             [&](const DrbdPeer& peer) { return may_be(peer, node); });
}

bool is_nameless(const DrbdPeer& peer) { return peer.name.value == kPeerOf84; }

std::set<NodeName> drbd_peers(const Drbd& drbd) {
  std::set<NodeName> names;
  for (const DrbdResource& resource : drbd.resources) {
    for (const DrbdPeer& peer : resource.peers) {
      if (!peer.name.value.empty() && !is_nameless(peer)) names.insert(peer.name);
    }
  }
  return names;
}

bool is_trying(const DrbdPeer& peer) {
  return peer.connection.kind != DrbdConnection::connected &&
         peer.connection.kind != DrbdConnection::stand_alone;
}

bool is_resync(DrbdReplication replication) {
  switch (replication) {
    case DrbdReplication::starting_sync_s:
    case DrbdReplication::starting_sync_t:
    case DrbdReplication::wf_bitmap_s:
    case DrbdReplication::wf_bitmap_t:
    case DrbdReplication::wf_sync_uuid:
    case DrbdReplication::sync_source:
    case DrbdReplication::sync_target:
    case DrbdReplication::paused_sync_s:
    case DrbdReplication::paused_sync_t: return true;
    case DrbdReplication::off:
    case DrbdReplication::established:
    case DrbdReplication::verify_s:
    case DrbdReplication::verify_t:
    case DrbdReplication::ahead:
    case DrbdReplication::behind:
    case DrbdReplication::other: return false;
  }
  return false;
}

}  // namespace upkeep
