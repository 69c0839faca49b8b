#pragma once

#include <string>
#include <vector>

#include "remediation/world.h"

namespace upkeep {

/// What a person should know before deciding a split brain: what this side would lose, and what
/// can't be seen from here. Each fact is a sentence without its full stop. Times are shown in the
/// node's local time. Pure.
[[nodiscard]] std::vector<std::string> resolve_facts(const DrbdResource& resource,
                                                     const World& world);

/// "on node2: upkeep drbd resolve r0 --keep-local": what is left to do after this node's part.
[[nodiscard]] std::string other_sides_part(const ResolveSplitBrain& resolve,
                                           const Snapshot& snapshot);

}  // namespace upkeep
