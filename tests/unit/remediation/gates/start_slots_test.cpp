#include "remediation/gates/start_slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "remediation/plan.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::TestWorld;
using test::vm_target;

/// `count` VMs that a boot took down, on a node with two cores.
TestWorld after_boot(int count) {
  TestWorld world;
  world.snapshot.node.reading->cores = 2;
  world.policy.actions_per_hour = 1000;
  for (int i = 1; i <= count; ++i) {
    const std::string name = "web" + std::to_string(i);
    world.with(a_vm(name).off(VmReason::unknown)).wanted(name, StopCause::node_down);
    world.confirmed("vm_down", vm_target(name));
  }
  return world;
}

std::size_t starts(const TestWorld& world) {
  const Plan planned = plan(world.view());
  return static_cast<std::size_t>(
      std::ranges::count_if(planned.decisions, [](const Decision& one) { return !hold_of(one); }));
}

void starting(TestWorld& world, const std::string& name, Duration ago) {
  world.tried(vm_target(name)).in_flight = 1;
  world.tried(vm_target(name)).attempts = {world.now - ago};
}

TEST(StartSlots, AsManyStartAsThereAreSlots) {
  TestWorld world = after_boot(9);
  EXPECT_EQ(starts(world), 4U);
  world.policy.pacing.slots = 6;
  EXPECT_EQ(starts(world), 6U);
}

TEST(StartSlots, NeverLessThanCores) {
  TestWorld world = after_boot(9);
  world.policy.pacing.slots = 1;
  world.snapshot.node.reading->cores = 8;
  EXPECT_EQ(starts(world), 8U);
}

TEST(StartSlots, AStartThatIsUnderWayHoldsItsSlotForAMinute) {
  TestWorld world = after_boot(9);
  starting(world, "web1", 59s);
  EXPECT_EQ(starts(world), 3U);
  starting(world, "web1", 60s);
  EXPECT_EQ(starts(world), 4U);
}

TEST(StartSlots, AHeavyVmTakesMoreOfThem) {
  TestWorld world = after_boot(9);
  world.vm_policy({.match = "web1", .weight = 3});
  EXPECT_EQ(starts(world), 2U);
}

TEST(StartSlots, OneThatIsTooHeavyStartsAlone) {
  TestWorld world = after_boot(2);
  world.vm_policy({.match = "web1", .weight = 99});
  EXPECT_EQ(starts(world), 1U);
  starting(world, "web2", 1s);
  EXPECT_EQ(starts(world), 0U);
}

TEST(StartSlots, AVmWithACheckHoldsItsSlotUntilItPassed) {
  TestWorld world = after_boot(9);
  world.vm_policy({.match = "web1", .health = {.kind = HealthCheck::Kind::agent}});
  world.with(a_vm("web1"));
  world.tried(vm_target("web1")).attempts = {world.now - 5s};
  EXPECT_EQ(starts(world), 3U);
  // Without a check, running is all there is to know.
  world.policy.vms.clear();
  EXPECT_EQ(starts(world), 4U);
}

TEST(StartSlots, UnderStrainAVmWithoutACheckHoldsItUntilThePressureShows) {
  TestWorld world = after_boot(9);
  world.with(a_vm("web1"));
  world.tried(vm_target("web1")).attempts = {world.now - 5s};
  world.snapshot.node.reading->pressure.io_full = 0.9;
  EXPECT_EQ(starts(world), 3U);
  world.tried(vm_target("web1")).attempts = {world.now - 11s};
  EXPECT_EQ(starts(world), 4U);
}

// The control law.

/// A node that is looked at every two seconds, whose pressure is a function of what starts there.
template <class Pressure>
double slots_after(Duration time, Pressure pressure, TestWorld world) {
  for (Duration at{}; at < time; at += 2s) {
    world.later(2s);
    const double slots = std::max(world.history.pace.slots, 1.0);
    world.snapshot.node.reading->pressure.io_full = pressure(slots);
    // All slots are taken.
    world.history.targets.clear();
    for (int i = 1; i <= static_cast<int>(slots); ++i) {
      starting(world, "web" + std::to_string(i), 5s);
    }
    world.history.pace = after_look(world.history.pace, world.view());
  }
  return world.history.pace.slots;
}

TEST(StartPace, GrowsWhileTheNodeIsCalm) {
  EXPECT_GE(slots_after(60s, [](double) { return 0.0; }, after_boot(64)), 30);
}

TEST(StartPace, NeverGrowsPastItsLimit) {
  EXPECT_EQ(slots_after(900s, [](double) { return 0.0; }, after_boot(99)), 64);
}

TEST(StartPace, SettlesWhereThePressureMeetsItsTarget) {
  // Disks that bear ten starts: at ten the pressure is the target.
  const auto disks = [](double starts) { return 0.04 * starts; };
  const double settled = slots_after(300s, disks, after_boot(64));
  EXPECT_GE(settled, 7);
  EXPECT_LE(settled, 11);
  // And stays there.
  EXPECT_NEAR(slots_after(600s, disks, after_boot(64)), settled, 2);
}

/// What docs/decisions/0005-start-slots.md shows: disks on which each start costs 4 % of the time,
/// the pressure averaged over the last ten seconds as the kernel does it, a look each five.
TEST(StartPace, TakesTheWayThatTheDocumentationShows) {
  TestWorld world = after_boot(64);
  world.policy.pacing.slots = 16;
  double pressure = 0;
  std::vector<int> slots;
  for (int second = 1; second <= 90; ++second) {
    const double all = world.history.pace.slots < 1 ? 16 : std::floor(world.history.pace.slots);
    // PSI's avg10, updated each two seconds: kernel/sched/psi.c, EXP_10s.
    if (second % 2 == 0) pressure += (std::min(1.0, 0.04 * all) - pressure) * (1 - std::exp(-0.2));
    if (second % 5 != 0) continue;
    world.later(5s);
    world.snapshot.node.reading->pressure.io_full = pressure;
    world.history.targets.clear();
    for (int i = 1; i <= static_cast<int>(all); ++i) starting(world, "web" + std::to_string(i), 5s);
    world.history.pace = after_look(world.history.pace, world.view());
    slots.push_back(static_cast<int>(world.history.pace.slots));
  }
  EXPECT_THAT(slots,
              ::testing::ElementsAre(17, 12, 9, 7, 7, 7, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9));
}

TEST(StartPace, ShrinksToTheCoresAndNoFurther) {
  EXPECT_EQ(slots_after(120s, [](double) { return 1.0; }, after_boot(64)), 2);
}

TEST(StartPace, DoesNotGrowDuringAResync) {
  TestWorld world = after_boot(64);
  world.with(a_resource("r0", 0).peer_disk(DrbdDisk::up_to_date, DrbdReplication::sync_target));
  EXPECT_EQ(slots_after(60s, [](double) { return 0.0; }, world), 4);
}

TEST(StartPace, WithoutAReadingOfTheNodeNothingChanges) {
  TestWorld world = after_boot(9);
  world.history.pace.slots = 9;
  world.snapshot.node.reading = fail(Errc::unavailable, "gone");
  EXPECT_EQ(after_look(world.history.pace, world.view()).slots, 9);
}

}  // namespace
}  // namespace upkeep
