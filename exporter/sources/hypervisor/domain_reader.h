#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exporter/model/ids.h"
#include "exporter/model/result.h"
#include "exporter/model/vm.h"
#include "exporter/sources/hypervisor/domain_xml.h"
#include "platform/libvirt_handles.h"

namespace upkeep {

[[nodiscard]] VmUuid uuid_of(virDomainPtr domain);
[[nodiscard]] VmName name_of(virDomainPtr domain);

/// A domain and its state at one moment.
struct DomainState {
  DomainHandle domain;
  VmUuid uuid;
  VmName name;
  VmState state = VmState::unknown;
  VmReason reason = VmReason::unknown;
};

/// Every domain, running or not. One call, 1 ms for 62 (measured), and it doesn't wait for QEMU.
[[nodiscard]] Result<std::vector<DomainState>> read_states(const ConnectionHandle& connection);

/// One domain's; `not_found` when it is gone.
[[nodiscard]] Result<DomainState> read_state(const ConnectionHandle& connection,
                                             const VmUuid& uuid);

/// What changes rarely about a domain. Parts that could not be read are absent.
struct DomainCard {
  bool persistent = true;
  std::optional<bool> autostart;
  std::optional<bool> managed_save;
  std::optional<DomainDefinition> defined;  ///< The persistent definition.
  std::optional<DomainDefinition> live;     ///< What is there now; absent while off.
  bool definition_known = false;            ///< Every XML that exists was read.

  friend bool operator==(const DomainCard&, const DomainCard&) = default;
};

/// Reads the card; doesn't wait for QEMU.
[[nodiscard]] DomainCard read_card(virDomainPtr domain, bool active);

/// What virDomainGetControlInfo says of an active domain. It never waits for QEMU.
struct MonitorFacts {
  std::optional<std::chrono::milliseconds> blocked;  ///< Zero: it answers.
  std::optional<bool> job_active;                    ///< Only ever true: false can't be seen here.

  friend bool operator==(const MonitorFacts&, const MonitorFacts&) = default;
};
[[nodiscard]] MonitorFacts read_monitor(virDomainPtr domain);

/// Whether a migration, backup, save or dump is on. May wait for QEMU, 30 s at most.
[[nodiscard]] std::optional<bool> read_job(virDomainPtr domain);

/// The names of the active libvirt networks; absent when they can't be listed.
[[nodiscard]] std::optional<std::set<std::string>> read_active_networks(
    const ConnectionHandle& connection);

/// Where a storage pool's volume is: a path, or a network source; unchanged when not to be found.
/// May wait for the pool.
[[nodiscard]] DiskSource resolve_volume(const ConnectionHandle& connection, DiskSource source);

/// False when the connection is dead, so that whatever failed, failed for that.
[[nodiscard]] bool is_alive(const ConnectionHandle& connection);

}  // namespace upkeep
