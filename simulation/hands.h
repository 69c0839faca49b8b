#pragma once

#include <memory>

#include "remediation/effects/action_run.h"
#include "simulation/node_clock.h"

namespace upkeep::simulation {

class SimulatedNode;

/// What an action on the node works with: its commands have their effect at once, and take their
/// time on `clock`. The node must outlive them.
[[nodiscard]] ActionTools hands_on(SimulatedNode& node, const std::shared_ptr<ActionClock>& clock);

}  // namespace upkeep::simulation
