// DESIGN §6, gates 9 to 12, read a second time: what a whole plan may do.
#include <algorithm>
#include <chrono>
#include <set>

#include "tests/support/audit.h"

namespace upkeep::test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const VmPolicy& policy_of(const std::string& name, const World& world) {
  static const VmPolicy defaults;
  for (const VmPolicy& block : world.policy.vms) {
    if (block.match == "*" || block.match == name || block.match == "web*") return block;
  }
  return defaults;
}

const Action* chosen(const Decision& one) {
  if (const auto* act = std::get_if<Act>(&one.verdict)) return &act->action;
  if (const auto* would = std::get_if<WouldAct>(&one.verdict)) return &would->action;
  return nullptr;
}

bool is_running_well(const Vm& one, const World& world) {
  if (one.state != VmState::running) return false;
  if (policy_of(one.name.value, world).health.kind == HealthCheck::Kind::none) return true;
  if (world.snapshot.health == nullptr) return false;
  const auto line = world.snapshot.health->find(one.uuid);
  if (line == world.snapshot.health->end() || !line->second.verified) return false;
  const auto tried = world.history.targets.find({.kind = Target::Kind::vm, .name = one.name.value});
  return tried == world.history.targets.end() || tried->second.attempts.empty() ||
         *line->second.verified >= tried->second.attempts.back();
}

/// It runs and nothing checks it: its boot is told by the disks, for as long as they take to tell.
bool may_still_read(const Vm& one, Duration age, const World& world) {
  const auto& node = world.snapshot.node;
  const bool strained = node.reading && world.now - node.at <= seconds(60) &&
                        node.reading->pressure.io_full.value_or(0) > 0.4;
  return strained && one.state == VmState::running && age < seconds(10) &&
         policy_of(one.name.value, world).health.kind == HealthCheck::Kind::none;
}

}  // namespace

void Audit::check_storm(const Plan& plan) {
  const bool storms = world_.history.storm.until && *world_.history.storm.until > world_.now;
  for (const Decision& one : plan.decisions) {
    const Action* action = chosen(one);
    if (storms && action != nullptr && target_of(*action).kind == Target::Kind::vm) {
      fault(one.finding.subject.name + ": touched in a storm");
    }
    if (!storms && hold_of(one) == Hold::storm) fault("a storm that isn't there");
  }
}

void Audit::check_budget(const Plan& plan) {
  std::set<std::int64_t> recoveries;
  std::size_t spent = 0;
  for (const auto& [id, entry] : world_.history.budget.spent) {
    if (world_.now - entry.begun >= hours(1)) continue;
    if (!entry.recovery || recoveries.insert(*entry.recovery).second) ++spent;
  }
  const auto& recovery = world_.history.recovery;
  const auto acts =
      static_cast<std::size_t>(std::ranges::count_if(plan.decisions, [](const Decision& one) {
        const Action* action = chosen(one);
        return action != nullptr && !std::holds_alternative<BringUpResource>(*action);
      }));
  std::size_t costs = acts;
  if (recovery) costs = recoveries.contains(*recovery) ? 0 : std::min<std::size_t>(acts, 1);
  if (costs > 0 && spent + costs > 20) fault("more than the hour's budget");
  for (const Decision& one : plan.decisions) {
    if (hold_of(one) == Hold::budget_spent && spent + acts < 20) fault("the budget isn't spent");
  }
}

void Audit::check_slots(const Plan& plan) {
  int used = 0;
  if (vms_ != nullptr) {
    for (const Vm& one : *vms_) {
      const auto tried =
          world_.history.targets.find({.kind = Target::Kind::vm, .name = one.name.value});
      if (tried == world_.history.targets.end() || tried->second.attempts.empty()) continue;
      const TargetHistory& line = tried->second;
      const Duration age = world_.now - line.attempts.back();
      if (age >= seconds(60)) continue;
      const bool reads = may_still_read(one, age, world_);
      if (is_running_well(one, world_) && !reads) continue;
      const bool holds = line.in_flight ? !line.stuck : one.state == VmState::running;
      if (holds || reads) used += policy_of(one.name.value, world_).weight;
    }
  }
  const auto& node = world_.snapshot.node;
  const int cores = node.reading ? static_cast<int>(node.reading->cores) : 1;
  const int all = std::max(world_.policy.pacing.slots, cores);
  int most = used;
  int starts = 0;
  for (const Decision& one : plan.decisions) {
    const Action* action = chosen(one);
    if (action == nullptr || !std::holds_alternative<StartVm>(*action)) continue;
    ++starts;
    most += policy_of(one.finding.subject.name, world_).weight;
  }
  if (starts > 0 && most > all && !(used == 0 && starts == 1)) fault("more starts than slots");
  for (const Decision& one : plan.decisions) {
    if (hold_of(one) != Hold::no_start_slot) continue;
    const int weight = policy_of(one.finding.subject.name, world_).weight;
    if (most == 0 || most + weight <= all) fault(one.finding.subject.name + ": slots are free");
  }
}

/// Is the VM on its way, as far as the plan itself says?
static bool is_coming(const std::string& name, const Plan& plan) {
  static const std::set<Hold> passing{Hold::unconfirmed,    Hold::in_flight,
                                      Hold::starting_up,    Hold::no_start_slot,
                                      Hold::waits_for_tier, Hold::waits_for_vm};
  return std::ranges::any_of(plan.decisions, [&](const Decision& one) {
    if (one.finding.rule != "vm_down" || one.finding.subject.name != name) return false;
    const auto hold = hold_of(one);
    return !hold || passing.contains(*hold);
  });
}

void Audit::check_order(const Plan& plan) {
  if (vms_ == nullptr) return;
  for (const Decision& one : plan.decisions) {
    const std::string& name = one.finding.subject.name;
    if (one.finding.rule != "vm_down") continue;
    const VmPolicy& self = policy_of(name, world_);
    bool anybody = false;
    for (const Vm& other : *vms_) {
      const bool before = policy_of(other.name.value, world_).priority < self.priority ||
                          std::ranges::count(self.after, other.name) > 0;
      if (!before || !wanted(other.name.value, other.uuid.value)) continue;
      anybody = anybody || !is_running_well(other, world_);
      const bool patient = world_.now - one.finding.since < seconds(600);
      if (chosen(one) != nullptr && patient && is_coming(other.name.value, plan)) {
        fault(name + ": does not wait for " + other.name.value);
      }
    }
    const auto hold = hold_of(one);
    const bool waits = hold == Hold::waits_for_tier || hold == Hold::waits_for_vm;
    if (waits && !anybody) fault(name + ": waits for nobody");
  }
}

}  // namespace upkeep::test
