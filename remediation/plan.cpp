#include "remediation/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "remediation/boot_check.h"
#include "remediation/gates/budget.h"
#include "remediation/gates/pause.h"
#include "remediation/gates/single_flight.h"
#include "remediation/gates/start_order.h"
#include "remediation/gates/start_slots.h"
#include "remediation/gates/storm.h"
#include "remediation/gates/tries.h"
#include "remediation/rules/finding.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

// How soon to look again at what waits for a second look; sources read at least this often.
constexpr Duration kSecondLook = std::chrono::seconds(1);

// DRBD's readings follow its event stream, which may still be telling of an action that has ended.
constexpr Duration kStreamCatchesUp = std::chrono::seconds(2);

using Verdict = decltype(Decision::verdict);

std::vector<Finding> findings_of(const Rule& rule, const World& world) {
  const auto blind = blindness(rule.needs, world);
  if (!blind || blind->reason == Hold::inventory_empty) {
    auto findings = rule.detect(world);
    std::ranges::sort(findings, {}, &Finding::subject);
    return findings;
  }
  // Blind: what was open stays open, and is held. The map is in the order of subjects.
  std::vector<Finding> findings;
  for (const auto& [key, problem] : world.history.problems) {
    if (key.first == rule.name) {
      findings.push_back(finding(rule.name, key.second, "not to be seen now", world));
    }
  }
  return findings;
}

std::optional<Held> job_hold(const Target& subject, const World& world) {
  if (subject.kind != Target::Kind::vm) return std::nullopt;
  const Vm* vm = find_vm(world.snapshot, VmName{subject.name});
  if (vm == nullptr || !vm->job_active.value_or(false)) return std::nullopt;
  return hold(Hold::vm_busy, "a libvirt job (migration, backup, snapshot) is running");
}

/// The gates that the last look before acting judges again, up to the remedy.
std::optional<Held> safety_hold(const Rule& rule, const Target& subject, const World& world) {
  if (world.policy.mode == Mode::observe) return hold(Hold::observing, "");
  if (auto held = pause_hold(subject, world)) return held;
  if (auto held = job_hold(subject, world)) return held;
  if (auto held = blindness(rule.needs, world)) return held;
  return node_hold(world);
}

std::optional<Held> risk_hold(const Action& action, const World& world) {
  if (risk_of(action) <= world.policy.allowed_risk) return std::nullopt;
  return hold(Hold::risk_not_allowed,
              std::string("its risk is ") + std::string(to_string(risk_of(action))));
}

std::optional<Held> grace_hold(const World& world) {
  const Tick grace_end = world.history.started + world.policy.startup_grace;
  if (world.history.settled_at || world.now >= grace_end) return std::nullopt;
  Held held = hold(Hold::starting_up, "not all sources have answered yet");
  held.retry_at = grace_end;
  return held;
}

/// What is seen of a target while upkeep works on it, and right after, may be that work half done
/// (a resource that is brought up is StandAlone on its way): no reason to tell anybody. Past its
/// deadline it is a state like any other.
std::optional<Held> own_work_hold(const Rule& rule, const Target& subject, const World& world) {
  const auto found = world.history.targets.find(subject);
  if (found == world.history.targets.end()) return std::nullopt;
  const TargetHistory& tried = found->second;
  if (tried.in_flight && !tried.stuck) {
    return hold(Hold::in_flight, fmt::format("action {} has not ended", *tried.in_flight));
  }
  if (!tried.last_end) return std::nullopt;
  const Duration late = subject.kind == Target::Kind::resource ? kStreamCatchesUp : Duration{};
  if (seen_at(rule.needs, world.snapshot) > *tried.last_end + late) return std::nullopt;
  return hold(Hold::unconfirmed, "not looked at since the last attempt");
}

std::optional<Held> confirmation_hold(const Finding& finding) {
  if (finding.confirmed) return std::nullopt;
  return hold(Hold::unconfirmed, "seen once");
}

std::optional<Held> pacing_hold(const Finding& finding, const Action& action, const World& world,
                                const Busy& busy) {
  const bool never_gives_up = std::holds_alternative<StartVm>(action);
  const std::string_view name = name_of(action);
  if (auto held = back_off_hold(world.history, back_off_of(world.policy, name), finding.subject,
                                never_gives_up, world.now)) {
    return held;
  }
  if (auto held = limit_hold(world.history, world.policy, finding.subject, name, world.now)) {
    return held;
  }
  return sharing_hold(action, world, busy);
}

/// Gates 9 to 12, which look at all VMs at once, and at what this plan has chosen so far.
class CommonGates {
 public:
  explicit CommonGates(const World& world)
      : world_(world), order_(world), slots_(world), budget_(world) {}

  void sort(const Rule& rule, std::vector<Finding>& findings) const {
    if (is_about_starts(rule)) order_.sort(findings);
  }

  [[nodiscard]] std::optional<Held> hold_for(const Finding& finding, const Action& action) const {
    if (auto held = storm_hold(action, world_)) return held;
    if (std::holds_alternative<StartVm>(action)) {
      if (auto held = order_.hold_for(finding)) return held;
    }
    if (auto held = slots_.hold_for(action)) return held;
    return budget_.hold_for(action);
  }

