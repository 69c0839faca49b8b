#include "remediation/gates/replica.h"

#include <fmt/format.h>

#include <algorithm>

namespace upkeep {
namespace {

const DrbdPeerDevice* volume_at(const DrbdPeer& peer, VolumeNumber volume) {
  const auto found = std::ranges::find_if(
      peer.devices, [&](const DrbdPeerDevice& device) { return device.volume == volume; });
  return found == peer.devices.end() ? nullptr : &*found;
}

}  // namespace

const ResourceHistory* history_of(const Replica& replica) {
  const auto found = replica.world.history.resources.find(replica.resource.name);
  return found == replica.world.history.resources.end() ? nullptr : &found->second;
}

bool is_connected(const DrbdPeer& peer) { return peer.connection == DrbdConnection::connected; }

bool is_diskful(const DrbdPeer& peer, VolumeNumber volume) {
  const DrbdPeerDevice* device = volume_at(peer, volume);
  return device == nullptr || !device->peer_client.value_or(false);
}

bool is_up_to_date(const Replica& replica) { return replica.device.disk == DrbdDisk::up_to_date; }

bool has_good_data(const Replica& replica) {
  if (is_up_to_date(replica)) return true;
  const bool client = replica.device.client.value_or(false);
  return std::ranges::any_of(replica.resource.peers, [&](const DrbdPeer& peer) {
    const DrbdPeerDevice* device = volume_at(peer, replica.device.volume);
    if (!is_connected(peer) || device == nullptr) return false;
    if (device->peer_disk != DrbdDisk::up_to_date) return false;
    return client || device->replication == DrbdReplication::sync_target;
  });
}

std::string place(const Replica& replica) {
  return fmt::format("disk {} on DRBD resource {}", replica.disk.target.value,
                     replica.resource.name.value);
}

}  // namespace upkeep
