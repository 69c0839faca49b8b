// What a node's DRBD says of the cluster's.
#include <algorithm>

#include "simulation/replication.h"

namespace upkeep::simulation {
namespace {

template <class Kind, std::size_t N>
Stated<Kind> word_of(const std::array<DrbdWord<Kind>, N>& words, Kind kind) {
  const auto found = std::ranges::find(words, kind, &DrbdWord<Kind>::kind);
  return {kind, found == words.end() ? "" : std::string(found->word)};
}

DrbdRole role_of(const Replication::Side& side) {
  return side.primary ? DrbdRole::primary : DrbdRole::secondary;
}

DrbdReplication replication_of(const Replication::Resource& resource,
                               const Replication::Side& here) {
  if (!resource.linked) return DrbdReplication::off;
  if (!resource.sync_target) return DrbdReplication::established;
  return *resource.sync_target == here.node ? DrbdReplication::sync_target
                                            : DrbdReplication::sync_source;
}

}  // namespace

Drbd Replication::reading(NodeIndex node) const {
  Drbd drbd;
  for (const Resource& resource : resources_) {
    const bool ours =
        std::ranges::any_of(resource.sides, [&](const Side& one) { return one.node == node; });
    if (!ours) continue;
    drbd.resources.push_back(read(resource, node));
    drbd.module_loaded = drbd.module_loaded || drbd.resources.back().in_kernel;
  }
  // Nothing is up: the module isn't loaded.
  if (drbd.module_loaded) drbd.kernel_version = options_.version;
  drbd.utils_version = "9.22.0";
  std::ranges::sort(drbd.resources, {}, &DrbdResource::name);
  return drbd;
}

DrbdResource Replication::read(const Resource& resource, NodeIndex node) const {
  const bool is_first = resource.sides[0].node == node;
  const Side& here = resource.sides[is_first ? 0 : 1];
  const Side& there = resource.sides[is_first ? 1 : 0];
  DrbdResource seen;
  seen.name = resource.name;
  seen.configured = true;
  seen.in_kernel = here.in_kernel;
  seen.quorum_configured = false;
  seen.after_sb_all_disconnect = true;
  DrbdDevice device;
  device.minor = resource.minor;
  if (here.in_kernel) {
    seen.role = word_of(kDrbdRoles, role_of(here));
    device.disk = word_of(kDrbdDisks, here.disk);
    if (!resource.linked && !here.primary) device.crashed_primary = here.crashed_primary;
    seen.peers.push_back(read_peer(resource, here, there));
    seen.split_brain = here.evidence;
  }
  seen.devices.push_back(std::move(device));
  return seen;
}

DrbdPeer Replication::read_peer(const Resource& resource, const Side& here,
                                const Side& there) const {
  DrbdPeer peer;
  peer.name = options_.nodes.at(there.node);
  peer.node_id = is_84() ? 0 : static_cast<std::uint32_t>(there.node);
  const DrbdConnection alone =
      here.stand_alone ? DrbdConnection::stand_alone : DrbdConnection::connecting;
  peer.connection = word_of(kDrbdConnections, resource.linked ? DrbdConnection::connected : alone);
  peer.role = word_of(kDrbdRoles, resource.linked ? role_of(there) : DrbdRole::unknown);
  if (here.stand_alone) peer.loss = here.loss;
  DrbdPeerDevice device;
  device.peer_disk = word_of(kDrbdDisks, resource.linked ? there.disk : DrbdDisk::dunknown);
  device.replication = word_of(kDrbdReplications, replication_of(resource, here));
  device.resync_suspended = "no";
  peer.devices.push_back(std::move(device));
  return peer;
}

}  // namespace upkeep::simulation
