#include "app/remediation_metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "remediation/alerts/body_refusal.h"
#include "remediation/gates/budget.h"
#include "remediation/gates/pause.h"
#include "remediation/gates/tries.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

/// A tick as a time to show: what the view's clocks said at the same moment links the two.
double unix_seconds_of(Tick at, const RemediationView& view) {
  const auto from_view = std::chrono::duration_cast<WallTime::duration>(at - view.at);
  return to_unix_seconds(view.wall + from_view);
}

void write_mode(Exposition& out, const RemediationView& view) {
  out.family("upkeep_mode");
  for (const Mode mode : kModes) {
    out.sample({{"mode", to_string(mode)}}, mode == view.mode ? 1 : 0);
  }
  out.family("upkeep_loop_last_run_timestamp_seconds");
  out.sample({}, to_unix_seconds(view.wall));
}

/// The wish for one VM name, and the ledger line it comes from, if any.
struct Wanted {
  Wish wish;
  const Intent* line = nullptr;
  bool listed = false;  ///< libvirt listed this very VM (by UUID) when it was last read.
};

/// True when `one` says more about the VM of a name than `other`: names can come back with another
/// UUID, and the old line stays.
bool goes_before(const Wanted& one, const Wanted& other) {
  if (one.listed != other.listed) return one.listed;
  return one.line != nullptr && (other.line == nullptr || one.line->changed > other.line->changed);
}

std::map<VmName, Wanted> wanted_by_name(const RemediationView& view, const Snapshot& snapshot,
                                        Tick now) {
  static const Policy unset;
  const World world{.snapshot = snapshot,
                    .policy = view.policy ? *view.policy : unset,
                    .history = view.history,
                    .now = now};
  std::map<VmName, Wanted> all;
  const auto put = [&](const VmName& name, const Wanted& wanted) {
    const auto [at, fresh] = all.emplace(name, wanted);
    if (!fresh && goes_before(wanted, at->second)) at->second = wanted;
  };
  for (const auto& [uuid, line] : view.history.intents) {
    const bool listed = find_vm(snapshot, uuid) != nullptr;
    // Somebody removed it for good; its series would never end.
    if (!listed && line.last_stop == StopCause::undefined_vm) continue;
    put(line.name, {.wish = wish_for(uuid, line.name, world), .line = &line, .listed = listed});
  }
  if (!snapshot.vms.reading || *snapshot.vms.reading == nullptr) return all;
  for (const auto& vm : **snapshot.vms.reading) {
    if (view.history.intents.contains(vm.uuid)) continue;
    put(vm.name, {.wish = wish_for(vm.uuid, vm.name, world), .line = nullptr, .listed = true});
  }
  return all;
}

void write_wishes(Exposition& out, const RemediationView& view, const Snapshot& snapshot,
                  Tick now) {
  const auto wanted = wanted_by_name(view, snapshot, now);
  out.family("upkeep_vm_wanted");
  for (const auto& [name, one] : wanted) {
    const bool known = one.line != nullptr || one.wish.authority != Wish::Authority::automatic;
    if (!known || one.wish.keep == Keep::ignore) continue;
    out.sample({{"vm", name.value}}, one.wish.keep == Keep::up ? 1 : 0);
  }
  out.family("upkeep_vm_intent_known");
  for (const auto& [name, one] : wanted) {
    out.sample({{"vm", name.value}}, one.line != nullptr ? 1 : 0);
  }
}

/// While libvirt is silent what was found stays found.
void write_missing(Exposition& out, const RemediationView& view, const Snapshot& snapshot,
                   Tick now) {
  if (!snapshot.vms.reading || *snapshot.vms.reading == nullptr) return;
  out.family("upkeep_vm_missing");
  for (const auto& [name, one] : wanted_by_name(view, snapshot, now)) {
    if (one.wish.keep != Keep::up) continue;
    const bool found =
        view.history.problems.contains({std::string(vm_missing_rule().name), target_of(name)});
    out.sample({{"vm", name.value}}, found ? 1 : 0);
  }
}

/// Of the VMs that have a check; while libvirt is silent what was found stays found.
void write_unverified(Exposition& out, const RemediationView& view, const Snapshot& snapshot) {
  if (!view.policy || !snapshot.vms.reading || *snapshot.vms.reading == nullptr) return;
  out.family("upkeep_vm_boot_unverified");
  for (const auto& vm : **snapshot.vms.reading) {
    if (policy_for(*view.policy, vm.name).health.kind == HealthCheck::Kind::none) continue;
    const bool found = view.history.problems.contains(
        {std::string(vm_boot_unverified_rule().name), target_of(vm.name)});
    out.sample({{"vm", vm.name.value}}, found ? 1 : 0);
  }
}

