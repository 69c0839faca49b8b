#pragma once

#include <cstddef>
#include <optional>

#include "remediation/action.h"
#include "remediation/decision.h"
#include "remediation/world.h"

namespace upkeep {

// DESIGN §6 gate 12: what a node may do in an hour, whatever it sees.

inline constexpr Duration kBudgetHour = std::chrono::hours(1);

/// False for bringing up a DRBD resource: that is done once in a boot, has tries of its own, and
/// disturbs nobody. A node with thirty of them and no VM to start would else be up by half.
[[nodiscard]] bool counts_against_budget(const Action& action);

/// How much of the hour's budget is used: an action is one, and so is a whole recovery.
[[nodiscard]] std::size_t spent_of(const Budget& budget, Tick now);

/// The budget without what is older than an hour.
[[nodiscard]] Budget after_look(Budget budget, Tick now);

/// The budget of one plan.
class BudgetGate {
 public:
  explicit BudgetGate(const World& world);

  [[nodiscard]] std::optional<Held> hold_for(const Action& action) const;
  /// The action was chosen.
  void take(const Action& action);

 private:
  const World& world_;
  std::size_t spent_ = 0;
  bool free_ = false;  ///< A recovery is open and has had its one: everything belongs to it.
};

}  // namespace upkeep
