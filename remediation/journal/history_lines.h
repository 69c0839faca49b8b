#pragma once

#include <optional>
#include <string>

#include "remediation/journal.h"

namespace upkeep {

// The lines of `upkeep history`, composed when the thing happens and kept as they were.

/// "node booted; the shutdown before it was unclean; it was down for 91 s"
[[nodiscard]] std::string history_line(const BootRecord& boot);

/// "recovery 7 begins: 62 VMs after a boot of the node"; "recovery 7 over after 132 s: …"
[[nodiscard]] std::string history_line(const Recovery& recovery);

/// What changed in the ledger for `auto`: "wanted: seen running", "not wanted: operator_destroy
/// (event stopped_destroyed)". Nothing when the change is of no interest to a person.
[[nodiscard]] std::optional<std::string> history_line(const Intent* before, const Intent& after);

/// "start_vm begins: attempt 2, for vm_down shown by event"
[[nodiscard]] std::string begin_line(const ActionRecord& action);

/// "start_vm failed (storage) after 0.3 s: start VM 'web1': no such file"
[[nodiscard]] std::string end_line(const ActionRecord& action, const Outcome& outcome, WallTime at);

}  // namespace upkeep
