#include "remediation/keepers/action_book.h"

#include <algorithm>
#include <chrono>

#include "remediation/boot_check.h"
#include "remediation/gates/budget.h"
#include "remediation/gates/tries.h"
#include "remediation/keepers/effect_seen.h"
#include "remediation/rules/finding.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

/// More than the executor's workers, so that they never wait for the loop; not many more, because
/// a ticket is judged by the history of the moment it was chosen.
constexpr int kMostAtOnce = 8;
/// DESIGN §5: at most two DRBD commands at a time. What waits for its turn has not begun: its time
/// doesn't run, and it keeps no hand from the VMs.
constexpr int kMostResourcesAtOnce = 2;
/// A reading may have begun before the action ended; from here on it shows what came of it.
constexpr Duration kEffectShows = std::chrono::seconds(1);
/// An event can be that much later than the call that caused it.
constexpr Duration kEventIsLate = std::chrono::seconds(2);

Duration deadline_of(const Action& action, const Policy& policy) {
  const bool on_vm = target_of(action).kind == Target::Kind::vm;
  return on_vm ? policy.start_deadline : policy.bring_up_deadline;
}

const Rule* rule_of(const Finding& finding) {
  const auto rule = std::ranges::find(all_rules(), finding.rule, &Rule::name);
  return rule == all_rules().end() ? nullptr : &*rule;
}

}  // namespace

ActionBook::ActionBook(Parts parts, History& history, std::vector<ActionRecord> unfinished)
    : parts_(parts), history_(history), unfinished_(std::move(unfinished)) {}

bool ActionBook::hands_free(const Action& action) const {
  const bool on_resource = target_of(action).kind == Target::Kind::resource;
  int busy = 0;
  int busy_with_resources = 0;
  for (const Flight& flight : flights_) {
    if (flight.overdue || flight.reported) continue;
    ++busy;
    if (target_of(flight.ticket.action).kind == Target::Kind::resource) ++busy_with_resources;
  }
  return busy < kMostAtOnce && (!on_resource || busy_with_resources < kMostResourcesAtOnce);
}

void ActionBook::begin(std::vector<Decision>& decisions, const Step& step,
                       const std::shared_ptr<const Policy>& policy) {
  frozen_.reset();
  for (Decision& decision : decisions) {
    const auto* act = std::get_if<Act>(&decision.verdict);
    if (act == nullptr) continue;
    // The rest stays decided; a hand that gets free wakes the loop.
    if (parts_.journal.ok() && !hands_free(act->action)) continue;
    if (parts_.journal.ok() && begin_one(decision, act->action, step, policy)) continue;
    decision.verdict = Held{
        .reason = Hold::journal_failed, .detail = "", .opens_with = "", .retry_at = std::nullopt};
  }
}

bool ActionBook::begin_one(const Decision& decision, const Action& action, const Step& step,
                           const std::shared_ptr<const Policy>& policy) {
  const Target target = target_of(action);
  const Anchor anchor{.now = step.now, .wall = step.wall};
  TargetHistory& line = history_.targets[target];
  if (line.in_flight) return true;  // Single flight, whatever was decided.
  TargetHistory after =
      with_try(after_begin(line, 0, step.now), *policy, name_of(action), step.now);
  const ActionRecord record{.id = 0,
                            .action = action,
                            .rule = std::string(decision.finding.rule),
                            .trigger = decision.finding.trigger,
                            .attempt = after.in_row,
                            .begun = step.wall,
                            .ended = std::nullopt,
                            .outcome = std::nullopt};
  const auto id = parts_.journal.begin(record, to_record(target, after, anchor), step.now);
  if (!id) return false;
  if (frozen_ == nullptr) frozen_ = std::make_shared<const History>(history_);
  if (decision.finding.trigger != Trigger::manual && counts_against_budget(action)) {
    history_.budget.spent[*id] = {.begun = step.now, .recovery = history_.recovery};
  }
  after.in_flight = *id;
  line = std::move(after);
  Ticket ticket{.id = *id,
                .finding = decision.finding,
                .action = action,
                .submitted = step.now,
                .deadline = deadline_of(action, *policy),
                .policy = policy,
                .history = frozen_};
  parts_.outages.begun({record.rule, decision.finding.subject}, step.now);
  parts_.recorder.action_begun(ticket, record.attempt);
  flights_.push_back({.ticket = ticket, .overdue = false, .reported = std::nullopt});
  parts_.executor.submit(std::move(ticket));
  return true;
}

bool ActionBook::begin_ordered(const Order& order, const Step& step,
                               const std::shared_ptr<const Policy>& policy) {
  frozen_.reset();
  Decision decision{.finding = finding(order.rule, target_of(order.action), order.why,
                                       {step.snapshot, step.policy, history_, step.now}),
                    .verdict = Act{order.action}};
  decision.finding.trigger = Trigger::manual;
  return parts_.journal.ok() && begin_one(decision, order.action, step, policy);
}

void ActionBook::take_completed(const Step& step) {
  std::erase_if(dropped_, [&](const Dropped& dropped) { return dropped.until < step.now; });
  for (const Completed& completed : parts_.executor.drain()) {
    const auto flight =
        std::ranges::find(flights_, completed.id, [](const Flight& one) { return one.ticket.id; });
    if (flight == flights_.end()) continue;
    if (!completed.ended) {
      overdue(*flight, completed, step);
      continue;
    }
    note_dropped(completed);
    if (completed.outcome.kind != Outcome::Kind::succeeded) {
      finish(completed, step);
      continue;
    }
    flight->reported = completed;
    parts_.outages.succeeded({std::string(completed.finding.rule), completed.finding.subject},
                             completed.times, completed.at);
  }
}

