#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"

namespace upkeep {

/// What a VM is doing, as libvirt reports it (virDomainState; "blocked" counts as running).
enum class VmState { running, paused, shutting_down, shut_off, crashed, suspended, unknown };

inline constexpr std::array kVmStates{VmState::running,  VmState::paused,  VmState::shutting_down,
                                      VmState::shut_off, VmState::crashed, VmState::suspended,
                                      VmState::unknown};

/// Metric label value; never rename.
[[nodiscard]] constexpr std::string_view to_string(VmState state) {
  switch (state) {
    case VmState::running: return "running";
    case VmState::paused: return "paused";
    case VmState::shutting_down: return "shutting_down";
    case VmState::shut_off: return "shut_off";
    case VmState::crashed: return "crashed";
    case VmState::suspended: return "suspended";
    case VmState::unknown: return "unknown";
  }
  return "unknown";
}

/// Why a VM is in its state (virDomain*Reason, one flat set). A reason alone is no policy: libvirt
/// forgets it across a node reboot, and for VMs that are off across a restart of libvirtd.
enum class VmReason {
  unknown,
  booted,
  migrated,
  restored,
  from_snapshot,
  unpaused,
  migration_canceled,
  save_canceled,
  woken,
  crashed,
  post_copy,  // running
  user,
  migration,
  save,
  dump,
  io_error,
  watchdog,
  shutting_down,
  snapshot,
  starting_up,  // paused
  post_copy_failed,
  shutdown,
  destroyed,
  saved,
  failed,
  daemon,    // shut off
  panicked,  // crashed
};

/// Journal word and `upkeep why` word; never rename.
[[nodiscard]] constexpr std::string_view to_string(VmReason reason) {
  switch (reason) {
    case VmReason::unknown: return "unknown";
    case VmReason::booted: return "booted";
    case VmReason::migrated: return "migrated";
    case VmReason::restored: return "restored";
    case VmReason::from_snapshot: return "from_snapshot";
    case VmReason::unpaused: return "unpaused";
    case VmReason::migration_canceled: return "migration_canceled";
    case VmReason::save_canceled: return "save_canceled";
    case VmReason::woken: return "woken";
    case VmReason::crashed: return "crashed";
    case VmReason::post_copy: return "post_copy";
    case VmReason::user: return "user";
    case VmReason::migration: return "migration";
    case VmReason::save: return "save";
    case VmReason::dump: return "dump";
    case VmReason::io_error: return "io_error";
    case VmReason::watchdog: return "watchdog";
    case VmReason::shutting_down: return "shutting_down";
    case VmReason::snapshot: return "snapshot";
    case VmReason::starting_up: return "starting_up";
    case VmReason::post_copy_failed: return "post_copy_failed";
    case VmReason::shutdown: return "shutdown";
    case VmReason::destroyed: return "destroyed";
    case VmReason::saved: return "saved";
    case VmReason::failed: return "failed";
    case VmReason::daemon: return "daemon";
    case VmReason::panicked: return "panicked";
  }
  return "unknown";
}

/// Where a disk's bytes live, which decides what must be proved before a VM may be started.
enum class DiskBacking {
  local,    ///< A file or device of this node only.
  drbd,     ///< On DRBD, also when LVM, LUKS or a file system lies between.
  shared,   ///< NFS, iSCSI, Ceph, a cluster file system: another node may be writing to it.
  missing,  ///< The source does not exist just now.
  unknown,  ///< Could not be found out: keeps the storage gate closed.
};

[[nodiscard]] constexpr std::string_view to_string(DiskBacking backing) {
  switch (backing) {
    case DiskBacking::local: return "local";
    case DiskBacking::drbd: return "drbd";
    case DiskBacking::shared: return "shared";
    case DiskBacking::missing: return "missing";
    case DiskBacking::unknown: return "unknown";
  }
  return "unknown";
}

/// A disk of a VM: the union of its definition and what is attached now. CD-ROMs and floppies are
/// left out.
struct VmDisk {
  DiskTarget target;
  std::string source;  ///< Path, or "pool/volume", or "rbd:…"; empty when none.
  DiskBacking backing = DiskBacking::unknown;
  std::vector<DeviceMinor> drbd;   ///< The DRBD devices underneath; empty unless backing is drbd.
  bool in_definition = true;       ///< Present in the persistent definition.
  std::optional<bool> attached;    ///< Present live; absent while the VM is off.
  bool optional_at_start = false;  ///< startupPolicy='optional': libvirt starts the VM without it.
  std::optional<std::string> error;  ///< virDomainGetDiskErrors; only read while paused on I/O.

  friend bool operator==(const VmDisk&, const VmDisk&) = default;
};

/// A network a VM's definition needs before it can start.
struct VmNetwork {
  std::string name;             ///< libvirt network or host bridge.
  bool is_bridge = false;       ///< Else a libvirt network.
  std::optional<bool> present;  ///< Active (network) or existing (bridge); absent: not known.

  friend bool operator==(const VmNetwork&, const VmNetwork&) = default;
};

/// One VM. Everything that could not be read is `nullopt` or `unknown`, never a default that
/// looks like an answer.
struct Vm {
  VmName name;
  VmUuid uuid;
  VmState state = VmState::unknown;
  VmReason reason = VmReason::unknown;
  bool persistent = true;  ///< False: transient, can't be started again without its XML.
  std::optional<bool> autostart;
  std::optional<bool> managed_save;  ///< A saved memory image exists: a start resumes it.
  std::optional<bool>
      job_active;  ///< Migration, backup or snapshot running (virDomainGetControlInfo/JobInfo).
  std::optional<std::chrono::milliseconds> monitor_blocked;  ///< QEMU's monitor waits for so long.
  std::string other_manager;  ///< "nova", "ovirt", … from the metadata; empty: none seen.
  std::vector<VmDisk> disks;  ///< By target.
  std::vector<VmNetwork> networks;
  bool definition_known = false;  ///< False: the XML could not be read; disks/networks unknown.
  std::optional<WallTime> last_start;  ///< When this daemon saw it start; absent: before our time.

  friend bool operator==(const Vm&, const Vm&) = default;
};

/// True when the guest is up for its users: running, not paused, not on the way down.
[[nodiscard]] constexpr bool is_up(VmState state) { return state == VmState::running; }

/// True when there is no guest at all, so that a start is what it takes.
[[nodiscard]] constexpr bool is_down(VmState state) {
  return state == VmState::shut_off || state == VmState::crashed;
}

/// Slow figures of one running VM (virConnectGetAllDomainStats); each absent when not reported.
struct VmStats {
  struct Block {
    std::optional<std::uint64_t> read_requests, write_requests;
    std::optional<Bytes> read, written, capacity;
  };
  struct Interface {
    std::optional<Bytes> received, sent;
    std::optional<std::uint64_t> received_packets, sent_packets, received_errors, sent_errors,
        received_drops, sent_drops;
  };
  std::optional<Seconds> cpu_time;
  std::optional<Bytes> memory_current, memory_maximum, memory_rss;
  std::optional<std::uint32_t> vcpus;
  std::map<DiskTarget, Block> blocks;
  std::map<std::string, Interface> interfaces;  ///< By host-side device name, e.g. "vnet0".
};

}  // namespace upkeep
