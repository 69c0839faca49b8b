#pragma once

#include <optional>
#include <set>

#include "remediation/world.h"

namespace upkeep {

/// The targets that an action or a stuck command has to itself. A VM's start is an action on the
/// DRBD resources under it too: it may promote them, and demote them again if it fails.
using Busy = std::set<Target>;

/// What the actions under way, and the commands that are stuck, have to themselves.
[[nodiscard]] Busy busy_now(const World& world);

/// Adds what an action on `target` will have to itself.
void occupy(Busy& busy, const Target& target, const Snapshot& snapshot);

/// Calls to libvirt that hang past their deadline; with as many, no more are begun.
inline constexpr int kMostHungCalls = 8;

/// Nothing when all that the action touches is free. The target itself is judged by
/// `back_off_hold`; this is about what it shares with others.
[[nodiscard]] std::optional<Held> sharing_hold(const Action& action, const World& world,
                                               const Busy& busy);

}  // namespace upkeep
