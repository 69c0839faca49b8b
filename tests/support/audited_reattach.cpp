// What may be given back to a running VM, read a second time from DESIGN §5.
#include <algorithm>
#include <string>

#include "tests/support/plan_auditor.h"

namespace upkeep::test {
namespace {

bool keeps_disks(const Vm& vm, const Policy& policy) {
  for (const VmPolicy& block : policy.vms) {
    if (block.match == "*" || block.match == vm.name.value) return block.keep_disks;
    if (block.match == "web*" && vm.name.value.starts_with("web")) return block.keep_disks;
  }
  return false;
}

// 8.4 must be told to promote, and a disk that is given to a running guest is not promoted first.
bool writable_as_it_is(const VmDisk& disk, const World& world) {
  if (disk.backing != DiskBacking::drbd) return true;
  const Drbd& drbd = **world.snapshot.drbd.reading;
  if (!drbd.kernel_version.starts_with("8.")) return true;
  return std::ranges::all_of(drbd.resources, [&](const DrbdResource& resource) {
    const bool under = std::ranges::count(disk.drbd, resource.devices.front().minor) > 0;
    return !under || resource.role.text == "Primary";
  });
}

}  // namespace

bool audited_reattach(const Vm& vm, const DiskTarget& target, const World& world) {
  if (vm.state != VmState::running) return false;
  const auto disk = std::ranges::find(vm.disks, target, &VmDisk::target);
  if (disk == vm.disks.end() || !disk->in_definition || disk->attached != false) return false;
  const bool seen = world.history.standings.contains(
      {Standing::Kind::disk_lost, vm.uuid.value + "/" + target.value});
  if (!seen && !keeps_disks(vm, world.policy)) return false;
  if (disk->backing == DiskBacking::missing) return false;
  // As if it had this one disk, and were to write to it.
  Vm alone = vm;
  alone.disks = {*disk};
  return audited_storage_open(alone, world) && writable_as_it_is(*disk, world);
}

}  // namespace upkeep::test