void write_targets(Exposition& out, const RemediationView& view) {
  out.family("upkeep_remediation_latched");
  for (const auto& [target, tried] : view.history.targets) {
    out.sample({{"target", to_string(target)}}, given_up_since(tried) ? 1 : 0);
  }
  std::map<Target, Tick> next;
  for (const auto& decision : view.decisions) {
    const auto* held = std::get_if<Held>(&decision.verdict);
    if (held == nullptr || !held->retry_at) continue;
    const auto [at, fresh] = next.emplace(decision.finding.subject, *held->retry_at);
    if (!fresh) at->second = std::min(at->second, *held->retry_at);
  }
  out.family("upkeep_remediation_next_attempt_timestamp_seconds");
  for (const auto& [target, at] : next) {
    out.sample({{"target", to_string(target)}}, unix_seconds_of(at, view));
  }
}

/// The source's evidence dies with the process and the kernel's log; what is on record in the
/// journal holds until both sides replicate again, and is what keeps hands off. Without a reading
/// it stands alone.
void write_split_brain(Exposition& out, const RemediationView& view, const Snapshot& snapshot,
                       Tick now) {
  if (!snapshot.drbd_in_use) return;
  out.family("upkeep_drbd_split_brain");
  const Freshness freshness = view.policy ? view.policy->freshness : Freshness{};
  const bool current = snapshot.drbd.fresh(now, freshness.drbd);
  std::map<ResourceName, bool> evidence;
  if (current) {
    for (const DrbdResource& resource : (*snapshot.drbd.reading)->resources) {
      evidence[resource.name] = resource.split_brain.has_value();
    }
  }
  for (const auto& [name, known] : view.history.resources) {
    if (!known.split_brain) continue;
    // One that DRBD no longer lists is none of this node's.
    const auto listed = evidence.find(name);
    if (listed != evidence.end() || !current) evidence[name] = true;
  }
  for (const auto& [name, diverged] : evidence) {
    out.sample({{"resource", name.value}}, diverged ? 1 : 0);
  }
}

bool is_overdue(const Ticket& ticket, const RemediationView& view) {
  const auto line = view.history.targets.find(target_of(ticket.action));
  return line != view.history.targets.end() && line->second.in_flight == ticket.id &&
         line->second.stuck;
}

void write_in_flight(Exposition& out, const RemediationView& view) {
  const auto write = [&](const auto& is_one) {
    for (const auto action : all_action_names()) {
      out.sample({{"action", action}},
                 std::ranges::count_if(view.in_flight, [&](const Ticket& ticket) {
                   return name_of(ticket.action) == action && is_one(ticket);
                 }));
    }
  };
  out.family("upkeep_remediation_inflight");
  write([](const Ticket& /*any*/) { return true; });
  out.family("upkeep_remediation_overdue");
  write([&](const Ticket& ticket) { return is_overdue(ticket, view); });
}

/// What is decided and has no free hand yet.
void write_queue(Exposition& out, const RemediationView& view) {
  out.family("upkeep_remediation_queue_length");
  const auto waits = [&](const Decision& decision) {
    const auto* act = std::get_if<Act>(&decision.verdict);
    return act != nullptr && std::ranges::none_of(view.in_flight, [&](const Ticket& ticket) {
             return target_of(ticket.action) == target_of(act->action);
           });
  };
  out.sample({}, std::ranges::count_if(view.decisions, waits));
}

/// The gates that look at all VMs at once.
void write_pace(Exposition& out, const RemediationView& view, Tick now) {
  static const Policy unset;
  const Policy& policy = view.policy ? *view.policy : unset;
  out.family("upkeep_remediation_budget_remaining");
  const auto allowed = static_cast<std::size_t>(policy.actions_per_hour);
  out.sample({}, allowed - std::min(allowed, spent_of(view.history.budget, now)));
  out.family("upkeep_remediation_storm_active");
  out.sample({}, view.history.storm.until && *view.history.storm.until > now ? 1 : 0);
  out.family("upkeep_remediation_start_slots");
  out.sample({}, std::floor(view.history.pace.slots));
}

