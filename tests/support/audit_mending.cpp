// Actions that aren't starts, read a second time from DESIGN §5.
#include <chrono>

#include "tests/support/audit.h"
#include "tests/support/plan_auditor.h"
#include "tests/support/world.h"

namespace upkeep::test {

/// What must be true of every action that isn't a start, from the raw facts alone.
void Audit::check_mending(const std::string& name, const Action& action) {
  if (target_of(action).name != name) fault(name + ": acts on something else");
  if (std::holds_alternative<ResolveSplitBrain>(action)) {
    return fault(name + ": decides a split brain, which only a person may");
  }
  if (const auto* resume = std::get_if<ResumeVm>(&action)) {
    const Vm* one = vm(name);
    if (one == nullptr || one->uuid != resume->uuid || one->reason != VmReason::io_error ||
        !audited_storage_open(*one, world_)) {
      fault(name + ": resumes what it must not");
    }
    return;
  }
  if (const auto* reattach = std::get_if<ReattachDisk>(&action)) {
    const Vm* one = vm(name);
    if (one == nullptr || one->uuid != reattach->uuid || !wanted(name, one->uuid.value) ||
        !audited_reattach(*one, reattach->disk, world_)) {
      fault(name + ": gives back a disk that it must not");
    }
    const auto tried = world_.history.targets.find({.kind = Target::Kind::vm, .name = name});
    if (tried == world_.history.targets.end()) return;
    const auto tries = tried->second.tries.find("reattach_disk");
    if (tries != tried->second.tries.end() && tries->second.at.size() >= 3) {
      fault(name + ": gives back a disk for the fourth time in an hour");
    }
    return;
  }
  if (const auto* reset = std::get_if<ResetVm>(&action)) return check_reset(name, *reset);
  const DrbdResource* res = resource(name);
  if (res == nullptr) return;
  if (!res->other_manager.empty()) fault(name + ": mends what belongs to another manager");
  if (std::holds_alternative<AttachDevice>(action) && res->role.text != "Secondary") {
    fault(name + ": attaches under a guest");
  }
  if (!std::holds_alternative<ReconnectResource>(action)) return;
  const auto known = world_.history.resources.find(res->name);
  const bool recorded = known != world_.history.resources.end();
  bool evidence = res->split_brain.has_value() || (recorded && known->second.split_brain);
  for (const DrbdPeer& peer : res->peers) evidence = evidence || peer.loss.has_value();
  if (evidence || (recorded && known->second.ever_connected)) {
    fault(name + ": reconnects in spite of evidence");
  }
  if (res->after_sb_all_disconnect != true) fault(name + ": reconnects where data may be lost");
  const auto tried = world_.history.targets.find({.kind = Target::Kind::resource, .name = name});
  if (tried == world_.history.targets.end()) return;
  const auto tries = tried->second.tries.find("reconnect_resource");
  if (tries != tried->second.tries.end() && tries->second.at.size() >= 3) {
    fault(name + ": reconnects a fourth time");
  }
}

/// Only an alert that has not been answered yet has a guest reset that runs and is wanted.
void Audit::check_reset(const std::string& name, const ResetVm& reset) {
  const Target target{.kind = Target::Kind::vm, .name = name};
  const Vm* one = vm(name);
  if (one == nullptr || one->uuid != reset.uuid || one->state != VmState::running ||
      !wanted(name, one->uuid.value) || !audited_storage_open(*one, world_)) {
    return fault(name + ": resets what it must not");
  }
  if (world_.policy.allowed_risk != Risk::high) fault(name + ": resets, which nobody allowed");
  const auto asked = world_.history.asked_by_alert.find({"vm_unresponsive", target});
  if (asked == world_.history.asked_by_alert.end()) return fault(name + ": resets unasked");
  if (world_.snapshot.health != nullptr) {
    const auto health = world_.snapshot.health->find(one->uuid);
    const bool answers = health != world_.snapshot.health->end() && health->second.healthy;
    if (answers) fault(name + ": resets a guest that answers");
  }
  const auto tried = world_.history.targets.find(target);
  if (tried == world_.history.targets.end()) return;
  for (const Tick at : tried->second.attempts) {
    if (world_.now - at < std::chrono::minutes(5)) fault(name + ": resets a guest that boots");
  }
  const auto tries = tried->second.tries.find("reset_vm");
  if (tries == tried->second.tries.end()) return;
  for (const Tick at : tries->second.at) {
    if (at >= asked->second || world_.now - at < std::chrono::minutes(30)) {
      fault(name + ": resets a second time");
    }
  }
}

}  // namespace upkeep::test
