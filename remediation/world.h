#pragma once

#include "exporter/model/snapshot.h"
#include "remediation/history.h"
#include "remediation/policy.h"

namespace upkeep {

/// Everything a decision may look at. No clock, no I/O.
struct World {
  const Snapshot& snapshot;
  const Policy& policy;
  const History& history;
  Tick now{};
};

}  // namespace upkeep
