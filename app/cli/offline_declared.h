#pragma once

#include "app/cli/offline.h"
#include "remediation/history.h"

namespace upkeep::cli {

/// What persons said that an upkeep started now would still go by: pauses, maintenance, dead peers,
/// allowed starts. With the names of the VMs; all else of the history is empty. What only readings
/// end (a dead peer that is back, an allowed start that was made) still counts.
[[nodiscard]] History still_declared(const JournalState& journal, const Reader& reader);

}  // namespace upkeep::cli
