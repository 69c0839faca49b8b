// What a daemon before this one had begun.
#include <algorithm>

#include "remediation/action_book.h"
#include "remediation/effect_seen.h"
#include "remediation/rules/rule.h"

namespace upkeep {
namespace {

/// The rule's own name, whose storage lives for ever; empty for a rule of another version.
std::string_view rule_name(std::string_view name) {
  const auto rule = std::ranges::find(all_rules(), name, &Rule::name);
  return rule == all_rules().end() ? std::string_view() : rule->name;
}

}  // namespace

void ActionBook::settle_unfinished(const Step& step) {
  const World world{step.snapshot, step.policy, history_, step.now};
  std::erase_if(unfinished_, [&](const ActionRecord& action) {
    const auto kind = settled(action.action, history_, step);
    if (!kind) return false;
    Outcome outcome{.kind = *kind, .reason = "", .detail = "settled by what was seen afterwards"};
    if (*kind == Outcome::Kind::interrupted) {
      outcome.detail = "upkeep ended in the middle of it, and there is nothing to be seen of it";
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
