#include "remediation/reconciler.h"

#include <algorithm>
#include <chrono>

#include "remediation/explain.h"
#include "remediation/gates/tries.h"
#include "remediation/keepers/effect_seen.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

/// How soon to look again while something is open, and when nothing is.
constexpr Duration kOpenCadence = std::chrono::seconds(1);
constexpr Duration kQuietCadence = std::chrono::seconds(15);
constexpr std::size_t kBootsInView = 10;

/// Holds that tell no story of their own: they are over in a moment, or the lines of the actions
/// around them say it.
bool is_passing(Hold hold) {
  return hold == Hold::in_flight || hold == Hold::unconfirmed || hold == Hold::starting_up ||
         hold == Hold::backing_off || hold == Hold::no_start_slot || hold == Hold::journal_failed;
}

/// What opens a hold has no countdown in it; another command is news for whoever reads along.
bool same_verdict(const Decision& a, const Decision& b) {
  const auto* held = std::get_if<Held>(&a.verdict);
  const auto* other = std::get_if<Held>(&b.verdict);
  return a.verdict.index() == b.verdict.index() && hold_of(a) == hold_of(b) &&
         (held == nullptr || held->opens_with == other->opens_with);
}

bool belongs_in_story(const Decision& decision) {
  if (const auto hold = hold_of(decision)) return !is_passing(*hold);
  return std::holds_alternative<WouldAct>(decision.verdict);
}

/// A VM that is there again and not yet at work: QEMU is paused while libvirt sets it up, the call
/// that starts it returns later, and a guest may have a check to pass.
bool boots(const Target& target, const World& world) {
  const Vm* vm =
      target.kind == Target::Kind::vm ? find_vm(world.snapshot, VmName{target.name}) : nullptr;
  if (vm == nullptr || is_down(vm->state)) return false;
  const auto line = world.history.targets.find(target);
  const bool in_flight = line != world.history.targets.end() && line->second.in_flight;
  return in_flight || !is_healthy(*vm, world);
}

Anchor anchor_of(const Step& step) { return {.now = step.now, .wall = step.wall}; }

}  // namespace

Reconciler::Reconciler(Parts parts, std::shared_ptr<const Policy> policy,
                       const JournalState& loaded)
    : parts_(parts),
      policy_(std::move(policy)),
      history_(remembered(loaded, {.now = parts.clock.now(), .wall = parts.clock.wall()})),
      journal_(parts.journal, parts.recorder, history_),
      intents_(history_, journal_, parts.recorder),
      resources_(history_, journal_),
      primaries_(history_, journal_, loaded.last_heartbeat),
      standings_(history_, journal_),
      problems_(history_),
      outages_(parts.recorder),
      actions_({.executor = parts.executor,
                .recorder = parts.recorder,
                .journal = journal_,
                .outages = outages_},
               history_, loaded.unfinished),
      alerts_({.journal = journal_, .recorder = parts.recorder}, history_, loaded.waiting_alerts,
              {.now = parts.clock.now(), .wall = parts.clock.wall()}),
      progress_(history_),
      recovery_(history_, journal_, parts.recorder,
                loaded.recoveries.empty() ? std::nullopt : std::optional(loaded.recoveries.back())),
      wanted_(history_),
      boots_(loaded.boots),
      boot_counts_(loaded.boot_counts),
      last_heartbeat_(loaded.last_heartbeat),
      resources_boot_(loaded.resources_boot),
      loaded_resources_(loaded.resources) {}

void Reconciler::use(std::shared_ptr<const Policy> policy) {
  policy_ = std::move(policy);
  tell_wishes();
}

