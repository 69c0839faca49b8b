#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
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
  void mirror(simulation::Guest& guest, NodeIndex home, NodeIndex mirror, std::size_t number);
  void share(simulation::Guest& guest, NodeIndex home);
  void listen();
  void run_for(Duration time);
  void run_until_well();
  void happen();
  void happen_to_a_guest();
  void happen_to_a_node();
  void happen_to_a_source();
  void happen_to_a_link();
  void happen_to_shared();
  void happen_to_words();
  void reload(SimulatedNode& node, const VmName& vm);
  void pause_something();
  void end_pauses(SimulatedNode& node, const Standings& standings);
  void resume(SimulatedNode& node, const std::optional<Target>& target);
  void crash(SimulatedNode& node, const VmUuid& vm);
  void stop(SimulatedNode& node, const VmUuid& vm);
  void start_somewhere(const VmUuid& vm);
  void move(SimulatedNode& from, const VmUuid& vm);
  [[nodiscard]] bool start_by_hand(SimulatedNode& node, const VmUuid& vm);
  // On shared storage.
  struct Migration {
    VmUuid vm;
    NodeIndex from = 0, to = 0;
    Tick ends{};
  };
  void begin_migration(const VmUuid& vm);
  void finish_migrations(bool all);
  void finish(const Migration& one, bool well);
  void arrive(const Migration& one, simulation::Guest guest);
  void end_migration_of(const VmUuid& vm);
  void start_elsewhere(const VmUuid& vm);
  void define_at(SimulatedNode& node, const VmUuid& vm);
  void mark(SimulatedNode& node, const VmUuid& vm, Keep keep);
  void isolate(NodeIndex node);
  void lose_inventory(const VmUuid& vm);
  void declare_dead();
  void lie();
  void heal_shared();
  void take_marks_back();
  void mend_shared();
  [[nodiscard]] simulation::Travel travel();
  [[nodiscard]] bool hear_each_other(NodeIndex one, NodeIndex other) const;

  void lose_power(SimulatedNode& node);
  void kill(SimulatedNode& node);
  void heal();
  void mend();
  void mend_disks();
  [[nodiscard]] Result<Duration> obstruct(SimulatedNode& node, const simulation::Order& order);
  [[nodiscard]] simulation::Reply answer(NodeIndex asks, NodeIndex asked);
  void tell(const std::string& what);
  [[nodiscard]] SimulatedNode& any_node();
  /// Lets libvirt's events of it get lost, sometimes.
  void unheard(SimulatedNode& node, const std::function<void()>& what);

  simulation::Random random_;
  /// Of what came later to the stories, so that the others stay as they were.
  simulation::Random side_;
  bool shares_ = false;   ///< Some VMs lie on shared storage.
  bool is_told_ = false;  ///< Persons mark VMs, and change the configuration.
  bool faults_ = true;
  std::size_t obstructed_ = 0;  ///< Of a hundred orders.
  std::unique_ptr<simulation::Cluster> cluster_;
  std::unique_ptr<ClusterBooks> books_;
  std::vector<std::unique_ptr<BookRecorder>> recorders_;
  std::map<std::pair<NodeIndex, NodeIndex>, int> peer_moods_;
  std::map<NodeIndex, int> dies_after_;  ///< So many writes of the journal.
  std::vector<VmUuid> vms_, shared_vms_;
  std::set<NodeIndex> isolated_;  ///< Nobody hears them.
  std::vector<Migration> migrations_;
  std::vector<std::shared_ptr<const Policy>> policies_;  ///< By node; what it began with.
  std::set<MarkBook::Spot> settled_;                     ///< Marks that are to stay.
  std::vector<std::string> trace_;
};

}  // namespace upkeep::test
