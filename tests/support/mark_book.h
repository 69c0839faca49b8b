#pragma once

#include <map>
#include <set>
#include <utility>

#include "remediation/policy.h"
#include "simulation/cluster.h"

namespace upkeep::test {

/// What persons marked VMs on each node. A mark that was never answered, because the daemon died
/// over it, may hold or not.
class MarkBook {
 public:
  void said(simulation::NodeIndex node, const VmUuid& vm, Keep keep);
  void answered(simulation::NodeIndex node, const VmUuid& vm, Keep keep, bool yes);

  [[nodiscard]] bool may_be(simulation::NodeIndex node, const VmUuid& vm, Keep keep) const;
  [[nodiscard]] bool is_certain(simulation::NodeIndex node, const VmUuid& vm) const;
  /// Marked up once, whatever was said since.
  [[nodiscard]] bool was_up(simulation::NodeIndex node, const VmUuid& vm) const;
  /// Marked down or to be ignored, as surely as a person can know.
  [[nodiscard]] bool forbids(simulation::NodeIndex node, const VmUuid& vm) const;

  using Spot = std::pair<simulation::NodeIndex, VmUuid>;
  struct Line {
    Keep firm = Keep::automatic;  ///< The last one that was taken.
    std::multiset<Keep> open;     ///< Said since, and not answered.
    bool was_up = false;
  };
  [[nodiscard]] const std::map<Spot, Line>& lines() const { return lines_; }

 private:
  std::map<Spot, Line> lines_;
};

}  // namespace upkeep::test
