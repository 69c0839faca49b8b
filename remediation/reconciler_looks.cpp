// What a step learns from the readings, beside what its keepers do.
#include <utility>

#include "remediation/gates/budget.h"
#include "remediation/gates/start_slots.h"
#include "remediation/gates/storm.h"
#include "remediation/gates/tries.h"
#include "remediation/keepers/effect_seen.h"
#include "remediation/reconciler.h"

namespace upkeep {

/// A peer that shares it booted: new evidence, and the event behind what the next reading shows.
void Reconciler::recheck(const ResourceName& resource, const Step& step) {
  const Target target = target_of(resource);
  problems_.peer_booted(target, step.now);
  const auto line = history_.targets.find(target);
  if (line != history_.targets.end() && line->second.tries.erase("reconnect_resource") > 0) {
    journal_.changed(target);
  }
}

/// Counts for each target how long it has been well. A reading counts once.
void Reconciler::look_at_targets(const Step& step) {
  const Snapshot& snapshot = step.snapshot;
  const auto is_new = [&](const auto& observed, Duration max_age, std::optional<Tick>& last) {
    if (!observed.fresh(step.now, max_age) || (last && observed.at <= *last)) return false;
    last = observed.at;
    return true;
  };
  const bool vms = is_new(snapshot.vms, step.policy.freshness.vms, last_vms_look_);
  const bool drbd = is_new(snapshot.drbd, step.policy.freshness.drbd, last_drbd_look_);
  for (auto& [target, line] : history_.targets) {
    const bool seen = target.kind == Target::Kind::vm ? vms : drbd;
    const auto well = seen ? seen_well(target, snapshot) : std::nullopt;
    if (!well) continue;
    TargetHistory after =
        after_tries_look(after_look(line, *well, step.policy.back_off, step.now), target, step);
    if (!same_record(line, after)) journal_.changed(target);
    line = std::move(after);
  }
}

/// What the gates stand on that look at all VMs at once.
void Reconciler::look_at_pace(const Step& step) {
  const World world{step.snapshot, step.policy, history_, step.now};
  history_.storm = after_look(std::move(history_.storm), world);
  history_.pace = after_look(history_.pace, world);
  history_.budget = after_look(std::move(history_.budget), step.now);
}

}  // namespace upkeep
