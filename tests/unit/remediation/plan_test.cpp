#include "remediation/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "remediation/gates/single_flight.h"
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

const Decision* decision_on(const Plan& plan, const Target& target) {
  const auto found = std::ranges::find_if(
      plan.decisions, [&](const Decision& one) { return one.finding.subject == target; });
  return found == plan.decisions.end() ? nullptr : &*found;
}

std::optional<Hold> held_by(const TestWorld& world, const Target& target) {
  const Plan plan = upkeep::plan(world.view());
  const Decision* decision = decision_on(plan, target);
  return decision == nullptr ? std::nullopt : hold_of(*decision);
}

std::optional<Hold> web1_held_by(const TestWorld& world) {
  return held_by(world, vm_target("web1"));
}

std::string verdict_on(const TestWorld& world, const Target& target) {
  const Plan plan = upkeep::plan(world.view());
  const Decision* decision = decision_on(plan, target);
  if (decision == nullptr) return "no finding";
  const auto hold = hold_of(*decision);
  return hold ? std::string(to_string(*hold)) : std::string(verdict_name(*decision));
}

TEST(Plan, StartsWhatCrashed) {
  const Plan plan = upkeep::plan(crashed_web1().view());
  ASSERT_EQ(plan.decisions.size(), 1U);
  const auto* act = std::get_if<Act>(&plan.decisions.front().verdict);
  ASSERT_NE(act, nullptr);
  EXPECT_EQ(act->action, Action(StartVm{.vm = {"web1"}, .uuid = {test::uuid_of("web1")}}));
  EXPECT_FALSE(plan.next_look);
}

TEST(Plan, BringsUpWhatIsDown) { EXPECT_EQ(verdict_on(r0_down(), resource_target("r0")), "act"); }

TEST(Plan, HasNothingToSayWhenAllIsWell) {
  TestWorld world;
  world.with(a_vm("web1")).wanted("web1", StopCause::none).with(a_resource("r0", 1));
  EXPECT_TRUE(upkeep::plan(world.view()).decisions.empty());
}

TEST(PlanMode, ObserveOnlyWatches) {
  TestWorld world = crashed_web1();
  world.policy.mode = Mode::observe;
  EXPECT_EQ(web1_held_by(world), Hold::observing);
  world.snapshot.vms.at -= 1h;
  EXPECT_EQ(web1_held_by(world), Hold::observing);
}

TEST(PlanMode, DryRunSaysWhatItWouldDoAndPassesTheSameGates) {
  TestWorld world = crashed_web1();
  world.policy.mode = Mode::dry_run;
  EXPECT_EQ(verdict_on(world, vm_target("web1")), "would_act");
  world.history.problems.clear();
  EXPECT_EQ(web1_held_by(world), Hold::unconfirmed);
}

TEST(PlanGates, AJobOnTheVmHolds) {
  TestWorld world = crashed_web1();
  world.with(a_vm("web1").off(VmReason::crashed).busy());
  EXPECT_EQ(web1_held_by(world), Hold::vm_busy);
}

TEST(PlanGates, AHostThatGoesDownHoldsEverything) {
  TestWorld world = crashed_web1();
  world.with(a_resource("r0", 1).down()).confirmed("drbd_down", resource_target("r0"));
  world.snapshot.node.reading->shutting_down = true;
  EXPECT_EQ(web1_held_by(world), Hold::host_shutting_down);
  EXPECT_EQ(held_by(world, resource_target("r0")), Hold::host_shutting_down);
}

TEST(PlanGates, ANodeThatIsNotKnownMayBeGoingDown) {
  TestWorld world = crashed_web1();
  world.snapshot.node.at -= 61s;
  EXPECT_EQ(web1_held_by(world), Hold::stale_node);
  world.snapshot.node.reading = fail(Errc::unavailable, "no /proc");
  EXPECT_EQ(web1_held_by(world), Hold::stale_node);
}

TEST(PlanBlind, KeepsHoldingWhatWasOpenWhenLibvirtIsSilent) {
  TestWorld world = crashed_web1();
  world.snapshot.vms.at -= 6s;
  EXPECT_EQ(web1_held_by(world), Hold::stale_libvirt);
  world.snapshot.vms.reading = fail(Errc::unavailable, "libvirtd is gone");
  EXPECT_EQ(web1_held_by(world), Hold::stale_libvirt);
  EXPECT_NE(std::get<Held>(upkeep::plan(world.view()).decisions.front().verdict)
                .detail.find("libvirtd is gone"),
            std::string::npos);
}

