#pragma once

#include <memory>

#include "app/daemon/host.h"
#include "exporter/model/latest.h"
#include "remediation/effects.h"

namespace upkeep {

/// Reads one target's facts again for the last look before an action: a VM and, when one of its
/// disks lies on DRBD or may do so, DRBD; for a resource DRBD. Peers and the node are as their
/// sources said last, with their age. Thread-safe; called from executor threads.
class HostFactReader final : public FactReader {
 public:
  HostFactReader(std::shared_ptr<const Clock> clock, std::shared_ptr<Host> host,
                 std::shared_ptr<const Latest<Snapshot>> snapshots);

  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> reread(const Target& target,
                                                               Duration deadline) override;
  [[nodiscard]] std::function<void()> split_brain_settler(const ResourceName& resource) override {
    return host_->split_brain_settler(resource);
  }

 private:
  [[nodiscard]] Result<void> reread_vm(Snapshot& snapshot, const VmName& name, Tick until);
  [[nodiscard]] Result<void> reread_drbd(Snapshot& snapshot, Tick until);

  // Owned: a read that hangs may outlive the daemon.
  std::shared_ptr<const Clock> clock_;
  std::shared_ptr<Host> host_;
  std::shared_ptr<const Latest<Snapshot>> snapshots_;
};

}  // namespace upkeep
