#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/event.h"
#include "exporter/model/vm.h"

namespace upkeep {

/// A virDomainState number in our words; a number from a newer libvirt is `unknown`.
[[nodiscard]] VmState to_vm_state(int state);

/// A virDomain*Reason number, which means something else for each state.
[[nodiscard]] VmReason to_vm_reason(int state, int reason);

/// What a lifecycle event says. Its kind decides; the detail is a word for people.
struct LifecycleMeaning {
  /// Absent for events that change nothing we act on: a rename's two halves (the UUID stays), a
  /// SHUTDOWN that doesn't say whose wish it was, a guest that handles its panic itself.
  std::optional<VmEventKind> kind;
  std::string_view detail;
  bool known = true;  ///< False: not in this libvirt's headers.
};

/// Reads virDomainEventType and its detail. Pure; the measured table of causes.
[[nodiscard]] LifecycleMeaning to_lifecycle(int event, int detail);

/// True when an event of this kind is what announces the change, so that a reading which shows the
/// change should not be published before it. `from` is absent for a VM not seen before, `to` for
/// one that is gone.
[[nodiscard]] bool announces(VmEventKind kind, std::optional<VmState> from,
                             std::optional<VmState> to);

/// The sentence about an I/O error event: what, where, what QEMU did about it.
[[nodiscard]] std::string io_error_detail(std::string_view path, int action,
                                          std::string_view reason);
/// The sentence about a watchdog event.
[[nodiscard]] std::string_view watchdog_detail(int action);

/// The sentence about a disk change event.
[[nodiscard]] std::string disk_change_detail(std::string_view alias, std::string_view old_path,
                                             std::string_view new_path, int reason);

}  // namespace upkeep
