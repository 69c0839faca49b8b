#pragma once

#include <string>

#include "exporter/model/clock.h"
#include "exporter/model/result.h"

namespace upkeep {

/// Reads the first and the last 4 KiB of a block device (or file), past the page cache where the
/// device allows it. Errors are not_found, denied; storage: it could not be read or is too small;
/// timed_out: a read did not come back in time; unavailable: an earlier read of the same path has
/// not come back yet.
/// The reading is done by a thread of its own, so a read that hangs in the kernel keeps only that
/// thread. Blocks for at most `deadline`. Thread-safe.
[[nodiscard]] Result<void> probe_device(const std::string& path, Duration deadline);

}  // namespace upkeep
