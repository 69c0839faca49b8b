#pragma once

#include "exporter/metrics/exposition.h"
#include "exporter/model/drbd.h"

namespace upkeep {

/// The upkeep_drbd_* gauges and byte counters. A state word that this program does not know gets a
/// series of its own. Not `current`: every state set says "unknown", everything else is absent.
void write_drbd(Exposition& out, const Drbd& drbd, bool current);

}  // namespace upkeep
