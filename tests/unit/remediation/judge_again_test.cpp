#include <gtest/gtest.h>

#include "remediation/plan.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::kNow;
using test::resource_target;
using test::TestWorld;
using test::vm_target;

/// web1 crashed, is wanted, and everything says go.
TestWorld crashed_web1() {
  TestWorld world;
  world.with(a_vm("web1").off(VmReason::crashed)).wanted("web1");
  return world.confirmed("vm_down", vm_target("web1"));
}

TestWorld r0_down() {
  TestWorld world;
  world.with(a_resource("r0", 1).down());
  return world.confirmed("drbd_down", resource_target("r0"));
}

const Action kStartWeb1 = StartVm{.vm = {"web1"}, .uuid = {test::uuid_of("web1")}};

std::optional<Hold> last_look(const TestWorld& world, const Action& action = kStartWeb1) {
  const Finding finding{.rule = "vm_down", .subject = target_of(action)};
  const auto held = judge_again(finding, action, world.view());
  return held ? std::optional(held->reason) : std::nullopt;
}

TEST(JudgeAgain, LetsGoWhatIsStillSo) { EXPECT_FALSE(last_look(crashed_web1())); }

TEST(JudgeAgain, DoesNotMindItsOwnFlightBackOffOrConfirmation) {
  TestWorld world = crashed_web1();
  world.history.problems.clear();
  world.tried(vm_target("web1")) = after_begin({}, 1, kNow);
  world.tried(vm_target("web1")).latched_since = kNow;
  EXPECT_FALSE(last_look(world));
}

TEST(JudgeAgain, SeesThatTheProblemIsGone) {
  TestWorld world = crashed_web1();
  EXPECT_EQ(last_look(world.with(a_vm("web1"))), Hold::facts_changed);
  EXPECT_EQ(last_look(world.with(a_vm("web1").off()).marked("web1", Keep::down)),
            Hold::facts_changed);
}

TEST(JudgeAgain, SeesThatItIsAnotherVmNow) {
  TestWorld world = crashed_web1();
  Vm other = a_vm("web1").off();
  other.uuid = {"another"};
  world.with(other);
  world.history.intents[{"another"}] = {.uuid = {"another"}, .name = {"web1"}, .wanted = true};
  EXPECT_EQ(last_look(world), Hold::facts_changed);
}

TEST(JudgeAgain, SeesThatItWasStoppedOnPurposeSince) {
  for (const VmReason reason : {VmReason::destroyed, VmReason::shutdown, VmReason::saved}) {
    TestWorld world = crashed_web1();
    world.with(a_vm("web1").off(reason));
    EXPECT_EQ(last_look(world), Hold::facts_changed) << to_string(reason);
    EXPECT_FALSE(last_look(world.marked("web1", Keep::up))) << to_string(reason);
  }
  // Its own first step destroyed it.
  StartVm start = std::get<StartVm>(kStartWeb1);
  start.destroy_first = true;
  EXPECT_FALSE(last_look(crashed_web1().with(a_vm("web1").off(VmReason::destroyed)), start));
}

TEST(JudgeAgain, JudgesEverySafetyGateAgain) {
  TestWorld stale = crashed_web1();
  stale.snapshot.vms.at -= 6s;
  EXPECT_EQ(last_look(stale), Hold::stale_libvirt);
  EXPECT_EQ(last_look(crashed_web1().with(a_vm("web1").off().busy())), Hold::vm_busy);
  TestWorld going_down = crashed_web1();
  going_down.snapshot.node.reading->shutting_down = true;
  EXPECT_EQ(last_look(going_down), Hold::host_shutting_down);
  EXPECT_EQ(last_look(crashed_web1().peer("node2", {"web1"})), Hold::runs_elsewhere);
  TestWorld dry = crashed_web1();
  dry.policy.mode = Mode::dry_run;
  EXPECT_EQ(last_look(dry), Hold::observing);
  TestWorld timid = crashed_web1();
  timid.policy.allowed_risk = static_cast<Risk>(-1);
  EXPECT_EQ(last_look(timid), Hold::risk_not_allowed);
  EXPECT_EQ(judge_again({.rule = "no_such_rule"}, kStartWeb1, crashed_web1().view())->reason,
            Hold::no_remedy);
}

TEST(JudgeAgain, LetsTheStepsThatAreDoneDropOut) {
  TestWorld world = crashed_web1();
  world.with(a_vm("web1").off(VmReason::crashed).on_drbd(1)).drbd_version("8.4.11");
  StartVm start = std::get<StartVm>(kStartWeb1);
  start.promote = {{"r0"}};
  start.destroy_first = true;
  EXPECT_FALSE(last_look(world.with(a_resource("r0", 1)), start));
  EXPECT_FALSE(last_look(world.with(a_resource("r0", 1).role(DrbdRole::primary)), start));
  // But never lets it do more than was decided.
  start.promote.clear();
  EXPECT_EQ(last_look(world.with(a_resource("r0", 1)), start), Hold::facts_changed);
  start.promote = {{"r0"}};
  start.destroy_first = false;
  EXPECT_EQ(last_look(world.with(a_vm("web1").crashed().on_drbd(1)), start), Hold::facts_changed);
}

TEST(JudgeAgain, LooksAtResourcesToo) {
  const Action bring_up = BringUpResource{.resource = {"r0"}};
  const Finding finding{.rule = "drbd_down", .subject = resource_target("r0")};
  EXPECT_FALSE(judge_again(finding, bring_up, r0_down().view()));
  EXPECT_EQ(judge_again(finding, bring_up, r0_down().with(a_resource("r0", 1)).view())->reason,
            Hold::facts_changed);
}

}  // namespace
}  // namespace upkeep
