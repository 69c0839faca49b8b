#pragma once

#include <string>
#include <vector>

#include "remediation/world.h"

namespace upkeep {

// Who wrote last to a resource whose copies may differ, as far as this node can tell. For people:
// each fact is a sentence without its full stop, times are the node's local ones. All pure.

/// This node's role, now or while no peer was connected: what stays the same while it writes.
[[nodiscard]] std::string role_fact(const DrbdResource& resource, const World& world);

/// This node's side: its role, how much it wrote since each link was lost, its VMs.
[[nodiscard]] std::vector<std::string> writes_here(const DrbdResource& resource,
                                                   const World& world);

/// When the peers were last seen Primary from here: a sentence for each, in their order.
[[nodiscard]] std::vector<std::string> primaries_there(const DrbdResource& resource,
                                                       const World& world);

/// The sides of the peers, of which little can be seen from here; it says where to look.
[[nodiscard]] std::vector<std::string> writes_there(const DrbdResource& resource,
                                                    const World& world);

/// The node of a link that is not connected, the first by name; "the other node" when its name
/// isn't known.
[[nodiscard]] std::string other_side(const DrbdResource& resource);

}  // namespace upkeep
