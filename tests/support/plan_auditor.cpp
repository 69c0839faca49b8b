// Compares a plan with what it must decide.
#include <algorithm>
#include <chrono>

#include "tests/support/audit.h"
#include "tests/support/plan_auditor.h"

namespace upkeep::test {
namespace {

using std::chrono::seconds;

/// The gates that choose among what is safe, each audited over the whole plan.
bool is_common(Hold hold) {
  return hold == Hold::storm || hold == Hold::waits_for_tier || hold == Hold::waits_for_vm ||
         hold == Hold::no_start_slot || hold == Hold::budget_spent;
}

}  // namespace

Audit::Audit(const World& world) : world_(world) {
  const auto& snapshot = world.snapshot;
  if (snapshot.vms.reading.has_value() && world.now - snapshot.vms.at <= seconds(5)) {
    vms_ = snapshot.vms.reading->get();
  }
  if (snapshot.drbd.reading.has_value() && world.now - snapshot.drbd.at <= seconds(10)) {
    drbd_ = snapshot.drbd.reading->get();
  }
  find_users();
}

void Audit::find_users() {
  static const Vms none;
  const auto& reading = world_.snapshot.vms.reading;
  for (const Vm& one : reading.has_value() ? **reading : none) {
    Uses& uses = uses_[one.name.value];
    if (!world_.snapshot.drbd.reading.has_value()) continue;
    for (const DrbdResource& res : (*world_.snapshot.drbd.reading)->resources) {
      for (const DrbdDevice& device : res.devices) {
        for (const VmDisk& disk : one.disks) {
          const bool under = std::ranges::count(disk.drbd, device.minor) > 0;
          if (disk.in_definition && under) uses.insert(res.name.value);
        }
      }
    }
  }
  for (const auto& [target, tried] : world_.history.targets) {
    if (!tried.in_flight.has_value() && !tried.stuck) continue;
    taken_.insert(target);
    if (target.kind != Target::Kind::vm || is_done_below(target, tried)) continue;
    for (const std::string& name : uses_[target.name]) {
      taken_.insert({.kind = Target::Kind::resource, .name = name});
    }
  }
}

/// A start whose guest is there already only waits for it to boot. What isn't a start is counted as
/// a try of its own.
bool Audit::is_done_below(const Target& target, const TargetHistory& tried) const {
  const Vm* one = vm(target.name);
  if (tried.stuck || tried.attempts.empty() || one == nullptr || one->state != VmState::running) {
    return false;
  }
  for (const auto& [action, tries] : tried.tries) {
    if (!tries.at.empty() && tries.at.back() == tried.attempts.back()) return false;
  }
  return true;
}

const Vm* Audit::vm(const std::string& name) const {
  if (vms_ == nullptr) return nullptr;
  for (const Vm& one : *vms_) {
    if (one.name.value == name) return &one;
  }
  return nullptr;
}

const DrbdResource* Audit::resource(const std::string& name) const {
  if (drbd_ == nullptr) return nullptr;
  for (const DrbdResource& one : drbd_->resources) {
    if (one.name.value == name) return &one;
  }
  return nullptr;
}

bool Audit::wanted(const std::string& name, const std::string& uuid) const {
  const auto line = world_.history.intents.find(VmUuid{uuid});
  const bool known = line != world_.history.intents.end();
  if (known && line->second.mark && line->second.mark->keep != Keep::automatic) {
    return line->second.mark->keep == Keep::up;
  }
  const Keep keep = block_of(name, world_.policy).keep;
  if (keep != Keep::automatic) return keep == Keep::up;
  return known && line->second.wanted;
}

bool Audit::ignored(const Vm& one) const {
  const auto line = world_.history.intents.find(one.uuid);
  if (line != world_.history.intents.end() && line->second.mark &&
      line->second.mark->keep != Keep::automatic) {
    return line->second.mark->keep == Keep::ignore;
  }
  return block_of(one.name.value, world_.policy).keep == Keep::ignore;
}

void Audit::check_action(const Decision& decision, const Action& action) {
  const std::string name = decision.finding.subject.name;
  if (const auto* start = std::get_if<StartVm>(&action)) {
    const Vm* one = vm(name);
    if (one == nullptr || start->vm != one->name || start->uuid != one->uuid) {
      return fault(name + ": starts another VM");
    }
    if (start->destroy_first != (one->state == VmState::crashed)) fault(name + ": destroy_first");
    Uses promote;
    if (drbd_ != nullptr && drbd_->kernel_version.rfind("8.", 0) == 0) {
      for (const VmDisk& disk : one->disks) {
        for (const DrbdResource& res : drbd_->resources) {
          const bool under = std::ranges::count(disk.drbd, res.devices.front().minor) > 0;
          if (disk.in_definition && under && res.role.text != "Primary") {
            promote.insert(res.name.value);
          }
        }
      }
    }
    Uses planned;
    for (const ResourceName& res : start->promote) planned.insert(res.value);
    if (planned != promote || planned.size() != start->promote.size()) fault(name + ": promotes");
  } else {
    check_mending(name, action);
  }
  if (std::holds_alternative<WouldAct>(decision.verdict)) return;
  taken_.insert(decision.finding.subject);
  if (decision.finding.subject.kind != Target::Kind::vm) return;
  for (const std::string& res : uses_[name]) {
    taken_.insert({.kind = Target::Kind::resource, .name = res});
  }
}

void Audit::check_decision(const Decision& decision) {
  const std::string who = std::string(decision.finding.rule) + " " + decision.finding.subject.name;
  const Must must = expect(decision);
  const auto* act = std::get_if<Act>(&decision.verdict);
  const auto* would = std::get_if<WouldAct>(&decision.verdict);
  if (act != nullptr && world_.policy.mode != Mode::act) fault(who + ": acts in another mode");
  if (would != nullptr && world_.policy.mode != Mode::dry_run) fault(who + ": would act");
  if (act == nullptr && would == nullptr) {
    const auto& held = std::get<Held>(decision.verdict);
    if (must == Must::act && !is_common(held.reason))
      fault(who + ": held by " + std::string(to_string(held.reason)));
    if (held.retry_at && *held.retry_at <= world_.now) fault(who + ": retry_at has passed");
    return;
  }
  if (must == Must::wait) fault(who + ": acts");
  check_action(decision, act != nullptr ? act->action : would->action);
}

void Audit::check_findings(const Plan& plan) {
  std::set<std::string> found;
  for (const Decision& one : plan.decisions) {
    if (one.finding.rule == "vm_down") found.insert(one.finding.subject.name);
  }
  if (vms_ == nullptr || vms_->empty()) return;
  for (const Vm& one : *vms_) {
    const bool down = one.state == VmState::shut_off || one.state == VmState::crashed;
    const bool expected = down && wanted(one.name.value, one.uuid.value);
    if (expected != found.contains(one.name.value)) fault(one.name.value + ": finding");
  }
  check_stuck_monitors(plan);
  if (drbd_ == nullptr || !world_.snapshot.drbd_in_use) return;
  found.clear();
  for (const Decision& one : plan.decisions) {
    if (one.finding.rule == "drbd_down") found.insert(one.finding.subject.name);
  }
  for (const DrbdResource& res : drbd_->resources) {
    const bool expected = res.configured == true && (!res.in_kernel || is_cut_short(res));
    if (expected != found.contains(res.name.value)) fault(res.name.value + ": finding");
  }
}

/// One that nobody asked is not stuck.
void Audit::check_stuck_monitors(const Plan& plan) {
  std::set<std::string> found;
  for (const Decision& one : plan.decisions) {
    if (one.finding.rule == "vm_monitor_stuck") found.insert(one.finding.subject.name);
  }
  for (const Vm& one : *vms_) {
    const bool expected = one.monitor_blocked.value_or(seconds(0)) > seconds(60) && !ignored(one);
    if (expected != found.contains(one.name.value)) fault(one.name.value + ": stuck monitor");
  }
}

void Audit::check_shape(const Plan& plan) {
  const std::vector<std::string_view> order{
      "vm_down",          "vm_missing",         "drbd_down",         "drbd_standalone",
      "drbd_split_brain", "drbd_diskless",      "drbd_disconnected", "resync_stalled",
      "suspended_io",     "quorum_lost",        "vm_paused_io",      "vm_paused_other",
      "vm_disk_missing",  "vm_boot_unverified", "vm_monitor_stuck",  "vm_unresponsive",
      "peer_booted"};
  const auto key = [&](const Decision& one) {
    return std::pair(std::ranges::find(order, one.finding.rule) - order.begin(),
                     one.finding.subject);
  };
  for (std::size_t i = 1; i < plan.decisions.size(); ++i) {
    if (key(plan.decisions[i - 1]) >= key(plan.decisions[i])) fault("decisions out of order");
  }
  for (const Decision& one : plan.decisions) {
    const auto* held = std::get_if<Held>(&one.verdict);
    if (held == nullptr || !held->retry_at) continue;
    if (!plan.next_look || *plan.next_look > *held->retry_at) fault("next_look is too late");
  }
  if (plan.next_look && *plan.next_look <= world_.now) fault("next_look has passed");
}

namespace {

/// VMs have their turn by priority and not by name: of two on one resource the first takes it.
std::vector<const Decision*> in_turn(const Plan& plan) {
  std::vector<const Decision*> decisions;
  for (const Decision& one : plan.decisions) decisions.push_back(&one);
  const auto others = std::ranges::find_if(
      decisions, [](const Decision* one) { return one->finding.rule != "vm_down"; });
  std::stable_partition(decisions.begin(), others, [](const Decision* one) {
    return !std::holds_alternative<Held>(one->verdict);
  });
  return decisions;
}

}  // namespace

std::vector<std::string> Audit::faults(const Plan& plan) {
  check_shape(plan);
  check_findings(plan);
  check_storm(plan);
  check_order(plan);
  check_slots(plan);
  check_budget(plan);
  for (const Decision* decision : in_turn(plan)) check_decision(*decision);
  return faults_;
}

std::vector<std::string> faults_of(const Plan& plan, const World& world) {
  return Audit(world).faults(plan);
}

}  // namespace upkeep::test
