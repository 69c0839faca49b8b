#pragma once

#include "exporter/metrics/exposition.h"
#include "exporter/metrics/last_known.h"
#include "exporter/model/snapshot.h"

namespace upkeep {

/// Writes every series that the snapshot alone knows: sources, node, peers, VMs, DRBD. A reading
/// that failed or is too old is not repeated as if true: its state sets say "unknown" for what was
/// last known, its other series are absent; the other sources' series are not touched by it.
void write_snapshot(Exposition& out, const Snapshot& snapshot, const LastKnown& known,
                    const Freshness& freshness, Tick now);

}  // namespace upkeep
