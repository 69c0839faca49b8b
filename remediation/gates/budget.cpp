#include "remediation/gates/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace upkeep {

bool counts_against_budget(const Action& action) {
  return !std::holds_alternative<BringUpResource>(action);
}

std::size_t spent_of(const Budget& budget, Tick now) {
  std::size_t spent = 0;
  std::set<std::int64_t> recoveries;
  for (const auto& [id, entry] : budget.spent) {
    if (now - entry.begun >= kBudgetHour) continue;
    if (!entry.recovery || recoveries.insert(*entry.recovery).second) ++spent;
  }
  return spent;
}

Budget after_look(Budget budget, Tick now) {
  std::erase_if(budget.spent,
                [&](const auto& one) { return now - one.second.begun >= kBudgetHour; });
  return budget;
}

BudgetGate::BudgetGate(const World& world)
    : world_(world), spent_(spent_of(world.history.budget, world.now)) {
  const auto& recovery = world.history.recovery;
  free_ = recovery && std::ranges::any_of(world.history.budget.spent, [&](const auto& one) {
            return one.second.recovery == recovery && world.now - one.second.begun < kBudgetHour;
          });
}

std::optional<Held> BudgetGate::hold_for(const Action& action) const {
  if (!counts_against_budget(action)) return std::nullopt;
  const auto allowed = static_cast<std::size_t>(world_.policy.actions_per_hour);
  if (free_ || spent_ < allowed) return std::nullopt;
  Held held = hold(Hold::budget_spent, fmt::format("{} actions", allowed));
  for (const auto& [id, entry] : world_.history.budget.spent) {
    const Tick freed = entry.begun + kBudgetHour;
    if (freed > world_.now) held.retry_at = std::min(held.retry_at.value_or(freed), freed);
  }
  return held;
}

void BudgetGate::take(const Action& action) {
  if (!counts_against_budget(action)) return;
  if (!free_) ++spent_;
  free_ = free_ || world_.history.recovery.has_value();
}

}  // namespace upkeep
