#pragma once

#include <functional>
#include <memory>
#include <optional>
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

/// What becomes of a question.
struct Reply {
  Result<PeerFacts> facts;
  bool heard = false;  ///< The host of the one that was asked made or refused the connection.
};

/// From a question to its answer, and until that arrives.
struct Travel {
  Duration there{}, back{};
};

/// Nodes that share DRBD and a network, in simulated time: from one thing that happens to the next.
class Cluster {
 public:
  explicit Cluster(ClusterOptions options);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// What a node hears when it asks another one. Empty: the truth.
  std::function<Reply(NodeIndex asks, NodeIndex asked)> on_question;
  /// How long a question and its answer are under way. Empty: no time at all.
  std::function<Travel(NodeIndex asks, NodeIndex asked)> on_travel;
  /// Hears of each step of a node's loop.
  std::function<void(SimulatedNode&)> on_step;

  void run_until(Tick end);
  void run_for(Duration time) { run_until(now_ + time); }

  [[nodiscard]] Tick now() const { return now_; }
  [[nodiscard]] std::vector<std::unique_ptr<SimulatedNode>>& nodes() { return nodes_; }
  [[nodiscard]] const std::vector<std::unique_ptr<SimulatedNode>>& nodes() const { return nodes_; }
  [[nodiscard]] SimulatedNode& node(NodeIndex index) { return *nodes_.at(index); }
  [[nodiscard]] Replication& replication() { return replication_; }

 private:
  struct Question {
    NodeIndex asks = 0, asked = 0;
    int daemon = 0;  ///< Of the one that asks.
    Tick at{};
    Travel travel = {};
    std::optional<Reply> reply = {};
  };

  void ask_around();
  [[nodiscard]] bool is_asking(const SimulatedNode& node) const;
  void ask_all(SimulatedNode& node);
  void move_questions();
  void hear(const Question& question);
  [[nodiscard]] Reply ask(NodeIndex asks, NodeIndex asked) const;
  [[nodiscard]] Tick next() const;

  ClusterOptions options_;
  Tick now_;
  Replication replication_;
  std::vector<std::unique_ptr<SimulatedNode>> nodes_;
  std::vector<Tick> next_questions_;  ///< By node.
  std::vector<Question> questions_;   ///< Under way.
};

}  // namespace upkeep::simulation
