#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simulation/cluster.h"
#include "simulation/random.h"
#include "tests/support/book_recorder.h"
#include "tests/support/cluster_books.h"

namespace upkeep::test {

/// The life of a small cluster by one seed: guests that crash, persons who start, stop and move
/// them, nodes that lose power, links that break, peers and sources that lie or fall silent, clocks
/// that step, journals that fail, daemons that are killed anywhere; then everything in order for
/// long enough that all must be well again.
class ClusterStory {
 public:
  explicit ClusterStory(std::uint64_t seed);

  void live();

  [[nodiscard]] const std::vector<std::string>& wrongs() const { return books_->wrongs(); }
  /// What happened, a line each.
  [[nodiscard]] const std::vector<std::string>& trace() const { return trace_; }
  [[nodiscard]] std::map<std::string, int>& counts() { return books_->counts(); }

 private:
  void place_guests();
  void listen();
  void run_for(Duration time);
  void run_until_well();
  void happen();
  void happen_to_a_guest();
  void happen_to_a_node();
  void happen_to_a_source();
  void happen_to_a_link();
  void pause_something();
  void end_pauses(SimulatedNode& node, const Standings& standings);
  void resume(SimulatedNode& node, const std::optional<Target>& target);
  void crash(SimulatedNode& node, const VmUuid& vm);
  void stop(SimulatedNode& node, const VmUuid& vm);
  void start_somewhere(const VmUuid& vm);
  void move(SimulatedNode& from, const VmUuid& vm);
  [[nodiscard]] bool start_by_hand(SimulatedNode& node, const VmUuid& vm);
  void lose_power(SimulatedNode& node);
  void kill(SimulatedNode& node);
  void heal();
  void mend();
  void mend_disks();
  [[nodiscard]] Result<Duration> obstruct(SimulatedNode& node, const simulation::Order& order);
  [[nodiscard]] Result<PeerFacts> answer(NodeIndex asks, NodeIndex asked);
  void tell(const std::string& what);
  [[nodiscard]] SimulatedNode& any_node();
  /// Lets libvirt's events of it get lost, sometimes.
  void unheard(SimulatedNode& node, const std::function<void()>& what);

  simulation::Random random_;
  bool faults_ = true;
  std::size_t obstructed_ = 0;  ///< Of a hundred orders.
  std::unique_ptr<simulation::Cluster> cluster_;
  std::unique_ptr<ClusterBooks> books_;
  std::vector<std::unique_ptr<BookRecorder>> recorders_;
  std::map<std::pair<NodeIndex, NodeIndex>, int> peer_moods_;
  std::map<NodeIndex, int> dies_after_;  ///< So many writes of the journal.
  std::vector<VmUuid> vms_;
  std::vector<std::string> trace_;
};

}  // namespace upkeep::test
