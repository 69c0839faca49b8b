#include <gtest/gtest.h>

#include "remediation/plan.h"
#include "remediation/rules/rules.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_vm;
using test::TestWorld;
using test::vm_target;

Vm blocked_for(std::optional<std::chrono::milliseconds> time, Vm vm = a_vm("web1")) {
  vm.monitor_blocked = time;
  return vm;
}

std::vector<Finding> found_in(const TestWorld& world) {
  return vm_monitor_stuck_rule().detect(world.view());
}

std::vector<Finding> found_of(const Vm& vm) { return found_in(TestWorld().with(vm)); }

TEST(VmMonitorStuck, FindsAMonitorThatHasWaitedForOverAMinuteAndLeavesItToAPerson) {
  TestWorld world;
  world.with(blocked_for(60001ms));
  const auto found = found_in(world);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].subject, vm_target("web1"));
  EXPECT_EQ(found[0].detail,
            "running (booted), and its QEMU has not answered libvirt for over a minute");
  const auto action = vm_monitor_stuck_rule().remedy(found[0], world.view());
  ASSERT_FALSE(action) << "its guest may still be working";
  EXPECT_EQ(action.error().reason, Hold::no_remedy);
  EXPECT_EQ(action.error().opens_with, "virsh domcontrol web1");
}

TEST(VmMonitorStuck, SaysTheSameHoweverLongItLasts) {
  EXPECT_EQ(found_of(blocked_for(61s)), found_of(blocked_for(std::chrono::hours(61))));
}

TEST(VmMonitorStuck, AMonitorThatAnswersInTimeIsNotStuck) {
  EXPECT_TRUE(found_of(blocked_for(60s)).empty());
  EXPECT_TRUE(found_of(blocked_for(0ms)).empty());
}

TEST(VmMonitorStuck, AMonitorOfWhichNothingIsKnownIsNotStuck) {
  EXPECT_TRUE(found_of(blocked_for(std::nullopt)).empty());
}

TEST(VmMonitorStuck, SeesNothingInAnOldReading) {
  TestWorld world;
  world.with(blocked_for(61s));
  ASSERT_EQ(found_in(world).size(), 1U);
  world.now += 6s;
  EXPECT_TRUE(found_in(world).empty());
}

TEST(VmMonitorStuck, IsAlsoAboutWhatIsPausedOrNotWanted) {
  const Vm paused = a_vm("web1").state(VmState::paused, VmReason::io_error);
  EXPECT_EQ(found_of(blocked_for(61s, paused)).size(), 1U);
  TestWorld unwanted;
  unwanted.with(blocked_for(61s)).unwanted("web1", StopCause::operator_destroy);
  EXPECT_EQ(found_in(unwanted).size(), 1U);
}

TEST(VmMonitorStuck, LeavesAloneWhatItIsToIgnore) {
  TestWorld world;
  world.with(blocked_for(61s)).marked("web1", Keep::ignore);
  EXPECT_TRUE(found_in(world).empty());
}

TEST(VmMonitorStuck, IsNothingToActUponEvenWhenConfirmed) {
  TestWorld world;
  world.with(blocked_for(61s)).wanted("web1", StopCause::none);
  world.confirmed("vm_monitor_stuck", vm_target("web1"));
  const auto decisions = plan(world.view()).decisions;
  ASSERT_EQ(decisions.size(), 1U) << "no other rule takes it for its own";
  EXPECT_EQ(decisions[0].finding.rule, "vm_monitor_stuck");
  const auto* held = std::get_if<Held>(&decisions[0].verdict);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->reason, Hold::no_remedy);
}

}  // namespace
}  // namespace upkeep
