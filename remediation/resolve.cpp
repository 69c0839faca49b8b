#include "remediation/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "remediation/rules/finding.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

bool stands_on(const Vm& vm, const DrbdResource& resource) {
  return std::ranges::any_of(vm.disks, [&](const VmDisk& disk) {
    return std::ranges::any_of(resource.devices, [&](const DrbdDevice& device) {
      return std::ranges::count(disk.drbd, device.minor) > 0;
    });
  });
}

/// An action that has not ended, or a command that hangs, on the resource or on a VM that uses it.
std::optional<Held> busy_hold(const DrbdResource& resource, const World& world) {
  for (const auto& [target, tried] : world.history.targets) {
    if (!tried.in_flight && !tried.stuck) continue;
    const Vm* vm =
        target.kind == Target::Kind::vm ? find_vm(world.snapshot, VmName{target.name}) : nullptr;
    const bool shares = vm != nullptr && stands_on(*vm, resource);
    if (target != target_of(resource.name) && !shares) continue;
    return hold(tried.stuck ? Hold::command_stuck : Hold::in_flight,
                fmt::format("an action on {} has not ended yet", to_string(target)));
  }
  return std::nullopt;
}

/// What would be written to while it is overwritten. That a device is Secondary proves that nobody
/// has it open, also while libvirt can't be asked; DRBD itself refuses on a Primary.
std::optional<Held> in_use_hold(const DrbdResource& resource, const World& world) {
  const std::string& name = resource.name.value;
  if (vms_in_sight(world) != nullptr) {
    for (const Vm* vm : vms_on(resource, world.snapshot)) {
      if (is_down(vm->state)) continue;
      return hold(Hold::primary_here,
                  fmt::format("{} is {} here and has a disk on it: stop it first (virsh shutdown "
                              "{}), if it is really this node's changes that are to be lost",
                              vm->name.value, to_string(vm->state), vm->name.value));
    }
  }
  if (resource.role == DrbdRole::secondary) return std::nullopt;
  return hold(Hold::primary_here,
              fmt::format("{} is {} here: whatever uses it must be stopped and it must be made "
                          "Secondary first (drbdadm secondary {}), if it is really this node's "
                          "changes that are to be lost",
                          name, resource.role.text, name));
}

/// The other links of a resource with several carry what is to be given up, too.
std::optional<Held> connected_hold(const DrbdResource& resource) {
  for (const DrbdPeer& peer : resource.peers) {
    if (peer.connection != DrbdConnection::connected) continue;
    return hold(Hold::facts_changed,
                fmt::format("{} is connected to {}, which has the same data: it can't be given up "
                            "on this node alone",
                            resource.name.value, peer.name.value));
  }
  return std::nullopt;
}

std::optional<Held> discard_hold(const DrbdResource& resource, const World& world) {
  if (auto held = in_use_hold(resource, world)) return held;
  return connected_hold(resource);
}

/// Without proof that the sides diverged a plain connection may run in either direction, and over a
/// Secondary that means: also over this node's data.
std::optional<Held> keep_hold(const DrbdResource& resource, bool diverged) {
  if (diverged || resource.role == DrbdRole::primary) return std::nullopt;
  return hold(Hold::link_loss_unknown,
              fmt::format("nothing on record says that the sides of {0} diverged, so a connection "
                          "may overwrite this node's data instead of keeping it; a Primary is "
                          "never overwritten (drbdadm primary {0}), and by hand it is: drbdadm "
                          "connect {0}",
                          resource.name.value));
}

}  // namespace

std::vector<NodeName> peers_given_up(const DrbdResource& resource) {
  std::vector<NodeName> peers;
  for (const DrbdPeer& peer : resource.peers) {
    if (peer.connection == DrbdConnection::stand_alone) peers.push_back(peer.name);
  }
  return peers;
}

std::vector<const Vm*> vms_on(const DrbdResource& resource, const Snapshot& snapshot) {
  std::vector<const Vm*> vms;
  if (!snapshot.vms.reading) return vms;
  for (const Vm& vm : **snapshot.vms.reading) {
    if (stands_on(vm, resource)) vms.push_back(&vm);
  }
  return vms;
}

std::optional<Held> resolve_hold(const ResolveSplitBrain& resolve, const World& world) {
  if (!world.snapshot.drbd_in_use) return hold(Hold::storage_unknown, "DRBD is not in use here");
  if (const auto blind = blindness({.vms = false, .drbd = true}, world)) {
    return hold(blind->reason, "DRBD's state is not known now: " + blind->detail);
  }
  const DrbdResource* resource = find_resource(world.snapshot, resolve.resource);
  if (resource == nullptr || !resource->in_kernel) {
    return hold(Hold::storage_unknown,
                fmt::format("{} is not up on this node", resolve.resource.value));
  }
  const bool diverged = split_brain_of(*resource, world).has_value();
  if (!diverged && peers_given_up(*resource).empty()) {
    return hold(Hold::facts_changed,
                fmt::format("there is no split brain on record for {}, and none of its links is "
                            "StandAlone: there is nothing to resolve",
                            resolve.resource.value));
  }
  if (auto held = busy_hold(*resource, world)) return held;
  return resolve.side == SplitBrainSide::discard_local ? discard_hold(*resource, world)
                                                       : keep_hold(*resource, diverged);
}

}  // namespace upkeep
