#pragma once

#include <string>
#include <vector>

#include "remediation/plan.h"

namespace upkeep::test {

/// Reads the rules a second time: judges a plan from the raw facts alone, with none of the
/// planner's own helpers, and says everything that is wrong with it: acts that must not be, acts
/// that are missing, findings that were overlooked or invented. Empty when the plan is right.
[[nodiscard]] std::vector<std::string> faults_of(const Plan& plan, const World& world);

/// Whether a guest may write to the VM's disks on this node now, by the raw facts.
[[nodiscard]] bool audited_storage_open(const Vm& vm, const World& world);

/// Whether the running VM may be given its disk back, by the raw facts.
[[nodiscard]] bool audited_reattach(const Vm& vm, const DiskTarget& disk, const World& world);

}  // namespace upkeep::test
