#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "remediation/decision.h"
#include "remediation/world.h"

namespace upkeep {

// DESIGN §6 gate 9. VMs that fail one after another for no common reason are the sign of something
// that starting them again does not mend: a dying disk, memory that runs out, a bad upgrade.

/// VMs that failed from one cause: the node's boot, one DRBD resource, or the same reason with no
/// more than ten seconds from one to the next.
struct FailureGroup {
  std::string cause;
  std::vector<VmFailure> failures;  ///< Oldest first.
};

/// The failures by cause; in the order of their first one.
[[nodiscard]] std::vector<FailureGroup> by_cause(const std::vector<VmFailure>& failures);

/// How many VMs are wanted here: what the shares of the guard and of a recovery are shares of.
[[nodiscard]] std::size_t wanted_vms(const World& world);

/// Did the group take more than half of the wanted VMs, and at least three? Then it is one outage
/// with one cause, a recovery, and no storm.
[[nodiscard]] bool is_one_outage(const FailureGroup& group, const World& world);

/// The guard's memory after this step's problems.
[[nodiscard]] StormWatch after_look(StormWatch watch, const World& world);

/// Why nothing is done to a VM now. DRBD's repairs go on: VMs need them whatever is wrong.
[[nodiscard]] std::optional<Held> storm_hold(const Action& action, const World& world);

}  // namespace upkeep