void write_paused(Exposition& out, const RemediationView& view) {
  std::map<std::string_view, int> paused{
      {"node", 0}, {"maintenance", 0}, {"vm", 0}, {"resource", 0}};
  for (const auto& [key, standing] : view.history.standings) {
    if (!is_pause(standing)) continue;
    const auto target = to_target(paused_target(standing, view.history));
    if (standing.kind == Standing::Kind::maintenance) {
      ++paused["maintenance"];
    } else if (!target) {
      ++paused["node"];
    } else {
      ++paused[target->kind == Target::Kind::vm ? "vm" : "resource"];
    }
  }
  out.family("upkeep_remediation_paused");
  for (const auto& [scope, count] : paused) out.sample({{"scope", scope}}, count);
}

void write_recovery(Exposition& out, const RemediationView& view) {
  const Recovery* recovery = view.recovery.get();
  out.family("upkeep_recovery_active");
  out.sample({}, recovery != nullptr && !recovery->ended ? 1 : 0);
  out.family("upkeep_recovery_vms");
  for (const MemberState state : kMemberStates) {
    out.sample({{"state", to_string(state)}},
               recovery == nullptr ? std::size_t{0} : count_of(*recovery, state));
  }
  if (recovery == nullptr) return;
  out.family("upkeep_recovery_started_timestamp_seconds");
  out.sample({}, to_unix_seconds(recovery->opened));
}

void write_boots(Exposition& out, const RemediationView& view) {
  out.family("upkeep_node_boots_total");
  for (const PreviousShutdown previous : kPreviousShutdowns) {
    const auto count = view.boot_counts.find(previous);
    out.sample({{"previous_shutdown", to_string(previous)}},
               count == view.boot_counts.end() ? std::uint64_t{0} : count->second);
  }
  const auto boot = std::ranges::find(view.boots, view.history.boot, &BootRecord::id);
  if (boot == view.boots.end()) return;
  out.family("upkeep_node_boot_info");
  out.sample(
      {{"boot_id", boot->id.value}, {"previous_shutdown", to_string(boot->previous_shutdown)}}, 1);
  if (!boot->downtime) return;
  out.family("upkeep_node_last_downtime_seconds");
  out.sample({}, boot->downtime->count());
}

/// Only where a block of the configuration expects it, so that its silence is an alert only there.
void write_watchdog(Exposition& out, const RemediationView& view) {
  if (!view.policy || std::ranges::find(view.policy->alerts, AlertAction::watchdog,
                                        &AlertRule::action) == view.policy->alerts.end()) {
    return;
  }
  out.family("upkeep_webhook_last_watchdog_timestamp_seconds");
  out.sample({}, view.last_watchdog ? to_unix_seconds(*view.last_watchdog)
                                    : unix_seconds_of(view.history.started, view));
}

template <class Range>
std::vector<std::string> words(const Range& range) {
  std::vector<std::string> all;
  all.reserve(std::size(range));
  for (const auto& one : range) all.emplace_back(to_string(one));
  return all;
}

}  // namespace

void write_remediation(Exposition& out, const RemediationView& view, const Snapshot& snapshot,
                       Tick now) {
  write_mode(out, view);
  write_wishes(out, view, snapshot, now);
  write_missing(out, view, snapshot, now);
  write_unverified(out, view, snapshot);
  write_targets(out, view);
  write_in_flight(out, view);
  write_queue(out, view);
  write_pace(out, view, now);
  write_paused(out, view);
  write_recovery(out, view);
  write_boots(out, view);
  write_split_brain(out, view, snapshot, now);
  write_watchdog(out, view);
}

InstrumentLabels instrument_labels() {
  InstrumentLabels labels;
  for (const auto name : all_action_names()) labels.actions.emplace_back(name);
  labels.triggers = words(kTriggers);
  for (auto code = Errc::unavailable; code <= Errc::failed;
       code = static_cast<Errc>(static_cast<int>(code) + 1)) {
    labels.failure_reasons.emplace_back(to_string(code));
  }
  // What became of an action whose error nobody knows more of.
  labels.failure_reasons.emplace_back(to_string(Outcome::Kind::ineffective));
  for (const auto& rule : all_rules()) labels.rules.emplace_back(rule.name);
  labels.holds = words(all_holds());
  labels.outage_kinds = {"vm", "resource"};
  labels.outage_phases.assign(kOutagePhases.begin(), kOutagePhases.end());
  labels.alert_outcomes = words(kAlertOutcomes);
  labels.body_refusals = words(kBodyRefusals);
  return labels;
}

}  // namespace upkeep