TEST(PlanBlind, FreshIsUpToTheLimit) {
  TestWorld world = crashed_web1();
  world.snapshot.vms.at -= 5s;
  EXPECT_FALSE(web1_held_by(world));
  world.snapshot.vms.at -= 1ns;
  EXPECT_EQ(web1_held_by(world), Hold::stale_libvirt);
}

TEST(PlanBlind, SilentLibvirtDoesNotHoldUpDrbdNorTheOtherWayRound) {
  TestWorld world = crashed_web1();
  world.with(a_resource("r0", 1).down()).confirmed("drbd_down", resource_target("r0"));
  TestWorld no_libvirt = world;
  no_libvirt.snapshot.vms.reading = fail(Errc::unavailable, "x");
  EXPECT_EQ(verdict_on(no_libvirt, resource_target("r0")), "act");
  TestWorld no_drbd = world;
  no_drbd.snapshot.drbd.reading = fail(Errc::unavailable, "x");
  EXPECT_EQ(verdict_on(no_drbd, vm_target("web1")), "act");
  EXPECT_EQ(held_by(no_drbd, resource_target("r0")), Hold::stale_drbd);
}

TEST(PlanBlind, DrbdSwitchedOffIsNotBlind) {
  TestWorld world = r0_down();
  world.snapshot.drbd_in_use = false;
  world.snapshot.drbd.reading = fail(Errc::unavailable, "off");
  EXPECT_TRUE(upkeep::plan(world.view()).decisions.empty());
}

TEST(PlanBlind, AnEmptyInventoryIsLostWhenVmsAreOnRecord) {
  TestWorld world;
  world.wanted("web1", StopCause::none);
  EXPECT_EQ(web1_held_by(world), Hold::inventory_empty);
  world.unwanted("web1", StopCause::operator_destroy);
  EXPECT_TRUE(upkeep::plan(world.view()).decisions.empty());
}

TEST(PlanGates, WaitsUntilTheSourcesHaveSettledButNotForEver) {
  TestWorld world = crashed_web1();
  world.history.started = kNow - 10s;
  world.history.settled_at.reset();
  EXPECT_EQ(web1_held_by(world), Hold::starting_up);
  EXPECT_EQ(upkeep::plan(world.view()).next_look, kNow + 50s);
  world.later(50s);
  EXPECT_EQ(verdict_on(world, vm_target("web1")), "act");
  world = crashed_web1();
  world.history.started = kNow - 10s;
  world.history.settled_at = kNow - 8s;
  EXPECT_EQ(verdict_on(world, vm_target("web1")), "act");
}

TEST(PlanGates, ASingleLookIsNotEnough) {
  TestWorld world = crashed_web1();
  OpenProblem& problem = world.history.problems.begin()->second;
  problem = {.observations = 1, .last_reading = kNow};
  EXPECT_EQ(web1_held_by(world), Hold::unconfirmed);
  EXPECT_EQ(upkeep::plan(world.view()).next_look, kNow + 1s);
  problem.observations = 2;
  EXPECT_FALSE(web1_held_by(world));
  problem = {.observations = 0, .definite = true};
  EXPECT_FALSE(web1_held_by(world));
}

TEST(PlanGates, DoesNotActOnALookFromBeforeTheLastAttemptEnded) {
  TestWorld world = crashed_web1();
  world.tried(vm_target("web1")).last_end = world.snapshot.vms.at;
  EXPECT_EQ(web1_held_by(world), Hold::unconfirmed);
  world.later(1s);
  EXPECT_EQ(verdict_on(world, vm_target("web1")), "act");
}

/// r0 is StandAlone, seen often, and nothing is known that would let it be connected.
TestWorld r0_stand_alone() {
  TestWorld world;
  world.with(a_resource("r0", 1).stand_alone());
  return world.confirmed("drbd_standalone", resource_target("r0"));
}

