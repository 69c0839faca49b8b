#pragma once

#include <set>

#include "exporter/model/drbd.h"
#include "exporter/model/ids.h"

// What a reading says of the peers of DRBD resources. All pure.

namespace upkeep {

/// True when the peer is that node, or may be: also where one of them is named with its domain and
/// the other without, and for a peer without a name.
[[nodiscard]] bool may_be(const DrbdPeer& peer, const NodeName& node);
/// True when the resource has a replica on that node. A peer without a name may be any node.
[[nodiscard]] bool is_shared_with(const DrbdResource& resource, const NodeName& node);
/// True for DRBD 8.4's one peer where the configuration doesn't tell its name.
[[nodiscard]] bool is_nameless(const DrbdPeer& peer);
/// The nodes that a reading of DRBD names as peers. 8.4's peer is not among them where the
/// configuration doesn't tell its name.
[[nodiscard]] std::set<NodeName> drbd_peers(const Drbd& drbd);
/// True for a link that is neither up nor given up: DRBD is trying.
[[nodiscard]] bool is_trying(const DrbdPeer& peer);
/// True for a resync, paused or not; a verify is none.
[[nodiscard]] bool is_resync(DrbdReplication replication);

}  // namespace upkeep
