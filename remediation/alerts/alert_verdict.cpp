#include "remediation/alerts/alert_verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "remediation/explain.h"
#include "remediation/rules/rule.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

/// What its rules need to see, together; nothing when it has none.
std::optional<Needs> needs_of(const std::vector<std::string_view>& names) {
  std::optional<Needs> needs;
  for (const Rule& rule : all_rules()) {
    if (std::ranges::count(names, rule.name) == 0) continue;
    needs = {.vms = rule.needs.vms || (needs && needs->vms),
             .drbd = rule.needs.drbd || (needs && needs->drbd)};
  }
  return needs;
}

AlertVerdict of_hold(const Held& held) {
  std::string text =
      fmt::format("held back ({}): {}", to_string(held.reason), meaning(held.reason));
  if (!held.detail.empty()) text += fmt::format(" ({})", held.detail);
  return {.outcome = AlertOutcome::held, .text = std::move(text)};
}

/// What DRBD says comes first; what drbdadm says of the configuration may take seconds more on a
/// busy node, and is asked for again when it fails. A hold for want of it says nothing yet.
bool waits_for_configuration(const Decision& decision, const World& world) {
  if (hold_of(decision) != Hold::after_sb_policy) return false;
  const DrbdResource* resource =
      find_resource(world.snapshot, ResourceName{decision.finding.subject.name});
  return resource != nullptr && !resource->configured;
}

/// What the decision about the very problem says; nothing: not yet.
std::optional<AlertVerdict> verdict_of(const Decision& decision, bool looked_since,
                                       const Decided& decided) {
  if (const auto* act = std::get_if<Act>(&decision.verdict)) {
    const bool begun = std::ranges::any_of(decided.begun, [&](const Ticket& ticket) {
      return ticket.finding.rule == decision.finding.rule &&
             ticket.finding.subject == decision.finding.subject;
    });
    if (!begun) return std::nullopt;
    return AlertVerdict{AlertOutcome::acted, fmt::format("{} begins", name_of(act->action))};
  }
  if (const auto* would = std::get_if<WouldAct>(&decision.verdict)) {
    return AlertVerdict{
        AlertOutcome::would_act,
        fmt::format("{} would begin, but the mode is dry-run", name_of(would->action))};
  }
  const auto& held = std::get<Held>(decision.verdict);
  const bool passes =
      passes_by_itself(held.reason) || (held.retry_at.has_value() && held.reason != Hold::latched);
  if (!looked_since || passes || waits_for_configuration(decision, decided.world)) {
    return std::nullopt;
  }
  return of_hold(held);
}

/// No such problem is seen. Why not?
AlertVerdict without_problem(const Target& target, const World& world) {
  AlertVerdict not_mine{AlertOutcome::not_mine,
                        "this node has none of that name, so it is another's"};
  if (target.kind == Target::Kind::resource) {
    const ResourceName name{target.name};
    const bool known = world.snapshot.drbd_in_use && find_resource(world.snapshot, name) != nullptr;
    if (!known) return not_mine;
    return {AlertOutcome::nothing_to_do, "nothing of the kind is seen of it here"};
  }
  const Vm* vm = find_vm(world.snapshot, VmName{target.name});
  if (vm == nullptr) return not_mine;
  if (wish_for(vm->uuid, vm->name, world).keep != Keep::up) {
    return {AlertOutcome::not_wanted, "it is not to run here"};
  }
  return {AlertOutcome::nothing_to_do,
          fmt::format("nothing of the kind is seen here: it is {}", to_string(vm->state))};
}

bool left_to_the_loop(const Target& target, const World& world) {
  if (target.kind != Target::Kind::vm) return false;
  const VmName name{target.name};
  return find_vm(world.snapshot, name) != nullptr &&
         policy_for(world.policy, name).act_on == ActOn::loop;
}

}  // namespace

std::vector<std::string_view> rules_for(AlertAction action) {
  switch (action) {
    case AlertAction::restart_vm: return {"vm_down"};
    case AlertAction::reset_vm: return {"vm_down", "vm_unresponsive"};
    case AlertAction::resume_vm: return {"vm_paused_io"};
    case AlertAction::reattach_disks: return {"vm_disk_missing"};
    case AlertAction::reconnect_drbd: return {"drbd_standalone"};
    case AlertAction::recheck:
    case AlertAction::watchdog: break;
  }
  return {};
}

std::optional<AlertVerdict> alert_verdict(const AlertRecord& alert, Tick arrived,
                                          const Decided& decided) {
  const World& world = decided.world;
  std::vector<std::string_view> rules;
  if (alert.key.action) rules = rules_for(*alert.key.action);
  const auto needs = needs_of(rules);
  // The journal of another version: nothing that this one could do.
  if (!needs || !alert.target) return AlertVerdict{AlertOutcome::nothing_to_do, ""};
  if (left_to_the_loop(*alert.target, world)) {
    return AlertVerdict{AlertOutcome::refused, "its act_on is \"loop\", so no alert may ask"};
  }
  const bool blind = blindness(*needs, world).has_value();
  const bool looked_since = !blind && seen_at(*needs, world.snapshot) > arrived;
  const auto about_it = [&](const Decision& decision) {
    return decision.finding.subject == *alert.target &&
           std::ranges::count(rules, decision.finding.rule) > 0;
  };
  const auto decision = std::ranges::find_if(decided.decisions, about_it);
  if (decision != decided.decisions.end()) return verdict_of(*decision, looked_since, decided);
  if (!looked_since) return std::nullopt;
  return without_problem(*alert.target, world);
}

}  // namespace upkeep
