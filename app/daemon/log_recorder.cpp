#include "app/daemon/log_recorder.h"

#include <chrono>
#include <utility>
#include <variant>

namespace upkeep {
namespace {

/// A journal that fails does so at every step.
constexpr Duration kJournalLogGap = std::chrono::minutes(1);

double seconds(Duration took) { return std::chrono::duration_cast<Seconds>(took).count(); }

LogField field_of(const Target& target) {
  return {target.kind == Target::Kind::vm ? "vm" : "resource", target.name};
}

/// What a person calls the action.
struct Words {
  std::string_view doing, would, noun;
};

Words words_of(const Action& action) {
  struct {
    Words operator()(const StartVm& /*start*/) const {
      return {"restarting vm", "would restart vm", "restart"};
    }
    Words operator()(const BringUpResource& /*bring_up*/) const {
      return {"bringing up drbd resource", "would bring up drbd resource", "bring-up"};
    }
    Words operator()(const ReconnectResource& /*reconnect*/) const {
      return {"reconnecting drbd resource", "would reconnect drbd resource", "reconnect"};
    }
    Words operator()(const AttachDevice& /*attach*/) const {
      return {"attaching drbd disk", "would attach drbd disk", "attach"};
    }
    Words operator()(const ResumeVm& /*resume*/) const {
      return {"resuming vm", "would resume vm", "resume"};
    }
    Words operator()(const ResetVm& /*reset*/) const {
      return {"resetting vm", "would reset vm", "reset"};
    }
    Words operator()(const ReattachDisk& /*reattach*/) const {
      return {"reattaching vm disk", "would reattach vm disk", "reattach"};
    }
    Words operator()(const ResolveSplitBrain& /*resolve*/) const {
      return {"resolving drbd split brain", "would resolve drbd split brain", "resolve"};
    }
  } const words;
  return std::visit(words, action);
}

/// Holds that pass by themselves within moments: a line for each would only be noise.
bool is_passing(Hold hold) {
  return hold == Hold::in_flight || hold == Hold::unconfirmed || hold == Hold::starting_up ||
         hold == Hold::no_start_slot;
}

bool same_verdict(const Decision& one, const Decision& other) {
  return one.verdict.index() == other.verdict.index() && hold_of(one) == hold_of(other);
}

std::string_view opens_with(const Decision& decision) {
  const auto* held = std::get_if<Held>(&decision.verdict);
  return held == nullptr ? std::string_view() : held->opens_with;
}

}  // namespace

LogRecorder::LogRecorder(const Clock& clock, const Log& log, Instruments& instruments)
    : clock_(clock), log_(log), instruments_(instruments) {}

void LogRecorder::decided(const Decision& decision, const Decision* previous) {
  // A countdown in the detail is no new decision.
  const bool same = previous != nullptr && same_verdict(decision, *previous);
  if (same && opens_with(decision) == opens_with(*previous)) return;
  const auto hold = hold_of(decision);
  // Another command that opens it is worth a line; the decision is the same.
  if (!same) {
    instruments_.decided(decision.finding.rule, verdict_name(decision),
                         hold ? to_string(*hold) : kNoReason);
  }
  const Finding& finding = decision.finding;
  LogFields fields{field_of(finding.subject), {"rule", finding.rule}};
  if (const auto* would = std::get_if<WouldAct>(&decision.verdict)) {
    log_.info(words_of(would->action).would, fields);
    return;
  }
  const auto* held = std::get_if<Held>(&decision.verdict);
  if (held == nullptr) return;  // The action's own line follows.
  fields.emplace_back("reason", to_string(held->reason));
  if (!finding.detail.empty()) fields.emplace_back("finding", finding.detail);
  if (!held->detail.empty()) fields.emplace_back("detail", held->detail);
  if (!held->opens_with.empty()) fields.emplace_back("opens_with", held->opens_with);
  if (is_passing(held->reason)) {
    log_.debug("holding back", fields);
  } else {
    log_.info("holding back", fields);
  }
}

void LogRecorder::finding_gone(const Finding& finding) {
  log_.debug("problem gone", {field_of(finding.subject), {"rule", finding.rule}});
}

void LogRecorder::action_begun(const Ticket& ticket, int attempt) {
  const auto trigger = to_string(ticket.finding.trigger);
  instruments_.action_begun(name_of(ticket.action), trigger, clock_.wall());
  log_.info(words_of(ticket.action).doing, {field_of(target_of(ticket.action)),
                                            {"attempt", attempt},
                                            {"trigger", trigger},
                                            {"finding", ticket.finding.detail},
                                            {"action_id", ticket.id}});
}

void LogRecorder::action_ended(const Completed& completed, bool latched_now) {
  const std::string_view name = name_of(completed.action);
  const PhaseTimes& times = completed.times;
  const Duration took = times.queue + times.storage + times.start;
  const Outcome& outcome = completed.outcome;
  const bool counts = outcome.kind == Outcome::Kind::failed ||
                      outcome.kind == Outcome::Kind::timed_out ||
                      outcome.kind == Outcome::Kind::ineffective || could_not_be_sent(outcome);
  if (completed.ended) instruments_.action_took(name, took);
  // One that was late was counted then, whatever became of it.
  const bool was_late = completed.ended && late_.erase(completed.id) > 0;
  if (!completed.ended) late_.insert(completed.id);
  if (counts && !was_late) {
    instruments_.action_failed(
        name, outcome.reason.empty() ? to_string(outcome.kind) : std::string_view(outcome.reason));
  }
  if (outcome.kind == Outcome::Kind::ineffective) instruments_.action_ineffective(name);
  if (completed.ended && completed.finding.trigger == Trigger::event &&
      times.command_sent >= completed.finding.since && times.command_sent != Tick{}) {
    instruments_.reaction(name, times.command_sent - completed.finding.since);
  }

  LogFields fields{field_of(target_of(completed.action)),
                   {"seconds", seconds(took)},
                   {"action_id", completed.id}};
  if (!outcome.reason.empty()) fields.emplace_back("reason", outcome.reason);
  if (!outcome.detail.empty()) fields.emplace_back("detail", outcome.detail);
  const std::string message =
      std::string(words_of(completed.action).noun) + " " + std::string(to_string(outcome.kind));
  if (counts) {
    log_.warn(message, fields);
  } else {
    log_.info(message, fields);
  }
  if (!latched_now) return;
  log_.error("latched: the attempts of this hour are used up",
             {field_of(target_of(completed.action)),
              {"opens_with", "upkeep release " + to_string(target_of(completed.action))}});
}

void LogRecorder::intent_changed(const Intent* before, const Intent& after) {
  LogFields fields{{"vm", after.name.value}, {"wanted", after.wanted}};
  if (before == nullptr) {
    log_.debug("vm seen for the first time", fields);
    return;
  }
  if (before->mark != after.mark) {
    fields.emplace_back("keep", to_string(after.mark ? after.mark->keep : Keep::automatic));
    if (after.mark && !after.mark->by.empty()) fields.emplace_back("by", after.mark->by);
    log_.info("vm marked", fields);
    return;
  }
  if (before->wanted == after.wanted && before->last_stop == after.last_stop) return;
  if (after.last_stop == StopCause::none) {
    // That of a wanted VM is told with its outage.
    if (!before->wanted) log_.info("vm runs, and is wanted from now on", fields);
    return;
  }
  fields.emplace_back("cause", to_string(after.last_stop));
  if (!after.last_stop_detail.empty()) fields.emplace_back("detail", after.last_stop_detail);
  log_.info("vm stopped", fields);
}

void LogRecorder::outage_ended(std::string_view kind, const Target& target, Duration total) {
  instruments_.outage_ended(kind, total);
  log_.info(target.kind == Target::Kind::vm ? "vm is up again" : "drbd resource is up again",
            {field_of(target), {"outage_seconds", seconds(total)}});
}

void LogRecorder::outage_phase(std::string_view kind, std::string_view phase, Duration took) {
  instruments_.outage_phase(kind, phase, took);
}

void LogRecorder::recovery_opened(const Recovery& recovery) {
  log_.info("recovery begins", {{"recovery", recovery.id},
                                {"cause", to_string(recovery.cause)},
                                {"vms", recovery.members.size()},
                                {"detail", recovery.detail}});
}

void LogRecorder::recovery_ended(const Recovery& recovery) {
  const Seconds took = *recovery.ended - recovery.opened;
  instruments_.recovery_ended(took);
  LogFields fields{{"recovery", recovery.id}, {"seconds", took.count()}};
  for (const MemberState state : kMemberStates) {
    if (const auto count = count_of(recovery, state)) fields.emplace_back(to_string(state), count);
  }
  log_.info("recovery over", fields);
}

void LogRecorder::alert(const AlertNews& news) {
  instruments_.alert_decided(to_string(news.outcome));
  if (news.line.empty()) return;
  LogFields fields{{"alertname", news.alertname}, {"outcome", to_string(news.outcome)}};
  if (news.target) fields.push_back(field_of(*news.target));
  fields.emplace_back("detail", news.line);
  log_.info("alert", fields);
}

void LogRecorder::journal_failed(const Error& error) {
  tell_journal("journal can't be written: nothing is done until it can", error);
}

void LogRecorder::journal_lacks(const Error& error) {
  tell_journal("journal lacks who was Primary: it is tried again, and holds nothing up", error);
}

void LogRecorder::tell_journal(std::string_view text, const Error& error) {
  instruments_.journal_failed();
  const Tick now = clock_.now();
  if (journal_error_ == error.message && journal_error_at_ &&
      now - *journal_error_at_ < kJournalLogGap) {
    return;
  }
  journal_error_ = error.message;
  journal_error_at_ = now;
  log_.error(text, {{"error", error.message}});
}

}  // namespace upkeep