Tick Reconciler::step(const std::shared_ptr<const Snapshot>& snapshot, Inputs inputs) {
  const std::shared_ptr<const Policy> policy = policy_;
  const Step step{.snapshot = *snapshot,
                  .policy = *policy,
                  .now = parts_.clock.now(),
                  .wall = parts_.clock.wall()};
  if (frozen_) {
    step_frozen(inputs, step);
    return step.now + kOpenCadence;
  }
  note_boot(step);
  take_events(inputs, step);
  take_readings(step);
  actions_.take_completed(step);
  carry_out(inputs, step);
  end_problems(step);
  look_at_pace(step);
  recovery_.look(step);
  actions_.settle_unfinished(step);
  actions_.verify(step);
  tell_wishes();
  // What the decisions rest on is on the disk before they are made.
  journal_.flush(anchor_of(step));
  history_.journal_ok = journal_.ok();

  Plan planned = plan({*snapshot, *policy, history_, step.now});
  note_verdicts(planned.decisions, step);
  actions_.begin(planned.decisions, step, policy);
  history_.journal_ok = journal_.ok();
  recovery_.follow(planned.decisions, step);
  decide_alerts(planned.decisions, step);
  tell_decisions(planned.decisions, step);
  journal_.flush(anchor_of(step));
  const Tick next = next_step(planned, step);
  publish(std::move(planned.decisions), step);
  return next;
}

void Reconciler::tell_wishes() {
  Wishes wishes{.policy = policy_, .intents = history_.intents, .standings = history_.standings};
  if (told_ == wishes) return;
  told_ = wishes;
  parts_.executor.know(std::move(wishes));
}

void Reconciler::note_boot(const Step& step) {
  const auto& node = step.snapshot.node.reading;
  if (!node || node->boot_id.value.empty() || node->boot_id == history_.boot) return;
  if (!history_.boot.value.empty()) history_.resources.clear();  // They are of another boot.
  history_.boot = node->boot_id;
  const bool same_boot = !boots_.empty() && boots_.back().id == node->boot_id;
  resources_.begin_boot(same_boot && resources_boot_ == node->boot_id
                            ? loaded_resources_
                            : std::map<ResourceName, ResourceHistory>{});
  if (same_boot) {
    if (boots_.size() > 1) recovery_.resumed(boots_.back(), step);
    return;
  }
  history_.booted_since_record = !boots_.empty();
  BootRecord boot{.id = node->boot_id,
                  .booted = node->boot_time,
                  .previous_shutdown = node->previous_shutdown,
                  .downtime = std::nullopt};
  // A heartbeat from after the boot means that the clock was set back: then nobody knows.
  if (last_heartbeat_ && *last_heartbeat_ <= node->boot_time) {
    boot.downtime = node->boot_time - *last_heartbeat_;
  }
  for (auto& [target, line] : history_.targets) {
    line = after_boot(line);
    journal_.changed(target);
  }
  ++boot_counts_[boot.previous_shutdown];
  journal_.booted(boot);
  if (!boots_.empty()) recovery_.booted(boot, step);
  boots_.push_back(std::move(boot));
}

void Reconciler::take_events(const Inputs& inputs, const Step& step) {
  for (const VmEvent& event : inputs.vm_events) {
    intents_.take(event, actions_.is_ours(event), step);
    problems_.take(event);
    standings_.take(event, step);
  }
  for (const DrbdEvent& event : inputs.drbd_events) {
    resources_.take(event);
    problems_.take(event);
  }
}

void Reconciler::take_readings(const Step& step) {
  intents_.take_reading(step);
  resources_.take_reading(step);
  primaries_.take_reading(step);
  standings_.take_reading(step);
  for (const ResourceName& resource : progress_.look(step)) recheck(resource, step);
  settling_.look(history_, step);
  if (const auto due = settling_.second_look(); due && *due <= step.now) {
    if (parts_.reread) parts_.reread();
    settling_.asked();
  }
  look_at_targets(step);
}