void ActionBook::overdue(Flight& flight, const Completed& completed, const Step& step) {
  flight.overdue = true;
  const Target target = target_of(completed.action);
  TargetHistory& line = history_.targets[target];
  line = after_deadline(line, completed.outcome, step.now);
  parts_.journal.changed(target);
  parts_.recorder.action_ended(completed, false);
}

void ActionBook::verify(const Step& step) {
  std::vector<Completed> ended;
  for (const Flight& flight : flights_) {
    if (!flight.reported) continue;
    Completed completed = *flight.reported;
    const Rule* rule = rule_of(completed.finding);
    const World world{step.snapshot, step.policy, history_, step.now};
    if (rule != nullptr) {
      if (blindness(rule->needs, world)) continue;
      const Tick seen = seen_at(rule->needs, step.snapshot);
      if (seen <= completed.at) continue;
      const bool open = is_open(completed, step);
      if (open && seen < completed.at + kEffectShows) continue;
      if (open) {
        completed.outcome = {.kind = Outcome::Kind::ineffective,
                             .reason = "",
                             .detail = "the command succeeded, the problem is still there"};
      } else if (!has_booted(completed, world)) {
        continue;
      }
    }
    ended.push_back(std::move(completed));
  }
  for (const Completed& completed : ended) finish(completed, step);
}

bool ActionBook::has_booted(Completed& completed, const World& world) {
  BootProgress boot = boot_progress(completed.action, completed.at, world);
  if (boot.kind == BootProgress::Kind::failed) {
    completed.outcome = {
        .kind = Outcome::Kind::ineffective, .reason = "", .detail = std::move(boot.detail)};
  }
  return boot.kind != BootProgress::Kind::waiting;
}

bool ActionBook::is_open(const Completed& completed, const Step& step) const {
  // What a person asked for is over when its effect is seen; the sides of a split brain may find
  // each other much later.
  if (std::holds_alternative<ResolveSplitBrain>(completed.action)) {
    return effect_seen(completed.action, step.snapshot) != true;
  }
  return history_.problems.contains(
      {std::string(completed.finding.rule), completed.finding.subject});
}

void ActionBook::stop_verifying(const Step& step) {
  const World world{step.snapshot, step.policy, history_, step.now};
  std::vector<Completed> ended;
  std::erase_if(flights_, [&](Flight& flight) {
    if (!flight.reported) return false;
    const bool booted = has_booted(*flight.reported, world);
    if (booted) ended.push_back(*flight.reported);
    return !booted;  // Stays begun in the journal: the next daemon waits for the guest.
  });
  for (const Completed& completed : ended) finish(completed, step);
}

void ActionBook::finish(const Completed& completed, const Step& step) {
  const Target target = target_of(completed.action);
  TargetHistory& line = history_.targets[target];
  const bool was_latched = given_up_since(line).has_value();
  line = after_end(line, completed.outcome, step.policy.back_off, step.now);
  line = after_try(line, step.policy, name_of(completed.action), completed.outcome, step.now);
  if (completed.outcome.kind == Outcome::Kind::succeeded) settle_split_brain(completed.action);
  if (!costs_attempt(completed.outcome)) history_.budget.spent.erase(completed.id);
  parts_.journal.ended(completed.id, target, completed.outcome, step.wall);
  parts_.recorder.action_ended(completed, !was_latched && given_up_since(line).has_value());
  std::erase_if(flights_, [&](const Flight& flight) { return flight.ticket.id == completed.id; });
}

void ActionBook::settle_split_brain(const Action& action) {
  const auto* resolve = std::get_if<ResolveSplitBrain>(&action);
  if (resolve == nullptr || resolve->side != SplitBrainSide::keep_local) return;
  const auto line = history_.resources.find(resolve->resource);
  if (line == history_.resources.end() || !line->second.split_brain) return;
  line->second.split_brain.reset();
  parts_.journal.changed(resolve->resource);
}

void ActionBook::note_dropped(const Completed& completed) {
  const auto* start = std::get_if<StartVm>(&completed.action);
  if (start == nullptr || !start->destroy_first || completed.times.command_sent == Tick{}) return;
  dropped_.push_back({.target = target_of(completed.action),
                      .from = completed.times.command_sent,
                      .until = completed.at + kEventIsLate});
}

bool ActionBook::is_ours(const VmEvent& event) const {
  const Target target = target_of(event.name);
  const bool in_flight = std::ranges::any_of(flights_, [&](const Flight& flight) {
    // What happens to a guest while it boots is no longer our doing.
    const bool lasts = !flight.reported || event.at <= flight.reported->at;
    return lasts && target_of(flight.ticket.action) == target &&
           flight.ticket.submitted <= event.at;
  });
  if (in_flight) return true;
  // A daemon before this one may have sent it.
  if (std::ranges::any_of(unfinished_, [&](const ActionRecord& action) {
        return target_of(action.action) == target;
      })) {
    return true;
  }
  return event.kind == VmEventKind::stopped_destroyed &&
         std::ranges::any_of(dropped_, [&](const Dropped& dropped) {
           return dropped.target == target && dropped.from <= event.at && event.at <= dropped.until;
         });
}

std::vector<Ticket> ActionBook::tickets() const {
  std::vector<Ticket> tickets;
  for (const Flight& flight : flights_) tickets.push_back(flight.ticket);
  return tickets;
}

bool ActionBook::waits_for_a_look() const {
  return !unfinished_.empty() || std::ranges::any_of(flights_, [](const Flight& flight) {
    return flight.reported.has_value();
  });
}

}  // namespace upkeep
