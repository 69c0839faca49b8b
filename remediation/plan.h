#pragma once

#include <optional>
#include <vector>

#include "remediation/decision.h"
#include "remediation/world.h"

namespace upkeep {

/// What is to be done and what isn't, and when to look again even if nothing happens.
struct Plan {
  /// One for each finding; by rule, then subject. A rule that is blind (a reading it needs failed
  /// or is too old) holds what it had found before: silence doesn't end a problem.
  std::vector<Decision> decisions;
  std::optional<Tick> next_look;  ///< The earliest end of a hold.
};

/// Decides what to do. Pure: no clock, no I/O, no logging, no exception; equal arguments give equal
/// plans, and the order inside the snapshot does not matter.
[[nodiscard]] Plan plan(const World& world);

/// The last look before an action's effect, on facts read again: still the same finding, with a
/// remedy that asks for no more than `action` does, and every safety gate open? Nothing means go;
/// Hold::facts_changed means somebody else was there (a conflict), any other hold that a gate
/// closed. Does not judge back-off, single flight or confirmation: those were settled when the
/// action was chosen. May be asked again between the steps of one action.
[[nodiscard]] std::optional<Held> judge_again(const Finding& finding, const Action& action,
                                              const World& world);

}  // namespace upkeep
