#pragma once

#include <optional>
#include <string_view>

#include "remediation/history.h"
#include "remediation/step.h"

namespace upkeep {

// Actions whose number of tries is limited beside the back-off. All pure.

/// Why the action may not be tried once more; nothing for an action without a limit.
[[nodiscard]] std::optional<Held> limit_hold(const History& history, const Policy& policy,
                                             const Target& target, std::string_view action,
                                             Tick now);

/// The back-off of the action: the policy's, with the action's own first gap.
[[nodiscard]] BackOff back_off_of(const Policy& policy, std::string_view action);

/// The limited tries of the action are used up, and it needed another.
[[nodiscard]] bool is_latched(const History& history, const Target& target,
                              std::string_view action);

/// Since when upkeep has given up on the target, or on one kind of action on it; the first of them.
[[nodiscard]] std::optional<Tick> given_up_since(const TargetHistory& target);

/// The action begins.
[[nodiscard]] TargetHistory with_try(TargetHistory target, const Policy& policy,
                                     std::string_view action, Tick now);
/// The action ended. A try that cost nothing is taken back; a failed last one latches.
[[nodiscard]] TargetHistory after_try(TargetHistory target, const Policy& policy,
                                      std::string_view action, const Outcome& outcome, Tick now);
/// A reading shows the target: latches what would be needed again too soon, forgets old tries.
[[nodiscard]] TargetHistory after_tries_look(TargetHistory target, const Target& name,
                                             const Step& step);
/// The node booted, which is new evidence for everything but a disk that failed.
[[nodiscard]] TargetHistory after_boot(TargetHistory target);

}  // namespace upkeep
