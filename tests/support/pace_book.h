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

namespace upkeep::test {

/// What each node of a simulated cluster began and when, and whether that was too much at once, too
/// soon or too often (DESIGN §6, gates 7, 8, 10, 11 and 12).
class PaceBook {
 public:
  using Node = simulation::SimulatedNode;
  using Wrong = std::function<void(const Node&, const std::string&)>;

  /// How often what happened, by its name; outlives the book, as the marks do.
  using Counts = std::map<std::string, int>;

  PaceBook(const simulation::Cluster& cluster, Counts& counts, const MarkBook& marks, Wrong wrong)
      : cluster_(cluster), counts_(counts), marks_(marks), wrong_(std::move(wrong)) {}

  void begun(const Node& node, const Ticket& ticket);
  void ended(const Node& node, const Completed& completed);
  void recovery_opened(Node& node, const Recovery& recovery);
  void judge_step(const Node& node);

  // What clears the slate.
  void started_by_hand(const VmUuid& vm);
  void released(simulation::NodeIndex node, const Target& target) { tried_[{node, target}] = {}; }
  void clock_stepped(simulation::NodeIndex node) { stepped_.insert(node); }
  void lost_daemon(simulation::NodeIndex node);
  void lost_power(simulation::NodeIndex node);

 private:
  struct Tried {
    std::vector<Tick> attempts;
    std::optional<Tick> up_since;
    /// When storage, a network or a peer was last said to keep it from its start.
    std::optional<Tick> blocked;
  };
  struct Spent {
    Tick at{};
    std::optional<std::int64_t> recovery;
  };
  struct Flight {
    std::int64_t id = 0;
    Tick begun{};
    bool overdue = false;
  };
  /// A node's number of slots at its last step, and before its strain.
  struct Slots {
    double last = 0;
    double before = 0;
    std::optional<Tick> strained;
  };
  using Spot = std::pair<simulation::NodeIndex, Target>;

  void judge_gaps(const Node& node, const Ticket& ticket);
  void judge_budget(const Node& node, const Ticket& ticket);
  void judge_slots(const Node& node, const Ticket& ticket);
  void judge_order(const Node& node, const Ticket& ticket);
  void judge_number(const Node& node);
  void note_blocked(const Node& node);
  void judge_strain(const Node& node, const Pressure& pressure, Slots& slots, double now);
  void forget_tries(simulation::NodeIndex node);
  /// Its start is under way: begun, in time, and the guest isn't at work yet.
  [[nodiscard]] bool is_starting(const Node& node, const simulation::Guest& guest,
                                 const Policy& policy) const;
  /// A person has it left alone, or may have: nobody waits for it.
  [[nodiscard]] bool is_let_go(const Node& node, const simulation::Guest& guest,
                               const Policy& policy) const;
  /// It only runs as far as anybody knows, was started a moment ago, and the disks are strained.
  [[nodiscard]] bool reads_still(const Node& node, const simulation::Guest& guest,
                                 const Policy& policy) const;

  const simulation::Cluster& cluster_;
  Counts& counts_;
  const MarkBook& marks_;
  Wrong wrong_;
  std::map<Spot, Flight> in_flight_;
  std::map<Spot, Tried> tried_;
  /// By the journal's id.
  std::map<simulation::NodeIndex, std::map<std::int64_t, Spent>> spent_;
  std::map<simulation::NodeIndex, Slots> slots_;
  std::set<simulation::NodeIndex> stepped_;  ///< Their clocks, since their daemons started.
};

}  // namespace upkeep::test
