#pragma once

#include "remediation/rules/rule.h"

namespace upkeep {

/// A wanted VM is off. Remedy: StartVm.
[[nodiscard]] const Rule& vm_down_rule();
/// A configured DRBD resource is not up. Remedy: BringUpResource.
[[nodiscard]] const Rule& drbd_down_rule();
/// A DRBD resource gave up a peer (StandAlone). For a person.
[[nodiscard]] const Rule& drbd_standalone_rule();
/// The two sides of a DRBD resource diverged. For a person.
[[nodiscard]] const Rule& drbd_split_brain_rule();

}  // namespace upkeep