  void judged(const Rule& rule, const Finding& finding, const Verdict& verdict) {
    const auto* held = std::get_if<Held>(&verdict);
    if (is_about_starts(rule)) {
      order_.judged(finding.subject, held == nullptr || ends_soon(held->reason));
    }
    if (held != nullptr) return;
    const auto* act = std::get_if<Act>(&verdict);
    const Action& chosen = act != nullptr ? act->action : std::get<WouldAct>(verdict).action;
    slots_.take(chosen);
    budget_.take(chosen);
  }

 private:
  static bool is_about_starts(const Rule& rule) { return rule.name == "vm_down"; }

  const World& world_;
  StartOrder order_;
  StartSlots slots_;
  BudgetGate budget_;
};

/// DESIGN §6, its gates in their order.
Verdict judge(const Rule& rule, const Finding& finding, const World& world, const Busy& busy,
              const CommonGates& common) {
  if (auto held = safety_hold(rule, finding.subject, world)) return *held;
  if (auto held = grace_hold(world)) return *held;
  if (auto held = own_work_hold(rule, finding.subject, world)) return *held;
  if (auto held = confirmation_hold(finding)) return *held;
  const auto action = rule.remedy(finding, world);
  if (!action) return action.error();
  if (auto held = risk_hold(*action, world)) return *held;
  if (auto held = pacing_hold(finding, *action, world, busy)) return *held;
  if (auto held = common.hold_for(finding, *action)) return *held;
  if (!world.history.journal_ok) return hold(Hold::journal_failed, "");
  if (world.policy.mode == Mode::dry_run) return WouldAct{*action};
  return Act{*action};
}

void look_no_later_than(Plan& plan, Tick at) {
  plan.next_look = plan.next_look ? std::min(*plan.next_look, at) : at;
}

/// Does `now` ask for nothing that `then` did not? Steps that are done drop out of a remedy.
bool asks_no_more(const Action& now, const Action& then) {
  const auto* start_now = std::get_if<StartVm>(&now);
  const auto* start_then = std::get_if<StartVm>(&then);
  if (start_now == nullptr || start_then == nullptr) return now == then;
  return start_now->vm == start_then->vm && start_now->uuid == start_then->uuid &&
         (start_then->destroy_first || !start_now->destroy_first) &&
         std::ranges::all_of(start_now->promote, [&](const ResourceName& resource) {
           return std::ranges::count(start_then->promote, resource) > 0;
         });
}

bool is_still_down(const Action& action, const World& world) {
  const auto* start = std::get_if<StartVm>(&action);
  const Vm* vm = start == nullptr ? nullptr : find_vm(world.snapshot, start->uuid);
  return vm != nullptr && is_down(vm->state);
}

/// The ledger of the moment may not know yet of what a person did since; libvirt does.
bool unwanted_since(const Action& action, const World& world) {
  const auto* start = std::get_if<StartVm>(&action);
  const Vm* vm = start == nullptr ? nullptr : find_vm(world.snapshot, start->uuid);
  if (vm == nullptr) return false;
  // "Destroyed" is what the action's own first step leaves behind.
  if (start->destroy_first && vm->reason == VmReason::destroyed) return false;
  return stopped_on_purpose_since(*vm, world);
}

}  // namespace

Plan plan(const World& world) {
  Plan result;
  Busy busy = busy_now(world);
  CommonGates common(world);
  for (const Rule& rule : all_rules()) {
    auto findings = findings_of(rule, world);
    common.sort(rule, findings);
    const auto first = static_cast<std::ptrdiff_t>(result.decisions.size());
    for (Finding& finding : findings) {
      Verdict verdict = judge(rule, finding, world, busy, common);
      common.judged(rule, finding, verdict);
      if (const auto* act = std::get_if<Act>(&verdict)) {
        occupy(busy, target_of(act->action), world.snapshot);
      }
      if (const auto* held = std::get_if<Held>(&verdict)) {
        if (held->retry_at) look_no_later_than(result, *held->retry_at);
        if (held->reason == Hold::unconfirmed) look_no_later_than(result, world.now + kSecondLook);
      }
      result.decisions.push_back({.finding = std::move(finding), .verdict = std::move(verdict)});
    }
    std::sort(
        result.decisions.begin() + first, result.decisions.end(),
        [](const Decision& a, const Decision& b) { return a.finding.subject < b.finding.subject; });
  }
  return result;
}

std::optional<Held> judge_again(const Finding& finding, const Action& action, const World& world) {
  const auto rule = std::ranges::find(all_rules(), finding.rule, &Rule::name);
  if (rule == all_rules().end()) return hold(Hold::no_remedy, "the rule is not known");
  if (world.policy.mode != Mode::act) return hold(Hold::observing, "");
  if (auto held = safety_hold(*rule, finding.subject, world)) return held;
  const auto findings = rule->detect(world);
  const auto still = std::ranges::find(findings, finding.subject, &Finding::subject);
  if (still == findings.end()) {
    return hold(Hold::facts_changed, is_still_down(action, world) ? "it is not wanted up any more"
                                                                  : "the problem is gone");
  }
  if (unwanted_since(action, world)) {
    return hold(Hold::facts_changed, "it was stopped on purpose since");
  }
  const auto remedy = rule->remedy(finding, world);
  if (!remedy) return remedy.error();
  if (!asks_no_more(*remedy, action)) {
    return hold(Hold::facts_changed, "it would take something else now");
  }
  return risk_hold(action, world);
}

}  // namespace upkeep
