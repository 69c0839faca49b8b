#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "simulation/cluster.h"

namespace upkeep::test {

/// Who may start a VM that lies on shared storage: what each node was told by the others, what
/// persons said of them, and who lied. Nothing but these words keeps it from running twice.
class SharedBook {
 public:
  using Node = simulation::SimulatedNode;
  using NodeIndex = simulation::NodeIndex;
  using Wrong = std::function<void(const Node&, const std::string&)>;
  using Counts = std::map<std::string, int>;

  /// `counts` outlives the book.
  SharedBook(const simulation::Cluster& cluster, Counts& counts, Wrong wrong)
      : cluster_(cluster), counts_(counts), wrong_(std::move(wrong)) {}

  // What persons do.
  void by_hand(const VmUuid& vm, NodeIndex node) { by_hand_[{node, vm}] = {.at = cluster_.now()}; }
  void says_dead(NodeIndex node, NodeIndex peer);
  void takes_back(NodeIndex node, NodeIndex peer);
  /// The node's answer to the word.
  void answered(const Node& node, NodeIndex peer, bool yes);
  // What happens.
  /// One that `asked` has or wants, and told `asks` nothing of.
  void hid(NodeIndex asks, NodeIndex asked, const VmUuid& vm);
  void lost_power(NodeIndex node);
  void judge_step(const Node& node);

  /// Right before its start. False: it runs elsewhere too from now on, and nobody could know.
  [[nodiscard]] bool judge_start(const Node& node, const VmUuid& vm);

  /// A person said so, in this boot or before, and nobody has heard of it since.
  [[nodiscard]] bool is_called_dead(const Node& node, NodeIndex other) const {
    return called_dead_.contains({node.index(), other});
  }
  /// It is there, and no mere target of a migration.
  [[nodiscard]] static bool runs_on(const Node& node, const VmUuid& vm);
  /// The node was told lately, and heard it told, that the VM is active on the other one.
  [[nodiscard]] bool is_told_of(const Node& node, NodeIndex host, const VmUuid& vm) const;

 private:
  struct Daemon {
    int number = 0;
    Tick began{};
  };
  /// A person started it, or lets it come.
  struct Hand {
    Tick at{};
    std::optional<Tick> seen = {};  ///< Its host's upkeep had it on libvirt's list first.
    bool unlisted = false;          ///< That list had no VM at all since.
  };
  void look_for_hands(const Node& node);
  [[nodiscard]] const Peer* peer_of(const Node& node, NodeIndex other) const;
  [[nodiscard]] bool is_given_up(const Node& node, NodeIndex other) const;
  void judge_word(const Node& node, NodeIndex other, const VmUuid& vm) const;
  /// Empty: somebody should have known.
  [[nodiscard]] std::string excuse(const Node& node, NodeIndex other, const VmUuid& vm) const;

  const simulation::Cluster& cluster_;
  Counts& counts_;
  Wrong wrong_;
  std::map<std::pair<NodeIndex, VmUuid>, Hand> by_hand_;
  /// Said by a person, and when; in this boot of the node, and whenever.
  std::map<std::pair<NodeIndex, NodeIndex>, Tick> dead_, called_dead_;
  std::map<std::pair<NodeIndex, NodeIndex>, std::map<VmUuid, Tick>> hidden_;
  std::map<NodeIndex, Daemon> daemons_;
};

}  // namespace upkeep::test
