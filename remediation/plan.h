#pragma once

#include <optional>
#include <vector>

#include "remediation/decision.h"
#include "remediation/rules/rule.h"

namespace upkeep {

/// What is to be done and what isn't, and when to look again even if nothing happens.
struct Plan {
  std::vector<Decision> decisions;  ///< One for each finding; by rule, then subject.
  std::optional<Tick> next_look;    ///< The earliest end of a hold.
};

/// Decides what to do. Pure: no clock, no I/O, no logging, no exception; equal arguments give equal
/// plans, and the order inside the snapshot does not matter.
[[nodiscard]] Plan plan(const World& world);

/// The last look before an action's effect, on facts read again: still the same finding with the
/// same remedy and every safety gate open? Nothing means go. Does not judge back-off, single
/// flight or confirmation: those were settled when the action was chosen.
[[nodiscard]] std::optional<Held> judge_again(const Finding& finding, const Action& action,
                                              const World& world);

}  // namespace upkeep
