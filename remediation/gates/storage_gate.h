#pragma once

#include <expected>
#include <optional>
#include <vector>

#include "remediation/decision.h"
#include "remediation/world.h"

namespace upkeep {

/// What an open gate asks of the start.
struct StorageClearance {
  std::vector<ResourceName> promote;  ///< To be made Primary first (8.4, or auto-promote off).
};

/// May a guest write to this VM's disks now? DESIGN §5: per DRBD-backed disk, opened by (a) local
/// UpToDate and Primary now, or Primary earlier in this boot with no peer Connected since;
/// (b) every diskful peer Connected and Secondary with good data; (c) DRBD 9 with a configured
/// quorum that holds. Shared storage needs every configured peer's "neither here nor wanted"
/// (peer_words.h). What isn't known keeps it closed.
[[nodiscard]] std::expected<StorageClearance, Held> storage_gate(const Vm& vm, const World& world);

/// The same for one disk alone.
[[nodiscard]] std::expected<StorageClearance, Held> storage_gate(const Vm& vm, const VmDisk& disk,
                                                                 const World& world);

/// Why a guest that is there may not go on writing; nothing when the gate is open and each of its
/// resources is Primary under it.
[[nodiscard]] std::optional<Held> storage_hold_in_place(const Vm& vm, const World& world);

/// True when one of its disks lies on DRBD, or may: also when it can't be told where they are.
[[nodiscard]] bool may_lie_on_drbd(const Vm& vm);

}  // namespace upkeep
