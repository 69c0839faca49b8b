#pragma once

#include <optional>
#include <string_view>

#include "remediation/policy.h"

namespace upkeep {

/// Why a VM was last seen to stop; what decides whether it is still wanted. Journal word.
enum class StopCause {
  none,              ///< It runs, or did when last seen.
  never_ran,         ///< Off since it was first seen.
  guest_shutdown,    ///< The guest powered itself off, or obeyed `virsh shutdown`.
  operator_destroy,  ///< `virsh destroy`.
  saved,             ///< `virsh managedsave`.
  moved_away,        ///< Migrated, or seen active on another node while off here.
  undefined_vm,      ///< Undefined.
  crashed,           ///< QEMU died or the guest panicked.
  start_failed,
  host_shutdown,  ///< Stopped because this node was going down, or QEMU got SIGTERM.
  node_down,      ///< The node went down under it.
  unobserved,     ///< Went off while nobody looked; libvirt no longer knows why.
};

/// What the last stop left behind, for a start of ours to deal with. Journal word.
enum class Remains {
  unknown,     ///< Nobody saw how it went off.
  nothing,     ///< A start destroys nothing: who does is somebody else.
  dead_guest,  ///< Kept by libvirt (on_crash = preserve): a start of ours drops it first.
  dropped,     ///< Our start did. libvirt's reason stays "destroyed" when that start fails early.
};

[[nodiscard]] std::string_view to_string(StopCause cause);
[[nodiscard]] std::optional<StopCause> to_stop_cause(std::string_view word);
[[nodiscard]] std::string_view to_string(Remains remains);
[[nodiscard]] std::optional<Remains> to_remains(std::string_view word);
/// True when stopping that way ends `auto`'s wish.
[[nodiscard]] bool is_deliberate(StopCause cause, GuestShutdown guest_shutdown);

}  // namespace upkeep