void Reconciler::end_problems(const Step& step) {
  const World world{step.snapshot, step.policy, history_, step.now};
  const auto gone = problems_.look(world);
  const auto end = [&](const ProblemWatch::Key& key, bool well) {
    const auto phases = outages_.gone(key, well, step.now);
    if (phases) recovery_.outage_over(key.second, *phases);
  };
  for (const auto& key : gone) {
    if (boots(key.second, world)) {
      outages_.boots(key);
    } else {
      end(key, seen_well(key.second, step.snapshot).value_or(false));
    }
    const auto last = last_decisions_.find(key);
    if (last == last_decisions_.end()) continue;
    parts_.recorder.finding_gone(last->second.finding);
    last_decisions_.erase(last);
  }
  for (const auto& [key, well] : outages_.booted(world)) end(key, well);
}

void Reconciler::note_verdicts(const std::vector<Decision>& decisions, const Step& step) {
  for (const Decision& decision : decisions) {
    const auto line = history_.targets.find(decision.finding.subject);
    if (decision.finding.rule != "vm_down" || line == history_.targets.end()) continue;
    line->second = after_verdict(std::move(line->second), hold_of(decision), step.now);
  }
}

void Reconciler::tell_decisions(const std::vector<Decision>& decisions, const Step& step) {
  for (const Decision& decision : decisions) {
    outages_.take(decision, step.now);
    const Finding& finding = decision.finding;
    const ProblemWatch::Key key{std::string(finding.rule), finding.subject};
    const auto last = last_decisions_.find(key);
    const bool known = last != last_decisions_.end();
    if (known && same_verdict(last->second, decision)) {
      last->second = decision;
      continue;
    }
    parts_.recorder.decided(decision, known ? &last->second : nullptr);
    if (belongs_in_story(decision)) {
      journal_.note({.at = step.wall,
                     .kind = "decision",
                     .target = to_string(finding.subject),
                     .text = sentence(decision, step.now),
                     .action_id = std::nullopt});
    }
    last_decisions_.insert_or_assign(key, decision);
  }
}

void Reconciler::freeze() {
  if (frozen_) return;
  frozen_ = true;
  parts_.executor.stop_acting();
  // The next start counts the downtime from here.
  journal_.beat_now();
  journal_.flush({.now = parts_.clock.now(), .wall = parts_.clock.wall()});
}

void Reconciler::step_frozen(Inputs& inputs, const Step& step) {
  for (auto& [command, answer] : inputs.commands) {
    answer(fail(Errc::unavailable, "upkeep is shutting down"));
  }
  actions_.take_completed(step);
  actions_.stop_verifying(step);
  journal_.flush(anchor_of(step));
  const auto last = view_.get();
  publish(last == nullptr ? std::vector<Decision>{} : last->decisions, step);
}

void Reconciler::publish(std::vector<Decision> decisions, const Step& step) {
  wanted_.look(step);
  auto view = std::make_shared<RemediationView>();
  view->mode = step.policy.mode;
  view->at = step.now;
  view->wall = step.wall;
  view->decisions = std::move(decisions);
  view->history = history_;
  view->policy = policy_;
  const std::size_t skipped = boots_.size() - std::min(boots_.size(), kBootsInView);
  view->boots.assign(boots_.begin() + static_cast<std::ptrdiff_t>(skipped), boots_.end());
  view->boot_counts = boot_counts_;
  view->in_flight = actions_.tickets();
  view->recovery = recovery_.latest();
  view->last_watchdog = alerts_.last_watchdog();
  view_.set(std::move(view));
  wanted_.told(parts_.clock.now());
  if (wanted_.start_waits() && !step.policy.peers.empty() && parts_.reread) parts_.reread();
}

Tick Reconciler::next_step(const Plan& planned, const Step& step) const {
  const bool open = !history_.problems.empty() || !history_.settled_at ||
                    actions_.waits_for_a_look() || history_.recovery.has_value() || alerts_.waits();
  Tick next = step.now + (open ? kOpenCadence : kQuietCadence);
  next = std::min(next, journal_.next_flush(step.now));
  if (planned.next_look) next = std::min(next, *planned.next_look);
  if (const auto look = settling_.second_look()) next = std::min(next, *look);
  return std::max(next, step.now);
}

}  // namespace upkeep
