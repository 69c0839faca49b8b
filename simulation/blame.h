#pragma once

#include "simulation/power_cut.h"
#include "simulation/simulated_node.h"

namespace upkeep::simulation {

/// What keeps a node's VMs waiting just now.
[[nodiscard]] Bottleneck blame(const SimulatedNode& node);

}  // namespace upkeep::simulation
