#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "simulation/replication.h"
#include "simulation/simulated_node.h"

namespace upkeep::simulation {

struct ClusterOptions {
  std::vector<NodeOptions> nodes;
  std::string drbd_version = "9.2.18";
  Duration resync = std::chrono::seconds(5);       ///< Of one resource after a crash.
  Duration peers_every = std::chrono::seconds(5);  ///< How often nodes ask each other.
};

/// Nodes that share DRBD and a network, in simulated time: from one thing that happens to the next.
class Cluster {
 public:
  explicit Cluster(ClusterOptions options);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// What a node hears when it asks another one: its facts, or an error. Empty: the truth while
  /// that one's daemon runs.
  std::function<Result<PeerFacts>(NodeIndex asks, NodeIndex asked)> on_question;
  /// Hears of each step of a node's loop.
  std::function<void(SimulatedNode&)> on_step;

  void run_until(Tick end);
  void run_for(Duration time) { run_until(now_ + time); }

  [[nodiscard]] Tick now() const { return now_; }
  [[nodiscard]] std::vector<std::unique_ptr<SimulatedNode>>& nodes() { return nodes_; }
  [[nodiscard]] SimulatedNode& node(NodeIndex index) { return *nodes_.at(index); }
  [[nodiscard]] Replication& replication() { return replication_; }

 private:
  void ask_around();
  [[nodiscard]] Result<PeerFacts> ask(NodeIndex asks, NodeIndex asked) const;
  [[nodiscard]] Tick next() const;

  ClusterOptions options_;
  Tick now_;
  Replication replication_;
  std::vector<std::unique_ptr<SimulatedNode>> nodes_;
  Tick next_question_;
};

}  // namespace upkeep::simulation
