#pragma once

#include <optional>

#include "remediation/decision.h"
#include "remediation/gates/replica.h"

namespace upkeep {

/// The DRBD part of the storage gate, for a replica that is up; nothing means open. DESIGN §5: it
/// is opened by (a) local UpToDate and Primary now, or Primary earlier in this boot with no peer
/// Connected since; (b) every diskful peer Connected and Secondary with good data; (c) DRBD 9 with
/// a configured quorum that holds; (d) a person's word, see degraded_start.h. Whatever opens it, a
/// device of DRBD 9 that has lost its quorum takes no writes, and keeps it closed.
[[nodiscard]] std::optional<Held> judge_replica(const Replica& replica, const Drbd& drbd);

}  // namespace upkeep
