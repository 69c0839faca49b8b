#pragma once

#include <string>

#include "simulation/silent_recorder.h"
#include "tests/support/cluster_books.h"

namespace upkeep::test {

/// Hears of a node's decisions and actions for the books.
class BookRecorder final : public simulation::SilentRecorder {
 public:
  BookRecorder(ClusterBooks& books, SimulatedNode& node) : books_(books), node_(node) {}

  void decided(const Decision& decision, const Decision* /*previous*/) override {
    if (const auto hold = hold_of(decision)) ++books_.counts()[std::string(to_string(*hold))];
  }
  void action_begun(const Ticket& ticket, int /*attempt*/) override { books_.begun(node_, ticket); }
  void action_ended(const Completed& completed, bool /*latched_now*/) override {
    books_.ended(node_, completed);
  }
  void recovery_opened(const Recovery& recovery) override {
    books_.recovery_opened(node_, recovery);
  }

 private:
  ClusterBooks& books_;
  SimulatedNode& node_;
};

}  // namespace upkeep::test
