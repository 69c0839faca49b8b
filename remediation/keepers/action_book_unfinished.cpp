// What a daemon before this one had begun.
#include <algorithm>
#include <chrono>

#include "remediation/keepers/action_book.h"
#include "remediation/keepers/effect_seen.h"
#include "remediation/rules/rule.h"

namespace upkeep {
namespace {

/// Longer than the ledger takes to believe a state that no event told of. How an action that died
/// half done left its VM is the action's doing, and no person's, only while it is not settled.
constexpr Duration kLedgerLooks = std::chrono::milliseconds(1500);

/// The rule's own name, whose storage lives for ever; empty for a rule of another version.
std::string_view rule_name(std::string_view name) {
  const auto rule = std::ranges::find(all_rules(), name, &Rule::name);
  return rule == all_rules().end() ? std::string_view() : rule->name;
}

}  // namespace

void ActionBook::look_at_sight(const Step& step) {
  const auto& vms = step.snapshot.vms;
  if (!vms.fresh(step.now, step.policy.freshness.vms) || vms.at < history_.started) {
    seen_since_.reset();
  } else if (!seen_since_) {
    seen_since_ = vms.at;
  }
}

bool ActionBook::is_in_the_ledger(const Action& action, const Step& step) const {
  if (target_of(action).kind != Target::Kind::vm) return true;
  return seen_since_ && step.snapshot.vms.at - *seen_since_ >= kLedgerLooks;
}

void ActionBook::settle_unfinished(const Step& step) {
  const World world{step.snapshot, step.policy, history_, step.now};
  look_at_sight(step);
  std::erase_if(unfinished_, [&](const ActionRecord& action) {
    const auto kind = settled(action.action, history_, step);
    if (!kind) return false;
    if (*kind == Outcome::Kind::interrupted && !is_in_the_ledger(action.action, step)) return false;
    Outcome outcome{.kind = *kind, .reason = "", .detail = "settled by what was seen afterwards"};
    if (*kind == Outcome::Kind::interrupted) {
      outcome.detail = "upkeep ended in the middle of it, and there is nothing to be seen of it";
      if (auto unsent = given_up_unsent(action.action)) outcome = std::move(*unsent);
    }
    Completed completed{.id = action.id,
                        .finding = {.rule = rule_name(action.rule),
                                    .subject = target_of(action.action),
                                    .trigger = action.trigger,
                                    .confirmed = true,
                                    .since = step.now,
                                    .detail = ""},
                        .action = action.action,
                        .outcome = std::move(outcome),
                        .times = {},
                        .ended = true,
                        .at = step.now};
    if (has_booted(completed, world)) {
      finish(completed, step);
    } else {
      take_over(std::move(completed));
    }
    return true;
  });
}

std::optional<Outcome> ActionBook::given_up_unsent(const Action& action) const {
  const auto line = history_.targets.find(target_of(action));
  if (line == history_.targets.end() || !line->second.stuck) return std::nullopt;
  const std::optional<Outcome>& last = line->second.last_outcome;
  return last && could_not_be_sent(*last) ? last : std::nullopt;
}

void ActionBook::take_over(Completed completed) {
  Ticket ticket{.id = completed.id,
                .finding = completed.finding,
                .action = completed.action,
                .submitted = completed.at,
                .deadline = {},
                .policy = nullptr,
                .history = nullptr};
  flights_.push_back(
      {.ticket = std::move(ticket), .overdue = false, .reported = std::move(completed)});
}

}  // namespace upkeep
