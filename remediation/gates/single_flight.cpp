#include "remediation/gates/single_flight.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "remediation/boot_check.h"

namespace upkeep {
namespace {

/// The DRBD resources under the disks that a start of the VM opens, or under one disk of it.
std::set<Target> resources_under(const Target& target, const Snapshot& snapshot,
                                 const DiskTarget* only = nullptr) {
  std::set<Target> resources;
  if (target.kind != Target::Kind::vm) return resources;
  const Vm* vm = find_vm(snapshot, VmName{target.name});
  if (vm == nullptr) return resources;
  for (const VmDisk& disk : vm->disks) {
    if (!disk.in_definition) continue;  // A start does not touch it.
    if (only != nullptr && disk.target != *only) continue;
    for (const DeviceMinor minor : disk.drbd) {
      const DrbdResource* resource = find_resource(snapshot, minor);
      if (resource != nullptr) resources.insert(target_of(resource->name));
    }
  }
  return resources;
}

/// A disk that is given back leaves what is under the others alone.
std::set<Target> resources_under(const Action& action, const Snapshot& snapshot) {
  const auto* reattach = std::get_if<ReattachDisk>(&action);
  return resources_under(target_of(action), snapshot,
                         reattach == nullptr ? nullptr : &reattach->disk);
}

/// Each hung call keeps a thread here and a worker of libvirtd's; so does one of a last look.
std::optional<Held> hung_calls_hold(const Action& action, const World& world) {
  if (target_of(action).kind != Target::Kind::vm) return std::nullopt;
  const auto hung = std::ranges::count_if(world.history.targets, [](const auto& entry) {
    const auto& [target, tried] = entry;
    return target.kind == Target::Kind::vm && tried.in_flight && tried.stuck;
  });
  if (hung < kMostHungCalls) return std::nullopt;
  return hold(Hold::command_stuck, fmt::format("{} commands to libvirt hang", hung));
}

}  // namespace

void occupy(Busy& busy, const Target& target, const Snapshot& snapshot) {
  busy.insert(target);
  busy.merge(resources_under(target, snapshot));
}

Busy busy_now(const World& world) {
  Busy busy;
  for (const auto& [target, tried] : world.history.targets) {
    if (!tried.in_flight && !tried.stuck) continue;
    busy.insert(target);
    if (!only_boots(target, tried, world)) busy.merge(resources_under(target, world.snapshot));
  }
  return busy;
}

std::optional<Held> sharing_hold(const Action& action, const World& world, const Busy& busy) {
  if (busy.contains(target_of(action))) {
    return hold(Hold::in_flight, "an action that uses it has not ended");
  }
  if (auto held = hung_calls_hold(action, world)) return held;
  for (const Target& resource : resources_under(action, world.snapshot)) {
    if (!busy.contains(resource)) continue;
    const auto tried = world.history.targets.find(resource);
    const bool stuck = tried != world.history.targets.end() && tried->second.stuck;
    return hold(stuck ? Hold::command_stuck : Hold::in_flight,
                "an action on " + to_string(resource) + " has not ended");
  }
  return std::nullopt;
}

}  // namespace upkeep
