#pragma once

#include "exporter/model/clock.h"
#include "exporter/model/snapshot.h"
#include "remediation/policy.h"

namespace upkeep {

/// What one step of the loop stands on; the same for all of its parts.
struct Step {
  const Snapshot& snapshot;
  const Policy& policy;
  Tick now{};
  WallTime wall{};
};

}  // namespace upkeep
