#pragma once

#include <optional>

#include "remediation/history.h"
#include "remediation/step.h"

namespace upkeep {

/// Does the reading show what the action was to bring about? Nothing: not to be told yet.
[[nodiscard]] std::optional<bool> effect_seen(const Action& action, const Snapshot& snapshot);

/// What became of an action whose daemon died; nothing while that can't be told.
[[nodiscard]] std::optional<Outcome::Kind> settled(const Action& action, const History& history,
                                                   const Step& step);

/// Is the target well, by this reading: does the VM run, is the resource more than a name? Nothing
/// when it isn't in the reading.
[[nodiscard]] std::optional<bool> seen_well(const Target& target, const Snapshot& snapshot);

}  // namespace upkeep
