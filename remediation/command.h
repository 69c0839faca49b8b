#pragma once

#include <string>
#include <variant>

#include "remediation/action.h"
#include "remediation/alert.h"
#include "remediation/intent.h"

namespace upkeep {

/// An operator's command, carried out in the loop.
struct MarkVm {
  VmName vm;
  Mark mark;
};
struct ReleaseTarget {
  Target target;
  std::string by;
};
/// The VM may be started once without its DRBD peers; `take_back` ends that.
struct AllowDegraded {
  VmName vm;
  std::string by;
  std::string reason;
  bool take_back = false;
};
/// The node is dead for certain: VMs that last ran here need not wait for it.
struct DeclareDead {
  NodeName node;
  std::string by;
  std::string reason;
  bool take_back = false;
};
/// A person decided whose changes a split brain costs.
struct ResolveResource {
  ResolveSplitBrain resolve;
  std::string by;
  std::string reason;
};
/// A POST of Alertmanager's. Answered when it is on the disk; what becomes of the alerts comes
/// later.
struct TakeAlerts {
  AlertDelivery delivery;
};
using Command =
    std::variant<MarkVm, ReleaseTarget, AllowDegraded, DeclareDead, ResolveResource, TakeAlerts>;

}  // namespace upkeep
