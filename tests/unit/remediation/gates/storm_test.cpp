#include "remediation/gates/storm.h"

#include <gtest/gtest.h>

#include <string>

#include "remediation/plan.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::TestWorld;
using test::vm_target;

/// `count` VMs, all wanted and up.
TestWorld a_fleet(int count) {
  TestWorld world;
  for (int i = 1; i <= count; ++i) {
    const std::string name = "web" + std::to_string(i);
    world.with(a_vm(name)).wanted(name, StopCause::none);
  }
  return world;
}

void fails(TestWorld& world, const std::string& name, StopCause cause, Duration ago) {
  world.with(a_vm(name).off(VmReason::crashed)).wanted(name, cause);
  world.confirmed("vm_down", vm_target(name));
  world.history.problems[{"vm_down", vm_target(name)}].since = world.now - ago;
}

bool storms(TestWorld& world) {
  world.history.storm = after_look(std::move(world.history.storm), world.view());
  return world.history.storm.until.has_value();
}

TEST(Storm, MoreThanHalfForDifferentReasonsHoldsEveryVm) {
  TestWorld world = a_fleet(5);
  fails(world, "web1", StopCause::crashed, 200s);
  fails(world, "web2", StopCause::crashed, 100s);
  EXPECT_FALSE(storms(world));
  fails(world, "web3", StopCause::start_failed, 1s);
  EXPECT_TRUE(storms(world));
  const Plan planned = plan(world.view());
  ASSERT_EQ(planned.decisions.size(), 3U);
  for (const Decision& one : planned.decisions) {
    EXPECT_EQ(hold_of(one), Hold::storm);
    EXPECT_EQ(std::get<Held>(one.verdict).retry_at, world.now + 300s);
  }
}

TEST(Storm, IsOverAfterTheCoolDown) {
  TestWorld world = a_fleet(5);
  for (int i = 1; i <= 3; ++i) {
    fails(world, "web" + std::to_string(i), StopCause::crashed, i * 60s);
  }
  ASSERT_TRUE(storms(world));
  world.later(299s);
  EXPECT_TRUE(storms(world));
  // The failures are older than the window by now; nothing new came.
  world.later(301s);
  EXPECT_FALSE(storms(world));
}

TEST(Storm, ANodeBootIsOneCauseAndOneCrashMoreIsNoStorm) {
  TestWorld world = a_fleet(6);
  for (int i = 1; i <= 5; ++i) {
    fails(world, "web" + std::to_string(i), StopCause::node_down, i * 30s);
  }
  fails(world, "web6", StopCause::crashed, 1s);
  EXPECT_FALSE(storms(world));
}

TEST(Storm, OneMomentIsOneCause) {
  TestWorld world = a_fleet(6);
  for (int i = 1; i <= 5; ++i) {
    fails(world, "web" + std::to_string(i), StopCause::crashed, i * 2s);
  }
  EXPECT_FALSE(storms(world));
  const auto groups = by_cause(world.history.storm.failures);
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_TRUE(is_one_outage(groups.front(), world.view()));
}

TEST(Storm, AGuestThatIsBackBeforeAReadingShowsItKeepsItsCause) {
  TestWorld world = a_fleet(6);
  for (int i = 1; i <= 5; ++i) {
    const std::string name = "web" + std::to_string(i);
    fails(world, name, StopCause::none, i * 2s);
    EXPECT_FALSE(storms(world));
    world.wanted(name, StopCause::crashed);
    EXPECT_FALSE(storms(world));
    world.wanted(name, StopCause::none);  // It runs again, says its event.
    EXPECT_FALSE(storms(world)) << name;
  }
  const auto groups = by_cause(world.history.storm.failures);
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups.front().cause, "crashed");
}

TEST(Storm, OneBrokenResourceIsOneCauseHoweverLongItTakes) {
  TestWorld world = a_fleet(4);
  world.with(a_resource("r0", 0).disk(DrbdDisk::failed));
  for (int i = 1; i <= 3; ++i) {
    const std::string name = "web" + std::to_string(i);
    fails(world, name, StopCause::crashed, i * 60s);
    world.with(a_vm(name).off(VmReason::crashed).on_drbd(0));
  }
  EXPECT_FALSE(storms(world));
}

TEST(Storm, DisksThatAreNotUpYetAfterABootAreNoCausesOfTheirOwn) {
  TestWorld world = a_fleet(4);
  for (int i = 1; i <= 4; ++i) {
    const auto minor = static_cast<std::uint32_t>(i);
    const std::string name = "web" + std::to_string(i);
    fails(world, name, StopCause::none, 1s);
    world.with(a_vm(name).off().on_drbd(minor));
    world.with(a_resource("r" + std::to_string(i), minor).down());
  }
  EXPECT_FALSE(storms(world));
  for (int i = 1; i <= 4; ++i) world.wanted("web" + std::to_string(i), StopCause::node_down);
  EXPECT_FALSE(storms(world));
  EXPECT_EQ(by_cause(world.history.storm.failures).size(), 1U);
}

TEST(Storm, TwoOfThreeAreTooFewToSay) {
  TestWorld world = a_fleet(3);
  fails(world, "web1", StopCause::crashed, 200s);
  fails(world, "web2", StopCause::crashed, 100s);
  EXPECT_FALSE(storms(world));
}

TEST(Storm, VmsThatCameBackStillCount) {
  TestWorld world = a_fleet(5);
  for (int i = 1; i <= 3; ++i) {
    const std::string name = "web" + std::to_string(i);
    fails(world, name, StopCause::crashed, 0s);
    const bool third = i == 3;
    EXPECT_EQ(storms(world), third) << name;
    world.with(a_vm(name));
    world.history.problems.clear();
    world.later(60s);
  }
}

TEST(Storm, DrbdIsRepairedMeanwhile) {
  TestWorld world = a_fleet(5);
  world.history.storm.until = world.now + 100s;
  EXPECT_FALSE(storm_hold(BringUpResource{.resource = {"r0"}, .skip_disk = false}, world.view()));
  EXPECT_TRUE(storm_hold(StartVm{.vm = {"web1"}, .uuid = {}, .promote = {}}, world.view()));
}

}  // namespace
}  // namespace upkeep
