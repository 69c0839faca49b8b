#include "remediation/gates/storage_gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "remediation/gates/peer_words.h"
#include "remediation/gates/replica_gate.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

const DrbdDevice& device_of(const DrbdResource& resource, DeviceMinor minor) {
  return *std::ranges::find_if(resource.devices,
                               [&](const DrbdDevice& device) { return device.minor == minor; });
}

std::optional<Held> judge_minor(const Vm& vm, const VmDisk& disk, DeviceMinor minor,
                                const World& world, StorageClearance& clearance) {
  const Drbd* drbd = drbd_in_sight(world);
  if (drbd == nullptr) return blindness({.vms = false, .drbd = true}, world);
  const DrbdResource* resource = find_resource(world.snapshot, minor);
  if (resource == nullptr) {
    return hold(Hold::storage_unknown, fmt::format("disk {}: nothing is known of /dev/drbd{}",
                                                   disk.target.value, minor.value));
  }
  const Replica replica{.vm = vm,
                        .disk = disk,
                        .resource = *resource,
                        .device = device_of(*resource, minor),
                        .world = world};
  if (!resource->in_kernel || drbd->kernel_version.empty()) {
    return hold(Hold::storage_unknown, place(replica) + ": it is not up",
                fmt::format("drbdadm adjust {}", resource->name.value));
  }
  if (auto held = judge_replica(replica, *drbd)) return held;
  // 9 promotes when the device is opened; 8.4 must be told.
  if (is_version_84(*drbd) && resource->role != DrbdRole::primary) {
    clearance.promote.push_back(resource->name);
  }
  return std::nullopt;
}

std::optional<Held> judge_drbd(const Vm& vm, const VmDisk& disk, const World& world,
                               StorageClearance& clearance) {
  if (disk.drbd.empty() || !world.snapshot.drbd_in_use) {
    return hold(Hold::storage_unknown,
                fmt::format("disk {}: its DRBD resource is not known", disk.target.value));
  }
  auto minors = disk.drbd;
  std::ranges::sort(minors);
  for (const DeviceMinor minor : minors) {
    if (auto held = judge_minor(vm, disk, minor, world, clearance)) return held;
  }
  return std::nullopt;
}

/// Whoever else can write to the disk must not be about to; `runs_elsewhere` has looked for those
/// who say that the VM is there.
std::optional<Held> judge_shared(const Vm& vm, const VmDisk& disk, const World& world) {
  if (policy_for(world.policy, vm.name).exclusive) return std::nullopt;
  const std::string where = fmt::format("disk {} is on shared storage", disk.target.value);
  if (world.policy.peers.empty()) {
    return hold(Hold::may_run_elsewhere,
                where +
                    ", and no [[peer]] is configured that could be asked "
                    "(exclusive = true in its [[vm]] block says that only this node uses it)");
  }
  return judge_peers(vm, where, world);
}

std::optional<Held> judge_disk(const Vm& vm, const VmDisk& disk, const World& world,
                               StorageClearance& clearance) {
  switch (disk.backing) {
    case DiskBacking::local: return judge_return(vm, world);
    case DiskBacking::drbd: return judge_drbd(vm, disk, world, clearance);
    case DiskBacking::shared: return judge_shared(vm, disk, world);
    case DiskBacking::missing:
      if (disk.optional_at_start) return std::nullopt;
      return hold(Hold::disk_missing,
                  fmt::format("disk {}: {} does not exist", disk.target.value, disk.source));
    case DiskBacking::unknown: break;
  }
  return hold(Hold::disk_unknown, fmt::format("disk {}: nobody could tell what is under {}",
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
        hold(Hold::disk_unknown, "its definition could not be read, so its disks are not known"));
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

std::optional<Held> storage_hold_in_place(const Vm& vm, const World& world) {
  const auto clearance = storage_gate(vm, world);
  if (!clearance) return clearance.error();
  if (clearance->promote.empty()) return std::nullopt;
  return hold(Hold::storage_not_up_to_date,
              fmt::format("DRBD resource {} is not Primary under it any more",
                          clearance->promote.front().value));
}

bool may_lie_on_drbd(const Vm& vm) {
  return !vm.definition_known || std::ranges::any_of(vm.disks, [](const VmDisk& disk) {
    return disk.backing == DiskBacking::drbd || disk.backing == DiskBacking::unknown;
  });
}

}  // namespace upkeep
