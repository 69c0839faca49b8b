#include "remediation/keepers/effect_seen.h"

#include <algorithm>

#include "remediation/resolve.h"

namespace upkeep {
namespace {

class Effect {
 public:
  explicit Effect(const Snapshot& seen) : snapshot_(seen) {}

  std::optional<bool> operator()(const StartVm& start) const {
    const Vm* vm = find_vm(snapshot_, start.uuid);
    if (vm == nullptr) return false;
    if (vm->state == VmState::paused && vm->reason == VmReason::starting_up) return std::nullopt;
    return is_up(vm->state);
  }
  std::optional<bool> operator()(const BringUpResource& bring_up) const {
    const auto* resource = find_resource(snapshot_, bring_up.resource);
    return resource != nullptr && is_brought_up(*resource);
  }
  std::optional<bool> operator()(const ReconnectResource& reconnect) const {
    return has_all_its_links(reconnect.resource);
  }
  std::optional<bool> operator()(const AttachDevice& attach) const {
    const auto* resource = find_resource(snapshot_, attach.resource);
    if (resource == nullptr) return false;
    const auto device = std::ranges::find(resource->devices, attach.volume, &DrbdDevice::volume);
    if (device == resource->devices.end()) return false;
    if (device->disk == DrbdDisk::attaching) return std::nullopt;
    return device->disk.kind != DrbdDisk::diskless && device->disk.kind != DrbdDisk::failed;
  }
  std::optional<bool> operator()(const ResumeVm& resume) const {
    const Vm* vm = find_vm(snapshot_, resume.uuid);
    return vm != nullptr && is_up(vm->state);
  }
  std::optional<bool> operator()(const ResetVm& reset) const {
    const Vm* vm = find_vm(snapshot_, reset.uuid);
    return vm != nullptr && is_up(vm->state);
  }
  std::optional<bool> operator()(const ReattachDisk& reattach) const {
    const Vm* vm = find_vm(snapshot_, reattach.uuid);
    return vm != nullptr && std::ranges::any_of(vm->disks, [&](const VmDisk& disk) {
             return disk.target == reattach.disk && disk.attached.value_or(false);
           });
  }
  /// Sides that still refuse each other are StandAlone again within moments.
  std::optional<bool> operator()(const ResolveSplitBrain& resolve) const {
    return has_all_its_links(resolve.resource);
  }

 private:
  [[nodiscard]] bool has_all_its_links(const ResourceName& name) const {
    const auto* resource = find_resource(snapshot_, name);
    return resource != nullptr && resource->in_kernel && peers_given_up(*resource).empty();
  }

  const Snapshot& snapshot_;
};

template <class T>
bool read_since_start(const Observed<T>& observed, Duration max_age, const History& history,
                      Tick now) {
  return observed.fresh(now, max_age) && observed.at >= history.started;
}

}  // namespace

std::optional<bool> effect_seen(const Action& action, const Snapshot& snapshot) {
  return std::visit(Effect(snapshot), action);
}

std::optional<Outcome::Kind> settled(const Action& action, const History& history,
                                     const Step& step) {
  const Snapshot& snapshot = step.snapshot;
  const Freshness& freshness = step.policy.freshness;
  const bool on_vm = target_of(action).kind == Target::Kind::vm;
  if (!on_vm && !snapshot.drbd_in_use) return Outcome::Kind::interrupted;
  const bool read = on_vm ? read_since_start(snapshot.vms, freshness.vms, history, step.now)
                          : read_since_start(snapshot.drbd, freshness.drbd, history, step.now);
  if (!read) return std::nullopt;
  // A guest that was reset runs, and so does one that wasn't.
  if (std::holds_alternative<ResetVm>(action)) return Outcome::Kind::interrupted;
  const auto there = effect_seen(action, snapshot);
  if (!there) return std::nullopt;
  return *there ? Outcome::Kind::succeeded : Outcome::Kind::interrupted;
}

std::optional<bool> seen_well(const Target& target, const Snapshot& snapshot) {
  if (target.kind == Target::Kind::vm) {
    const Vm* vm = find_vm(snapshot, VmName{target.name});
    return vm == nullptr ? std::nullopt : std::optional(is_up(vm->state));
  }
  const auto* resource = find_resource(snapshot, ResourceName{target.name});
  return resource == nullptr ? std::nullopt : std::optional(is_brought_up(*resource));
}

}  // namespace upkeep
