#pragma once

#include "exporter/model/drbd.h"
#include "exporter/model/result.h"
#include "exporter/sources/replication/drbd_source_options.h"

namespace upkeep {

/// Reads DRBD once: `drbdsetup events2 --now --statistics` and /proc/drbd, which on 8.4 must show
/// the same states. Without the module it runs nothing: nothing is up. Only what the kernel knows;
/// blocks until `deadline` (and a second for killing) at most. Thread-safe.
[[nodiscard]] Result<Drbd> read_drbd(const DrbdSourceOptions& options, Duration deadline);

}  // namespace upkeep
