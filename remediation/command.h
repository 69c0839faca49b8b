#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "remediation/action.h"
#include "remediation/alerts/alert.h"
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
/// Nothing is to be done about a VM, a resource, or anything on the node; `take_back` ends that.
struct PauseTarget {
  std::optional<Target> target;               ///< Absent: the node.
  std::optional<std::chrono::seconds> lasts;  ///< Absent: until it is taken back.
  std::string by;
  std::string reason;
  bool take_back = false;
};
/// Nothing is to be done until the node boots again; `take_back` ends that.
struct MaintainNode {
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
using Command = std::variant<MarkVm, ReleaseTarget, AllowDegraded, DeclareDead, PauseTarget,
                             MaintainNode, ResolveResource, TakeAlerts>;

}  // namespace upkeep
