#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/result.h"
#include "exporter/model/snapshot.h"
#include "exporter/sources/health/health_source.h"
#include "remediation/effects.h"
#include "remediation/policy.h"

namespace upkeep {

/// The machine the daemon looks after: its sources and what can be done to it. There is a real one
/// and the demo's. Shared with executor threads, of which one that hangs may outlive the daemon.
/// Thread-safe.
class Host {
 public:
  Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host() = default;

  /// Begins reading. Whatever can't be reached now is tried again for ever: never fails.
  virtual void start() = 0;
  /// When this returns, the listener hears no more. The sources end with the object.
  virtual void fall_silent() = 0;
  /// Asks every source for a reading soon. Returns at once.
  virtual void poke() = 0;
  /// Which check each VM has, from now on; null: none has one.
  virtual void use_checks(CheckOf check_of) = 0;

  // What each source said last. Return at once.
  [[nodiscard]] virtual Observed<std::shared_ptr<const Vms>> vms() const = 0;
  [[nodiscard]] virtual Observed<std::shared_ptr<const VmStatsByName>> vm_stats() const = 0;
  [[nodiscard]] virtual Observed<std::shared_ptr<const Drbd>> drbd() const = 0;
  [[nodiscard]] virtual bool drbd_in_use() const = 0;
  [[nodiscard]] virtual Observed<Node> node() const = 0;
  [[nodiscard]] virtual std::vector<Peer> peers() const = 0;
  /// Null: no VM that runs has a check.
  [[nodiscard]] virtual std::shared_ptr<const VmHealths> health() const = 0;

  // Past every cache, for executor threads: DRBD within `deadline`, libvirt for as long as it
  // takes.
  [[nodiscard]] virtual Result<Vm> read_vm(const VmUuid& uuid) = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<const Drbd>> read_drbd(Duration deadline) = 0;

  /// See FactReader.
  [[nodiscard]] virtual std::function<void()> split_brain_settler(const ResourceName& resource) = 0;

  [[nodiscard]] virtual HypervisorControl& hypervisor() = 0;
  [[nodiscard]] virtual ReplicationControl& replication() = 0;
};

/// The checks that a policy wants; null when no VM has one, so that nobody is asked which VMs run.
[[nodiscard]] CheckOf checks_of(const std::shared_ptr<const Policy>& policy);

}  // namespace upkeep