TEST(PlanGates, DoesNotJudgeWhatAnActionOfUpkeepsMayHaveHalfDone) {
  TestWorld world = r0_stand_alone();
  EXPECT_EQ(held_by(world, resource_target("r0")), Hold::after_sb_policy);
  world.tried(resource_target("r0")).in_flight = 7;
  EXPECT_EQ(held_by(world, resource_target("r0")), Hold::in_flight);
  world.tried(resource_target("r0")).stuck = true;
  EXPECT_EQ(held_by(world, resource_target("r0")), Hold::after_sb_policy)
      << "past its deadline it may stay so for ever";
}

TEST(PlanGates, LetsDrbdsStreamCatchUpAfterAnAction) {
  TestWorld world = r0_stand_alone();
  world.tried(resource_target("r0")).last_end = world.snapshot.drbd.at - 2s;
  EXPECT_EQ(held_by(world, resource_target("r0")), Hold::unconfirmed);
  EXPECT_EQ(upkeep::plan(world.view()).next_look, world.now + 1s);
  world.later(1ms);
  EXPECT_EQ(held_by(world, resource_target("r0")), Hold::after_sb_policy);
}

TEST(PlanGates, ReportsWhatTheRemedyRefuses) {
  TestWorld world = crashed_web1();
  world.with(a_vm("web1").off().disk("vdb", DiskBacking::missing));
  EXPECT_EQ(web1_held_by(world), Hold::disk_missing);
}

TEST(PlanGates, NeverGoesBeyondTheAllowedRisk) {
  TestWorld world = crashed_web1();
  world.policy.allowed_risk = static_cast<Risk>(-1);  // Below the lowest there is.
  EXPECT_EQ(web1_held_by(world), Hold::risk_not_allowed);
  world.policy.allowed_risk = Risk::low;
  EXPECT_FALSE(web1_held_by(world));
}

TEST(PlanPacing, OneActionATarget) {
  TestWorld world = crashed_web1();
  world.tried(vm_target("web1")) = after_begin({}, 1, kNow - 1s);
  EXPECT_EQ(web1_held_by(world), Hold::in_flight);
  world.tried(vm_target("web1")).stuck = true;
  EXPECT_EQ(web1_held_by(world), Hold::command_stuck);
}

TEST(PlanPacing, BacksOffAndSaysUntilWhen) {
  TestWorld world = crashed_web1();
  TargetHistory& tried = world.tried(vm_target("web1"));
  tried = after_end(after_begin({}, 1, kNow - 2s), {.kind = Outcome::Kind::failed}, {}, kNow - 1s);
  EXPECT_EQ(web1_held_by(world), Hold::backing_off);
  const Plan plan = upkeep::plan(world.view());
  ASSERT_TRUE(plan.next_look);
  world.later(*plan.next_look - kNow);
  EXPECT_EQ(verdict_on(world, vm_target("web1")), "act");
}

TEST(PlanPacing, ALatchedStartIsTriedSlowlyALatchedBringUpNever) {
  TestWorld world = crashed_web1();
  world.with(a_resource("r0", 1).down()).confirmed("drbd_down", resource_target("r0"));
  for (const Target& target : {vm_target("web1"), resource_target("r0")}) {
    world.tried(target).latched_since = kNow - 29min;
  }
  EXPECT_EQ(web1_held_by(world), Hold::latched);
  EXPECT_EQ(upkeep::plan(world.view()).next_look, kNow + 1min);
  world.later(1min);
  EXPECT_EQ(verdict_on(world, vm_target("web1")), "act");
  EXPECT_EQ(held_by(world.later(10h), resource_target("r0")), Hold::latched);
}

TEST(PlanPacing, DoesNothingItCannotRemember) {
  TestWorld world = crashed_web1();
  world.history.journal_ok = false;
  EXPECT_EQ(web1_held_by(world), Hold::journal_failed);
}

TestWorld two_vms_on_r0() {
  TestWorld world = crashed_web1();
  world.with(a_vm("web1").off(VmReason::crashed).on_drbd(1));
  world.with(a_vm("web2").off(VmReason::crashed).on_drbd(1)).wanted("web2");
  return world.confirmed("vm_down", vm_target("web2")).with(a_resource("r0", 1));
}

TEST(PlanSharing, TwoStartsDoNotTouchOneResourceAtOnce) {
  EXPECT_EQ(verdict_on(two_vms_on_r0(), vm_target("web1")), "act");
  EXPECT_EQ(held_by(two_vms_on_r0(), vm_target("web2")), Hold::in_flight);
}

