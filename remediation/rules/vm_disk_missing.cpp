#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "remediation/gates/storage_gate.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "vm_disk_missing";

bool is_missing(const VmDisk& disk) {
  return disk.in_definition && disk.attached.has_value() && !*disk.attached && !disk.source.empty();
}

const VmDisk* missing_disk(const Vm& vm) {
  const VmDisk* first = nullptr;
  if (!vm.definition_known || vm.state != VmState::running) return nullptr;
  for (const VmDisk& disk : vm.disks) {
    if (is_missing(disk) && (first == nullptr || disk.target < first->target)) first = &disk;
  }
  return first;
}

std::vector<Finding> detect(const World& world) {
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr) return {};
  std::vector<Finding> findings;
  for (const Vm& vm : *vms) {
    const VmDisk* disk = missing_disk(vm);
    if (disk == nullptr || wish_for(vm.uuid, vm.name, world).keep != Keep::up) continue;
    findings.push_back(finding(kName, target_of(vm.name),
                               fmt::format("running without its disk {}", disk->target.value),
                               world));
  }
  return findings;
}

/// A deliberate live detach looks the same as a loss.
bool was_lost(const Vm& vm, const VmDisk& disk, const World& world) {
  return policy_for(world.policy, vm.name).keep_disks ||
         world.history.standings.contains(
             {Standing::Kind::disk_lost, fmt::format("{}/{}", vm.uuid.value, disk.target.value)});
}

std::expected<Action, Held> remedy(const Finding& found, const World& world) {
  const Vm* vm = find_vm(world.snapshot, VmName{found.subject.name});
  const VmDisk* disk = vm == nullptr ? nullptr : missing_disk(*vm);
  if (disk == nullptr) {
    return std::unexpected(hold(Hold::inventory_empty, "libvirt does not list it"));
  }
  if (auto held = vm_authority_hold(*vm, found, world)) return std::unexpected(*held);
  if (!was_lost(*vm, *disk, world)) {
    return std::unexpected(hold(Hold::detached_by_operator,
                                "keep_disks = true in its [[vm]] block takes every such disk for "
                                "lost"));
  }
  if (disk->backing == DiskBacking::missing) {
    return std::unexpected(
        hold(Hold::disk_missing, fmt::format("{} does not exist", disk->source)));
  }
  const auto clearance = storage_gate(*vm, *disk, world);
  if (!clearance) return std::unexpected(clearance.error());
  if (!clearance->promote.empty()) {
    return std::unexpected(
        hold(Hold::storage_not_up_to_date,
             fmt::format("DRBD resource {} is not Primary here", clearance->promote.front().value),
             "drbdadm primary " + clearance->promote.front().value));
  }
  return ReattachDisk{.vm = vm->name, .uuid = vm->uuid, .disk = disk->target};
}

}  // namespace

const Rule& vm_disk_missing_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = true, .drbd = false}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
