#pragma once

#include <optional>

#include "remediation/decision.h"
#include "remediation/gates/replica.h"

namespace upkeep {

/// DESIGN §5 (d): may the VM start while `absent`, a diskful peer of the replica, is not connected?
/// Nothing means yes. It takes a person's word (`upkeep allow-degraded VM`, `upkeep peer
/// declare-dead NODE` for every absent peer, or `[drbd] allow_degraded`), and proof that this node
/// wrote last: the local copy is UpToDate and says crashed primary, and the ledger says that the VM
/// last ran here. Silence alone is never "gone".
[[nodiscard]] std::optional<Held> judge_without_peer(const Replica& replica,
                                                     const DrbdPeer& absent);

}  // namespace upkeep