TEST(PlanSharing, AStartWaitsForItsResourcesAndTheirStuckCommands) {
  TestWorld world = two_vms_on_r0();
  world.tried(resource_target("r0")).in_flight = 7;
  EXPECT_EQ(web1_held_by(world), Hold::in_flight);
  world.tried(resource_target("r0")).stuck = true;
  EXPECT_EQ(web1_held_by(world), Hold::command_stuck);
  world = two_vms_on_r0();
  world.tried(vm_target("web2")).in_flight = 8;
  EXPECT_EQ(web1_held_by(world), Hold::in_flight);
}

TEST(PlanSharing, NoMoreCallsAreMadeWhileManyHang) {
  TestWorld world = crashed_web1();
  world.with(a_resource("r0", 1).down()).confirmed("drbd_down", resource_target("r0"));
  const auto hang = [&](int number) {
    TargetHistory& tried = world.tried(vm_target("hung" + std::to_string(number)));
    tried = after_deadline(after_begin({}, number, kNow - 3min), {.kind = Outcome::Kind::timed_out},
                           kNow - 1min);
  };
  for (int i = 1; i < kMostHungCalls; ++i) hang(i);
  EXPECT_EQ(verdict_on(world, vm_target("web1")), "act");
  hang(kMostHungCalls);
  EXPECT_EQ(web1_held_by(world), Hold::command_stuck);
  EXPECT_EQ(verdict_on(world, resource_target("r0")), "act") << "libvirt has no part in it";
  TargetHistory& ended = world.tried(vm_target("hung1"));
  ended = after_end(ended, {.kind = Outcome::Kind::failed}, {}, kNow);
  EXPECT_EQ(verdict_on(world, vm_target("web1")), "act");
}

TEST(PlanSharing, ALocalDiskIsGivenBackWhateverHappensUnderTheOthers) {
  const auto web1 = [](bool local_attached) {
    Vm vm = a_vm("web1").on_drbd(1).disk("vdb", DiskBacking::local);
    for (VmDisk& disk : vm.disks) {
      disk.source = "/dev/" + disk.target.value;
      disk.attached = (disk.target.value == "vdb") == local_attached;
    }
    return vm;
  };
  TestWorld world;
  world.with(a_resource("r0", 1).role(DrbdRole::primary)).with(web1(false)).wanted("web1");
  world.confirmed("vm_disk_missing", vm_target("web1"))
      .vm_policy({.match = "*", .keep_disks = true});
  world.tried(resource_target("r0")).stuck = true;
  EXPECT_EQ(verdict_on(world, vm_target("web1")), "act");
  world.with(web1(true));
  EXPECT_EQ(web1_held_by(world), Hold::command_stuck) << "the lost disk is the one on r0";
}

TEST(Plan, ReportsByRuleThenSubjectWhateverTheOrderOfTheReading) {
  TestWorld world = crashed_web1();
  world.with(a_vm("app1").off()).wanted("app1").with(a_resource("r0", 1).down());
  world.with(a_resource("r1", 2).stand_alone());
  const Plan first = upkeep::plan(world.view());
  std::vector<std::string> order;
  for (const Decision& one : first.decisions) {
    order.push_back(std::string(one.finding.rule) + " " + one.finding.subject.name);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"vm_down app1", "vm_down web1", "drbd_down r0",
                                             "drbd_standalone r1"}));
  Vms turned = **world.snapshot.vms.reading;
  std::ranges::reverse(turned);
  world.snapshot.vms.reading = std::make_shared<const Vms>(turned);
  EXPECT_EQ(upkeep::plan(world.view()).decisions, first.decisions);
}

TEST(Plan, SaysTheSameUntilSomethingChanges) {
  TestWorld world = crashed_web1();
  world.tried(vm_target("web1")) =
      after_end(after_begin({}, 1, kNow - 2s), {.kind = Outcome::Kind::failed}, {}, kNow - 1s);
  const Plan first = upkeep::plan(world.view());
  EXPECT_EQ(upkeep::plan(world.later(1s).view()).decisions, first.decisions);
}

}  // namespace
}  // namespace upkeep
