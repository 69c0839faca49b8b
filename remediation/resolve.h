#pragma once

#include <optional>
#include <vector>

#include "remediation/decision.h"
#include "remediation/world.h"

namespace upkeep {

// A split brain ends when a person says whose changes are lost. Nothing here decides that; it only
// says when it can't be carried out. All pure.

/// Why the person's decision can't be carried out now, as a whole sentence in `detail`; nothing
/// when it can. Asked when the person says so, before the first command, and once more before the
/// one that gives up data. The mode does not matter: a person asked.
[[nodiscard]] std::optional<Held> resolve_hold(const ResolveSplitBrain& resolve,
                                               const World& world);

/// The peers to which the resource stands alone.
[[nodiscard]] std::vector<NodeName> peers_given_up(const DrbdResource& resource);

/// The VMs with a disk on the resource, as libvirt was last read; whether that is still true is
/// for the caller to know.
[[nodiscard]] std::vector<const Vm*> vms_on(const DrbdResource& resource, const Snapshot& snapshot);

}  // namespace upkeep
