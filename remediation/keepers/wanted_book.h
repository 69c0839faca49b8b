#pragma once

#include "remediation/history.h"
#include "remediation/step.h"

namespace upkeep {

/// Keeps the list of VMs that this node tells its peers it wants (`wanted_vms` of /api/v1/node),
/// and since when each is on it. A VM on shared storage is started only on answers to questions
/// that were asked after that: of two nodes that want it, at least one then hears of the other.
/// Owned by the loop's thread.
class WantedBook {
 public:
  explicit WantedBook(History& history) : history_(history) {}

  /// Lists anew what is wanted, or being started; while the VMs can't be seen the list stays. While
  /// libvirt lists no VM at all, it is of those that the ledger wants here and has not seen leave.
  /// What came to it counts as told only from `told` on.
  void look(const Step& step);
  /// Whoever asks from now on hears the list of the last look.
  void told(Tick now);
  /// A VM that is off has come to the list at the last look: its start waits for the peers.
  [[nodiscard]] bool start_waits() const { return start_waits_; }

 private:
  History& history_;
  bool start_waits_ = false;
};

}  // namespace upkeep
