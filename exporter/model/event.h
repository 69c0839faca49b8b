#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/clock.h"
#include "exporter/model/drbd.h"
#include "exporter/model/ids.h"

namespace upkeep {

/// What happened to a VM, as the hypervisor told it (lifecycle event + detail). The measured
/// table cause → event → class: virDomainEventType and its *DetailType.
enum class VmEventKind {
  defined,
  undefined,
  started,
  resumed,
  suspended,
  suspended_io_error,
  suspended_migrated,
  shutdown_guest,
  shutdown_host,  ///< SHUTDOWN with detail GUEST or HOST; precedes `stopped_*`.
  stopped_shutdown,
  stopped_destroyed,
  stopped_crashed,
  stopped_migrated,
  stopped_saved,
  stopped_failed,
  stopped_other,
  crashed,
  rebooted,
  io_error,
  watchdog,
  disk_changed,
};

/// Journal and log word; never rename.
[[nodiscard]] constexpr std::string_view to_string(VmEventKind kind) {
  switch (kind) {
    case VmEventKind::defined: return "defined";
    case VmEventKind::undefined: return "undefined";
    case VmEventKind::started: return "started";
    case VmEventKind::resumed: return "resumed";
    case VmEventKind::suspended: return "suspended";
    case VmEventKind::suspended_io_error: return "suspended_io_error";
    case VmEventKind::suspended_migrated: return "suspended_migrated";
    case VmEventKind::shutdown_guest: return "shutdown_guest";
    case VmEventKind::shutdown_host: return "shutdown_host";
    case VmEventKind::stopped_shutdown: return "stopped_shutdown";
    case VmEventKind::stopped_destroyed: return "stopped_destroyed";
    case VmEventKind::stopped_crashed: return "stopped_crashed";
    case VmEventKind::stopped_migrated: return "stopped_migrated";
    case VmEventKind::stopped_saved: return "stopped_saved";
    case VmEventKind::stopped_failed: return "stopped_failed";
    case VmEventKind::stopped_other: return "stopped_other";
    case VmEventKind::crashed: return "crashed";
    case VmEventKind::rebooted: return "rebooted";
    case VmEventKind::io_error: return "io_error";
    case VmEventKind::watchdog: return "watchdog";
    case VmEventKind::disk_changed: return "disk_changed";
  }
  return "stopped_other";
}

struct VmEvent {
  VmUuid uuid;
  VmName name;
  VmEventKind kind = VmEventKind::stopped_other;
  std::string detail;  ///< Disk path of an I/O error and the like.
  Tick at{};
  WallTime wall{};
};

/// A change in DRBD that a state alone no longer shows afterwards.
struct DrbdEvent {
  enum class Kind { connection_changed, role_changed, disk_changed, helper, resource_destroyed };
  Kind kind = Kind::connection_changed;
  ResourceName resource;
  NodeName peer;              ///< Of a connection or helper event; else empty.
  std::string from, to;       ///< State words; `to` is the helper's name for `helper`.
  std::optional<int> status;  ///< A helper's exit status, on its response.
  bool initial = false;       ///< From the first dump (`exists`), not a change.
  Tick at{};
  WallTime wall{};
};

/// Who reads what. The names are metric label values.
enum class SourceKind { libvirt, vm_stats, drbd, node, peers };

inline constexpr std::array kSourceKinds{SourceKind::libvirt, SourceKind::vm_stats,
                                         SourceKind::drbd, SourceKind::node, SourceKind::peers};

[[nodiscard]] constexpr std::string_view to_string(SourceKind source) {
  switch (source) {
    case SourceKind::libvirt: return "libvirt";
    case SourceKind::vm_stats: return "vm_stats";
    case SourceKind::drbd: return "drbd";
    case SourceKind::node: return "node";
    case SourceKind::peers: return "peers";
  }
  return "node";
}

}  // namespace upkeep
