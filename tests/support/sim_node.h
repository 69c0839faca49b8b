#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "remediation/plan.h"
#include "tests/support/random.h"
#include "tests/support/world.h"

namespace upkeep::test {

/// A node in simulated time: guests that crash and are stopped on purpose, DRBD links that break, a
/// peer that takes guests over, sources that go silent, power cuts. It carries out what the planner
/// decides, with random outcomes, and keeps its own books of what is true, so that it can say when
/// the planner did wrong.
class SimNode {
 public:
  explicit SimNode(std::uint64_t seed);

  /// Lets `by` pass with random faults, or with everything in order.
  void step(Duration by, bool faults);

  /// Everything that was done wrong so far.
  [[nodiscard]] const std::vector<std::string>& wrongs() const { return wrongs_; }
  /// Guests that should run here by the books and don't.
  [[nodiscard]] std::vector<std::string> still_down() const;
  /// How often each thing happened: "start", "bring_up", "power_cut", "takeover", a hold's name.
  [[nodiscard]] const std::map<std::string, int>& counts() const { return counts_; }
  [[nodiscard]] const TestWorld& world() const { return world_; }

 private:
  struct Guest {
    bool up = true;
    bool wanted = true;  ///< Here, by who started, stopped or moved it last.
    bool elsewhere = false;
    bool startable = true;  ///< A start works.
    VmReason reason = VmReason::booted;
    std::optional<std::uint32_t> minor;
    std::optional<std::pair<VmState, VmReason>> seen;  ///< By the last look, no event since.
    bool crash_told = false;
    bool known_up = true;  ///< An event told of its start, or two looks showed it.
    std::optional<Tick> up_since;
    int looks_elsewhere = 0;  ///< Looks in a row that showed it off here and Primary there.
  };
  struct Link {
    bool in_kernel = true;
    bool connected = true;
    bool primary = false;
    bool peer_primary = false;
    bool alone = false;  ///< This side wrote while no peer was there, and none has been since.
  };
  struct Flight {
    Finding finding;
    Action action;
    History chosen_with;  ///< What the last look before acting knows.
    Tick ends{};
    bool overdue = false;
  };

  // What happens in the world (sim_world.cpp).
  void happen();
  void happen_to(const std::string& name);
  void stop(const std::string& name, VmReason reason, std::vector<VmEventKind> events);
  void start_by_hand(const std::string& name);
  void forget_unseen_start(const std::string& name);
  void went_up(const std::string& name);
  void take_over(const std::string& name);
  void give_back(const std::string& name);
  void cut_or_mend(std::uint32_t minor);
  void connect(std::uint32_t minor);
  void power_cut();
  void heal();
  void keep_link_books();
  Outcome carry_out(const Flight& flight);
  std::optional<Outcome> last_look(const Flight& flight);
  Outcome start(const StartVm& start);
  Outcome bring_up(const BringUpResource& bring_up);
  Link* link_of(const Guest& guest);

  // What upkeep sees, remembers and does (sim_node.cpp).
  void tell(const std::string& name, VmEventKind kind);
  void read_vms();
  void read_drbd();
  void read_sources();
  void observe();
  void remember_health();
  void watch_problems();
  void finish_actions();
  void decide();
  void begin(const Finding& finding, const Action& action);
  void check_pace(const Target& target);
  [[nodiscard]] IntentContext context_of(const std::string& name) const;
  void wrong(std::string what) { wrongs_.push_back(std::move(what)); }

  Random random_;
  bool version_84_;
  bool faults_ = true;
  TestWorld world_;
  std::map<std::string, Guest> guests_;
  std::map<std::uint32_t, Link> links_;
  std::map<Target, Flight> flights_;
  std::map<Target, std::vector<Tick>> books_;  ///< Attempts that cost, since it was last stable.
  std::map<std::string, int> counts_;
  std::vector<std::string> wrongs_;
  std::int64_t next_id_ = 1;
  int boots_ = 1;
};

}  // namespace upkeep::test
