#include "exporter/model/snapshot.h"

#include <algorithm>

namespace upkeep {
namespace {

template <class Predicate>
const Vm* find_vm_if(const Snapshot& snapshot, Predicate predicate) {
  if (!snapshot.vms.reading || *snapshot.vms.reading == nullptr) return nullptr;
  const Vms& vms = **snapshot.vms.reading;
  const auto found = std::ranges::find_if(vms, predicate);
  return found == vms.end() ? nullptr : &*found;
}

template <class Predicate>
const DrbdResource* find_resource_if(const Snapshot& snapshot, Predicate predicate) {
  if (!snapshot.drbd.reading || *snapshot.drbd.reading == nullptr) return nullptr;
  const auto& resources = (*snapshot.drbd.reading)->resources;
  const auto found = std::ranges::find_if(resources, predicate);
  return found == resources.end() ? nullptr : &*found;
}

}  // namespace

const Vm* find_vm(const Snapshot& snapshot, const VmName& name) {
  return find_vm_if(snapshot, [&](const Vm& vm) { return vm.name == name; });
}

const Vm* find_vm(const Snapshot& snapshot, const VmUuid& uuid) {
  return find_vm_if(snapshot, [&](const Vm& vm) { return vm.uuid == uuid; });
}

const DrbdResource* find_resource(const Snapshot& snapshot, const ResourceName& name) {
  return find_resource_if(snapshot,
                          [&](const DrbdResource& resource) { return resource.name == name; });
}

const DrbdResource* find_resource(const Snapshot& snapshot, DeviceMinor minor) {
  return find_resource_if(snapshot, [&](const DrbdResource& resource) {
    return std::ranges::any_of(resource.devices,
                               [&](const DrbdDevice& device) { return device.minor == minor; });
  });
}

}  // namespace upkeep
