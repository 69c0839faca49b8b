#include "remediation/gates/budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "remediation/plan.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_vm;
using test::TestWorld;
using test::vm_target;

TestWorld down(int count) {
  TestWorld world;
  world.policy.pacing.slots = 100;
  for (int i = 1; i <= count; ++i) {
    const std::string name = "web" + std::to_string(i);
    world.with(a_vm(name).off(VmReason::crashed)).wanted(name, StopCause::crashed);
    world.confirmed("vm_down", vm_target(name));
  }
  return world;
}

void spend(TestWorld& world, int count, Duration ago, std::optional<std::int64_t> recovery = {}) {
  const auto first = static_cast<std::int64_t>(world.history.budget.spent.size());
  for (std::int64_t i = 0; i < count; ++i) {
    world.history.budget.spent[first + i] = {.begun = world.now - ago, .recovery = recovery};
  }
}

std::size_t acts(const TestWorld& world) {
  const Plan planned = plan(world.view());
  return static_cast<std::size_t>(
      std::ranges::count_if(planned.decisions, [](const Decision& one) { return !hold_of(one); }));
}

TEST(BudgetOfTheHour, EndsWhatOnePlanMayDo) {
  const TestWorld world = down(25);
  EXPECT_EQ(acts(world), 20U);
}

TEST(BudgetOfTheHour, CountsWhatWasDoneBefore) {
  TestWorld world = down(5);
  spend(world, 18, 59min);
  EXPECT_EQ(acts(world), 2U);
  const Plan planned = plan(world.view());
  const auto held = std::ranges::find_if(
      planned.decisions, [](const Decision& one) { return hold_of(one) == Hold::budget_spent; });
  ASSERT_NE(held, planned.decisions.end());
  EXPECT_EQ(std::get<Held>(held->verdict).retry_at, world.now + 1min);
}

TEST(BudgetOfTheHour, ForgetsAfterAnHour) {
  TestWorld world = down(5);
  spend(world, 20, 60min);
  EXPECT_EQ(acts(world), 5U);
  EXPECT_TRUE(after_look(world.history.budget, world.now).spent.empty());
}

TEST(BudgetOfTheHour, ARecoveryCountsOnce) {
  TestWorld world = down(62);
  spend(world, 19, 10min);
  spend(world, 40, 1min, 3);
  EXPECT_EQ(spent_of(world.history.budget, world.now), 20U);
  EXPECT_EQ(acts(world), 0U);
  world.history.recovery = 3;
  EXPECT_EQ(acts(world), 62U);
}

TEST(BudgetOfTheHour, BringingUpDrbdIsNotCounted) {
  TestWorld world = down(1);
  spend(world, 20, 10min);
  for (std::uint32_t i = 0; i < 30; ++i) {
    const std::string name = "r" + std::to_string(i);
    world.with(test::a_resource(name, i).down());
    world.confirmed("drbd_down", test::resource_target(name));
  }
  const Plan planned = plan(world.view());
  // Two at a time: the others wait for their turn, none for the budget.
  for (const Decision& one : planned.decisions) {
    EXPECT_EQ(hold_of(one) == Hold::budget_spent, one.finding.rule == "vm_down");
  }
  EXPECT_GT(acts(world), 0U);
}

TEST(BudgetOfTheHour, ARecoveryNeedsTheOne) {
  TestWorld world = down(62);
  world.history.recovery = 4;
  spend(world, 20, 10min);
  EXPECT_EQ(acts(world), 0U);
  world.history.budget.spent.erase(0);
  EXPECT_EQ(acts(world), 62U);
}

}  // namespace
}  // namespace upkeep
