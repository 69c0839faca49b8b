#include "remediation/storage_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "remediation/sight.h"

namespace upkeep {
namespace {

Held closed(Hold reason, std::string detail, std::string opens_with = "") {
  return {.reason = reason,
          .detail = std::move(detail),
          .opens_with = std::move(opens_with),
          .retry_at = std::nullopt};
}

/// One DRBD device under one disk, and what is known of it.
struct Replica {
  const VmDisk& disk;
  const DrbdResource& resource;
  const DrbdDevice& device;
  const World& world;
};

const ResourceHistory* history_of(const Replica& replica) {
  const auto found = replica.world.history.resources.find(replica.resource.name);
  return found == replica.world.history.resources.end() ? nullptr : &found->second;
}

bool connected(const DrbdPeer& peer) { return peer.connection == DrbdConnection::connected; }

const DrbdPeerDevice* volume_at(const DrbdPeer& peer, VolumeNumber volume) {
  const auto found = std::ranges::find_if(
      peer.devices, [&](const DrbdPeerDevice& device) { return device.volume == volume; });
  return found == peer.devices.end() ? nullptr : &*found;
}

/// Unless DRBD says that the peer is an intended client, it may hold data.
bool diskful(const DrbdPeer& peer, VolumeNumber volume) {
  const DrbdPeerDevice* device = volume_at(peer, volume);
  return device == nullptr || !device->peer_client.value_or(false);
}

bool up_to_date(const Replica& replica) { return replica.device.disk == DrbdDisk::up_to_date; }

/// Is the guest's data complete here, through a connected peer if need be?
bool has_good_data(const Replica& replica) {
  if (up_to_date(replica)) return true;
  const bool client = replica.device.client.value_or(false);
  return std::ranges::any_of(replica.resource.peers, [&](const DrbdPeer& peer) {
    const DrbdPeerDevice* device = volume_at(peer, replica.device.volume);
    if (!connected(peer) || device == nullptr) return false;
    if (device->peer_disk != DrbdDisk::up_to_date) return false;
    return client || device->replication == DrbdReplication::sync_target;
  });
}

/// DESIGN §5 (a): nobody else can have written since we did.
bool written_here_last(const Replica& replica) {
  if (!up_to_date(replica)) return false;
  if (replica.resource.role == DrbdRole::primary) return true;
  const ResourceHistory* history = history_of(replica);
  return history != nullptr && history->primary_alone &&
         std::ranges::none_of(replica.resource.peers, connected);
}

/// DESIGN §5 (b): everybody who may write is here and doesn't.
bool all_peers_stand_by(const Replica& replica) {
  bool any = false;
  for (const DrbdPeer& peer : replica.resource.peers) {
    if (!diskful(peer, replica.device.volume)) continue;
    any = true;
    if (!connected(peer) || peer.role != DrbdRole::secondary) return false;
  }
  return any && has_good_data(replica);
}

/// DESIGN §5 (c): DRBD 9 itself guards against a second writer.
bool quorum_guards(const Replica& replica, const Drbd& drbd) {
  return drbd.kernel_version.starts_with("9.") &&
         replica.resource.quorum_configured.value_or(false) &&
         replica.device.quorum.value_or(false) && replica.resource.may_promote.value_or(false);
}

std::string place(const Replica& replica) {
  return fmt::format("disk {} on DRBD resource {}", replica.disk.target.value,
                     replica.resource.name.value);
}

/// The first peer by name that `predicate` holds for, so that the order in the reading is no
/// matter.
template <class Predicate>
const DrbdPeer* first_peer(const DrbdResource& resource, Predicate predicate) {
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

/// What closes the gate whatever else is true.
std::optional<Held> always_closes(const Replica& replica) {
  const DrbdResource& resource = replica.resource;
  const ResourceHistory* history = history_of(replica);
  if (resource.split_brain || (history != nullptr && history->split_brain)) {
    const auto& evidence = resource.split_brain ? resource.split_brain : history->split_brain;
    return closed(Hold::split_brain, fmt::format("{}: {}", place(replica), evidence->what));
  }
  const auto* writer =
      first_peer(resource, [](const DrbdPeer& peer) { return peer.role == DrbdRole::primary; });
  if (writer != nullptr) {
    return closed(Hold::peer_primary,
                  fmt::format("{}: {} is Primary", place(replica), writer->name.value));
  }
  if (resource.suspended != "no") {
    return closed(Hold::storage_not_up_to_date,
                  fmt::format("{}: its I/O is suspended ({})", place(replica), resource.suspended));
  }
  return std::nullopt;
}

Held peer_absent(const Replica& replica, const DrbdPeer& peer) {
  std::string command;
  if (peer.connection == DrbdConnection::stand_alone) {
    command = "drbdadm connect " + replica.resource.name.value;
  } else if (up_to_date(replica)) {
    command = "drbdadm primary " + replica.resource.name.value;
  }
  return closed(Hold::peer_not_connected,
                fmt::format("{}: {} is not connected ({})", place(replica), peer.name.value,
                            peer.connection.text),
                std::move(command));
}

/// None of (a), (b), (c): what to tell.
Held why_not(const Replica& replica) {
  const DrbdResource& resource = replica.resource;
  if (!has_good_data(replica)) {
    return closed(
        Hold::storage_not_up_to_date,
        fmt::format("{}: the local copy is {}", place(replica), replica.device.disk.text));
  }
  const auto* absent = first_peer(resource, [&](const DrbdPeer& peer) {
    return diskful(peer, replica.device.volume) && !connected(peer);
  });
  if (absent != nullptr) return peer_absent(replica, *absent);
  const auto* unclear = first_peer(resource, [&](const DrbdPeer& peer) {
    return diskful(peer, replica.device.volume) && peer.role != DrbdRole::secondary;
  });
  if (unclear != nullptr) {
    return closed(Hold::storage_unknown, fmt::format("{}: the role of {} is not known yet",
                                                     place(replica), unclear->name.value));
  }
  return closed(Hold::peer_not_connected,
                fmt::format("{}: the kernel knows no peer of it", place(replica)),
                fmt::format("drbdadm adjust {}", resource.name.value));
}

std::optional<Held> judge_replica(const Replica& replica, const Drbd& drbd) {
  if (auto held = always_closes(replica)) return held;
  if (written_here_last(replica) || all_peers_stand_by(replica) || quorum_guards(replica, drbd)) {
    return std::nullopt;
  }
  return why_not(replica);
}

const DrbdDevice& device_of(const DrbdResource& resource, DeviceMinor minor) {
  return *std::ranges::find_if(resource.devices,
                               [&](const DrbdDevice& device) { return device.minor == minor; });
}

std::optional<Held> judge_minor(const VmDisk& disk, DeviceMinor minor, const World& world,
                                StorageClearance& clearance) {
  const Drbd* drbd = drbd_in_sight(world);
  if (drbd == nullptr) return blindness({.vms = false, .drbd = true}, world);
  const DrbdResource* resource = find_resource(world.snapshot, minor);
  if (resource == nullptr) {
    return closed(Hold::storage_unknown, fmt::format("disk {}: nothing is known of /dev/drbd{}",
                                                     disk.target.value, minor.value));
  }
  const Replica replica{
      .disk = disk, .resource = *resource, .device = device_of(*resource, minor), .world = world};
  if (!resource->in_kernel || drbd->kernel_version.empty()) {
    return closed(Hold::storage_unknown, place(replica) + ": it is not up",
                  fmt::format("drbdadm adjust {}", resource->name.value));
  }
  if (auto held = judge_replica(replica, *drbd)) return held;
  // 9 promotes when the device is opened; 8.4 must be told.
  if (is_version_84(*drbd) && resource->role != DrbdRole::primary) {
    clearance.promote.push_back(resource->name);
  }
  return std::nullopt;
}

std::optional<Held> judge_drbd(const VmDisk& disk, const World& world,
                               StorageClearance& clearance) {
  if (disk.drbd.empty() || !world.snapshot.drbd_in_use) {
    return closed(Hold::storage_unknown,
                  fmt::format("disk {}: its DRBD resource is not known", disk.target.value));
  }
  auto minors = disk.drbd;
  std::ranges::sort(minors);
  for (const DeviceMinor minor : minors) {
    if (auto held = judge_minor(disk, minor, world, clearance)) return held;
  }
  return std::nullopt;
}

/// Every configured peer must say, now, that the VM is not there; `runs_elsewhere` has looked for
/// those who say that it is.
std::optional<Held> judge_shared(const Vm& vm, const VmDisk& disk, const World& world) {
  if (policy_for(world.policy, vm.name).exclusive) return std::nullopt;
  const std::string where = fmt::format("disk {} is on shared storage", disk.target.value);
  auto names = world.policy.peers;
  if (names.empty()) {
    return closed(Hold::may_run_elsewhere,
                  where +
                      ", and no [[peer]] is configured that could be asked "
                      "(exclusive = true in its [[vm]] block says that only this node uses it)");
  }
  std::ranges::sort(names);
  for (const NodeName& name : names) {
    const auto peer = std::ranges::find_if(world.snapshot.peers,
                                           [&](const Peer& one) { return one.name == name; });
    if (peer == world.snapshot.peers.end() || !peer->facts.reading) {
      return closed(Hold::may_run_elsewhere,
                    fmt::format("{}, and {} does not say what runs there", where, name.value));
    }
    if (!peer->facts.fresh(world.now, world.policy.freshness.peers)) {
      return closed(Hold::stale_peers,
                    fmt::format("{}, and {} has not answered lately", where, name.value));
    }
  }
  return std::nullopt;
}

/// Also an old answer counts: it can only make us do less.
std::optional<Held> runs_elsewhere(const Vm& vm, const World& world) {
  std::optional<NodeName> host;
  for (const Peer& peer : world.snapshot.peers) {
    if (!peer.facts.reading) continue;
    const bool there = std::ranges::count(peer.facts.reading->active_vms, vm.uuid) > 0;
    if (there && (!host || peer.name < *host)) host = peer.name;
  }
  if (!host) return std::nullopt;
  return closed(Hold::runs_elsewhere, "it is active on " + host->value);
}

std::optional<Held> judge_disk(const Vm& vm, const VmDisk& disk, const World& world,
                               StorageClearance& clearance) {
  switch (disk.backing) {
    case DiskBacking::local: return std::nullopt;
    case DiskBacking::drbd: return judge_drbd(disk, world, clearance);
    case DiskBacking::shared: return judge_shared(vm, disk, world);
    case DiskBacking::missing:
      if (disk.optional_at_start) return std::nullopt;
      return closed(Hold::disk_missing,
                    fmt::format("disk {}: {} does not exist", disk.target.value, disk.source));
    case DiskBacking::unknown: break;
  }
  return closed(Hold::disk_unknown, fmt::format("disk {}: nobody could tell what is under {}",
                                                disk.target.value, disk.source));
}

}  // namespace

std::expected<StorageClearance, Held> storage_gate(const Vm& vm, const VmDisk& disk,
                                                   const World& world) {
  if (auto held = runs_elsewhere(vm, world)) return std::unexpected(*held);
  StorageClearance clearance;
  if (auto held = judge_disk(vm, disk, world, clearance)) return std::unexpected(*held);
  return clearance;
}

std::expected<StorageClearance, Held> storage_gate(const Vm& vm, const World& world) {
  if (auto held = runs_elsewhere(vm, world)) return std::unexpected(*held);
  if (!vm.definition_known) {
    return std::unexpected(
        closed(Hold::disk_unknown, "its definition could not be read, so its disks are not known"));
  }
  std::vector<const VmDisk*> disks;
  for (const VmDisk& disk : vm.disks) {
    // A guest that is there writes to what is attached, whatever its definition says.
    const bool used =
        is_down(vm.state) ? disk.in_definition : disk.attached.value_or(disk.in_definition);
    if (used) disks.push_back(&disk);
  }
  std::ranges::sort(disks, {}, [](const VmDisk* disk) { return disk->target; });
  StorageClearance clearance;
  for (const VmDisk* disk : disks) {
    if (auto held = judge_disk(vm, *disk, world, clearance)) return std::unexpected(*held);
  }
  std::ranges::sort(clearance.promote);
  const auto repeated = std::ranges::unique(clearance.promote);
  clearance.promote.erase(repeated.begin(), repeated.end());
  return clearance;
}

}  // namespace upkeep
