#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "exporter/model/vm.h"
#include "exporter/sources/hypervisor/disk_backing.h"
#include "exporter/sources/hypervisor/domain_reader.h"

namespace upkeep {

/// What libvirt said of one VM.
struct VmFacts {
  VmName name;
  VmUuid uuid;
  VmState state = VmState::unknown;
  VmReason reason = VmReason::unknown;
  DomainCard card;
  MonitorFacts monitor;
  std::optional<bool> job_active;  ///< From a call that may wait for QEMU; absent: not known.
  std::map<DiskTarget, std::string> disk_errors;
  std::optional<WallTime> last_start;
};

/// What this host says of the things a VM rests on.
struct Surroundings {
  std::function<Backing(const DiskSource&)> backing_of;
  std::function<std::optional<bool>(const DefinedNetwork&)> is_present;
};

/// True when a QEMU holds the VM: also paused, crashed and preserved, or on its way down.
[[nodiscard]] constexpr bool is_active(VmState state) {
  return state != VmState::shut_off && state != VmState::unknown;
}

/// Puts a VM together. Calls nothing but the surroundings.
[[nodiscard]] Vm assemble(const VmFacts& facts, const Surroundings& surroundings);

/// The backing of everything that isn't a path of this host; absent for a path.
[[nodiscard]] std::optional<Backing> backing_without_looking(const DiskSource& source);

/// Whether a host's bridge or network device exists, under root/sys/class/net.
[[nodiscard]] bool host_device_exists(const std::filesystem::path& root, const std::string& name);

}  // namespace upkeep
