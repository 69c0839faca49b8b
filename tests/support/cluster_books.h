#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "simulation/cluster.h"
#include "tests/support/mark_book.h"
#include "tests/support/pace_book.h"
#include "tests/support/pause_book.h"
#include "tests/support/shared_book.h"

namespace upkeep::test {

using simulation::NodeIndex;
using simulation::SimulatedNode;

/// What is true in a simulated cluster, kept by who makes it so, and everything that upkeep did
/// against it. It knows what a node had the chance to see: what nobody could know isn't wrong.
class ClusterBooks {
 public:
  /// Writes a line of the trace.
  using Tell = std::function<void(const std::string&)>;

  ClusterBooks(simulation::Cluster& cluster, Tell tell);

  // What persons do.
  void started(const VmUuid& vm, NodeIndex node);
  /// It begins to come to the node, which may not last.
  void comes(const VmUuid& vm, NodeIndex node);
  void stopped(const VmUuid& vm, VmReason how, std::optional<NodeIndex> ran_on = std::nullopt);
  void released(NodeIndex node, const Target& target) { pace_.released(node, target); }
  void taken_down(NodeIndex node, const ResourceName& resource);
  void marks(NodeIndex node, const VmUuid& vm, Keep keep);
  // What happens to VMs and nodes.
  void crashed(const VmUuid& vm);
  void lost_power(NodeIndex node);
  void lost_daemon(NodeIndex node);
  void clock_stepped(NodeIndex node);

  /// Right before an order's effect.
  void judge_order(SimulatedNode& node, const simulation::Order& order);
  /// After a step of a node's loop.
  void judge_step(SimulatedNode& node);
  void begun(SimulatedNode& node, const Ticket& ticket);
  void ended(SimulatedNode& node, const Completed& completed);
  void recovery_opened(SimulatedNode& node, const Recovery& recovery);
  /// After everything has been in order for long.
  void judge_end();
  [[nodiscard]] bool is_well() const { return complaints().empty(); }

  [[nodiscard]] const std::vector<std::string>& wrongs() const { return wrongs_; }
  [[nodiscard]] bool is_wanted(const VmUuid& vm) const { return lines_.at(vm).wanted; }
  [[nodiscard]] NodeIndex home(const VmUuid& vm) const { return lines_.at(vm).home; }
  /// Where it runs, if it does.
  [[nodiscard]] std::optional<NodeIndex> place_of(const VmUuid& vm) const;
  /// What persons told upkeep to leave alone.
  [[nodiscard]] PauseBook& pauses() { return pauses_; }
  [[nodiscard]] MarkBook& marks() { return marks_; }
  [[nodiscard]] SharedBook& shared() { return shared_; }
  [[nodiscard]] std::map<std::string, int>& counts() { return counts_; }

 private:
  struct Line {
    NodeIndex home = 0;
    bool wanted = true;
    /// What happened last was gone before its home could know of it, or its home was lied to.
    bool muddled = false;
    std::map<NodeIndex, Tick> sees_since;  ///< Nodes that see how it stands, and since when.
    std::set<NodeIndex> known;
    bool shared = false;
    std::set<NodeIndex> left;  ///< Nodes that know that it went elsewhere.
    bool twice = false;        ///< It ran on two nodes: what a person does to one says little.
    std::optional<NodeIndex> by_mark;  ///< Where a mark has it started, until it runs there.
  };
  struct Complaint {
    const SimulatedNode* node = nullptr;
    std::string what;
  };

  void changed(Line& line);
  [[nodiscard]] static bool is_down_in(const SimulatedNode& node, const VmUuid& vm);
  /// What the node makes of it, for whoever reads the trace.
  [[nodiscard]] static std::string thought_of(const SimulatedNode& node, const VmUuid& vm);
  static void lost_sight(Line& line);
  /// Died in the middle of dropping the VM's dead guest and starting it, or after it had dropped it
  /// and could not start it, and isn't back.
  [[nodiscard]] static bool died_dropping(SimulatedNode& node, const VmUuid& vm);
  /// What is not as it should be in the end.
  [[nodiscard]] std::vector<Complaint> complaints() const;
  void judge_configuration(SimulatedNode& node, const simulation::Order& order);
  void judge_mark(SimulatedNode& node, const simulation::Order& order);
  void judge_start(SimulatedNode& node, const VmUuid& vm);
  void take_marked_starts(const SimulatedNode& node);
  void judge_wish(SimulatedNode& node, const VmUuid& vm);
  void judge_disk(SimulatedNode& node, const simulation::Guest& guest);
  void judge_blindness(SimulatedNode& node);
  void look_at_sight(SimulatedNode& node);
  [[nodiscard]] static Duration time_to_know(const Line& line, NodeIndex node);
  void look_at_lies(const SimulatedNode& node);
  [[nodiscard]] bool sees(const SimulatedNode& node, const VmUuid& vm, const Line& line) const;
  void wrong(const SimulatedNode& node, const std::string& what);

  simulation::Cluster& cluster_;
  Tell tell_;
  std::map<VmUuid, Line> lines_;
  std::map<std::string, int> counts_;
  MarkBook marks_;
  PaceBook pace_;
  PauseBook pauses_;
  SharedBook shared_;
  std::set<std::pair<NodeIndex, ResourceName>> seen_up_, taken_down_;
  std::vector<std::string> wrongs_;
};

}  // namespace upkeep::test
