#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "simulation/cluster.h"

namespace upkeep::test {

/// What persons told each node's upkeep to keep its hands off, from the moment it said yes.
class PauseBook {
 public:
  explicit PauseBook(const simulation::Cluster& cluster) : cluster_(cluster) {}

  void paused(simulation::NodeIndex node, const PauseTarget& pause);
  void maintained(simulation::NodeIndex node) { pauses_[{node, kMaintenance}] = {}; }
  /// A person takes it back; whatever becomes of that.
  void resumed(simulation::NodeIndex node, const std::optional<Target>& target);
  void maintenance_ends(simulation::NodeIndex node) { pauses_.erase({node, kMaintenance}); }

  void lost_power(simulation::NodeIndex node) { maintenance_ends(node); }
  void lost_daemon(simulation::NodeIndex node);
  /// The daemon that took a pause counts on; the next one knows its end by that clock only.
  void clock_stepped(const simulation::SimulatedNode& node);

  /// The pause under which the order may not be carried out, if there is one.
  [[nodiscard]] std::optional<std::string> over(const simulation::SimulatedNode& node,
                                                const simulation::Order& order) const;

 private:
  static constexpr const char* kMaintenance = "maintenance";
  using Spot = std::pair<simulation::NodeIndex, std::string>;

  void forget_ends(simulation::NodeIndex node);
  [[nodiscard]] bool in_force(simulation::NodeIndex node, const std::string& subject) const;

  const simulation::Cluster& cluster_;
  std::map<Spot, std::optional<Tick>> pauses_;  ///< Until when; absent: until it is taken back.
  std::set<simulation::NodeIndex> stepped_;     ///< Their clocks, since their daemons started.
};

}  // namespace upkeep::test
