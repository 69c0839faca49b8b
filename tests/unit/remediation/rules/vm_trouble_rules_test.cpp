#include <gtest/gtest.h>

#include "remediation/rules/rules.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::TestWorld;
using test::uuid_of;

std::expected<Action, Held> remedy_of_first(const Rule& rule, const TestWorld& world) {
  const auto findings = rule.detect(world.view());
  if (findings.empty()) return std::unexpected(Held{.reason = Hold::facts_changed});
  return rule.remedy(findings.front(), world.view());
}

Hold hold_of(const Rule& rule, const TestWorld& world) {
  const auto action = remedy_of_first(rule, world);
  return action ? Hold::observing : action.error().reason;
}

/// web1, wanted, paused by an I/O error on the resource, whose gate has been open for so long.
TestWorld paused_on(const DrbdResource& resource, Duration healthy) {
  TestWorld world;
  world.with(resource).with(a_vm("web1").on_drbd(1).state(VmState::paused, VmReason::io_error));
  world.wanted("web1", StopCause::none);
  world.history.storage_open_since[{uuid_of("web1")}] = world.now - healthy;
  return world;
}

auto primary() { return a_resource("r0", 1).role(DrbdRole::primary); }

TEST(VmPausedIo, ResumesOnceTheStorageHasBeenHealthyFor10s) {
  const auto action = remedy_of_first(vm_paused_io_rule(), paused_on(primary(), 10s));
  ASSERT_TRUE(action);
  EXPECT_EQ(*action, Action(ResumeVm{.vm = {"web1"}, .uuid = {uuid_of("web1")}}));
  const auto early = remedy_of_first(vm_paused_io_rule(), paused_on(primary(), 9s));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().reason, Hold::storage_not_healthy_yet);
  EXPECT_TRUE(early.error().retry_at.has_value());
  TestWorld unknown = paused_on(primary(), 10s);
  unknown.history.storage_open_since.clear();
  EXPECT_EQ(hold_of(vm_paused_io_rule(), unknown), Hold::storage_not_healthy_yet);
}

TEST(VmPausedIo, RefusesWhileTheGateIsClosed) {
  EXPECT_EQ(hold_of(vm_paused_io_rule(), paused_on(primary().disk(DrbdDisk::diskless), 60s)),
            Hold::storage_not_up_to_date);
  EXPECT_EQ(hold_of(vm_paused_io_rule(), paused_on(primary().suspended("no-data"), 60s)),
            Hold::storage_not_up_to_date);
  EXPECT_EQ(hold_of(vm_paused_io_rule(), paused_on(primary().split_brain("helper"), 60s)),
            Hold::split_brain);
}

TEST(VmPausedIo, IsNotResumedToFailAgainWhileItsQuorumIsLost) {
  const auto alone = [] { return primary().peer_gone(); };
  EXPECT_EQ(hold_of(vm_paused_io_rule(), paused_on(alone().quorum(true, false, false), 60s)),
            Hold::quorum_lost);
  EXPECT_TRUE(
      remedy_of_first(vm_paused_io_rule(), paused_on(alone().quorum(true, true, true), 60s)));
}

TEST(VmPausedIo, RefusesWhatRunsElsewhere) {
  EXPECT_EQ(hold_of(vm_paused_io_rule(),
                    paused_on(primary().peer(DrbdConnection::connected, DrbdRole::primary), 60s)),
            Hold::peer_primary);
  TestWorld world = paused_on(primary(), 60s);
  world.peer("node2", {"web1"});
  EXPECT_EQ(hold_of(vm_paused_io_rule(), world), Hold::runs_elsewhere);
}

TEST(VmPausedIo, LeavesAloneWhatIsNotWantedOrNotPausedByAnError) {
  TestWorld world = paused_on(primary(), 60s);
  world.marked("web1", Keep::ignore);
  EXPECT_TRUE(vm_paused_io_rule().detect(world.view()).empty());
  TestWorld by_user;
  by_user.with(a_vm("web1").state(VmState::paused, VmReason::user)).wanted("web1", StopCause::none);
  EXPECT_TRUE(vm_paused_io_rule().detect(by_user.view()).empty());
  EXPECT_EQ(vm_paused_other_rule().detect(by_user.view()).size(), 1U);
  EXPECT_EQ(hold_of(vm_paused_other_rule(), by_user), Hold::no_remedy);
}

/// web1, wanted, runs, has run for an hour; an alert asks for its reset.
TestWorld hangs() {
  TestWorld world;
  world.with(a_vm("web1")).wanted("web1", StopCause::none);
  world.history.started = world.now - 1h;
  world.history.asked_by_alert[{"vm_unresponsive", test::vm_target("web1")}] = world.now - 10s;
  return world;
}

TestWorld with_health(TestWorld world, bool healthy) {
  world.snapshot.health = std::make_shared<const VmHealths>(
      VmHealths{{{uuid_of("web1")}, {.healthy = healthy, .detail = "no answer", .at = world.now}}});
  return world;
}

TEST(VmUnresponsive, IsResetWhenAnAlertAsks) {
  const Action reset = ResetVm{.vm = {"web1"}, .uuid = {uuid_of("web1")}};
  EXPECT_EQ(remedy_of_first(vm_unresponsive_rule(), hangs()).value(), reset);
  EXPECT_EQ(remedy_of_first(vm_unresponsive_rule(), with_health(hangs(), false)).value(), reset);
  TestWorld unasked = hangs();
  unasked.history.asked_by_alert.clear();
  unasked.history.asked_by_alert[{"vm_down", test::vm_target("web1")}] = unasked.now - 10s;
  EXPECT_TRUE(vm_unresponsive_rule().detect(unasked.view()).empty());
}

TEST(VmUnresponsive, IsNoneThatAnswersOrBoots) {
  EXPECT_EQ(hold_of(vm_unresponsive_rule(), with_health(hangs(), true)), Hold::no_remedy);
  TestWorld boots = hangs();
  boots.tried(test::vm_target("web1")).attempts = {boots.now - 4min};
  const auto early = remedy_of_first(vm_unresponsive_rule(), boots);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().reason, Hold::still_booting);
  EXPECT_EQ(early.error().retry_at, boots.now + 1min);
}

TEST(VmUnresponsive, IsNoneThatIsOffPausedOrNotWanted) {
  TestWorld off = hangs();
  off.with(a_vm("web1").off(VmReason::crashed));
  EXPECT_TRUE(vm_unresponsive_rule().detect(off.view()).empty());
  TestWorld paused = hangs();
  paused.with(a_vm("web1").state(VmState::paused, VmReason::user));
  EXPECT_TRUE(vm_unresponsive_rule().detect(paused.view()).empty());
  TestWorld unwanted = hangs();
  unwanted.marked("web1", Keep::down);
  EXPECT_TRUE(vm_unresponsive_rule().detect(unwanted.view()).empty());
  TestWorld gone = hangs();
  gone.snapshot.vms.at = gone.now - 1min;
  EXPECT_TRUE(vm_unresponsive_rule().detect(gone.view()).empty()) << "unknown is not hung";
}

TEST(VmUnresponsive, IsNotResetTwiceForOneAlert) {
  TestWorld world = hangs();
  world.tried(test::vm_target("web1")).tries["reset_vm"].at = {world.now - 5s};
  EXPECT_TRUE(vm_unresponsive_rule().detect(world.view()).empty());
}

TEST(VmUnresponsive, IsLeftAloneOnDisksThatAreNotSafe) {
  TestWorld world = hangs();
  world.with(a_resource("r0", 1).role(DrbdRole::primary).disk(DrbdDisk::diskless).peer_gone());
  world.with(a_vm("web1").on_drbd(1));
  EXPECT_EQ(hold_of(vm_unresponsive_rule(), world), Hold::storage_not_up_to_date);
  TestWorld lost = hangs();
  VmDisk disk;
  disk.target = {"vda"};
  disk.backing = DiskBacking::local;
  disk.attached = false;
  lost.with(a_vm("web1").disk(disk));
  EXPECT_EQ(hold_of(vm_unresponsive_rule(), lost), Hold::disk_missing);
}

TEST(VmPausedOther, LeavesLibvirtsOwnPausesOut) {
  for (const VmReason reason : {VmReason::starting_up, VmReason::migration, VmReason::save,
                                VmReason::dump, VmReason::snapshot, VmReason::io_error}) {
    TestWorld world;
    world.with(a_vm("web1").state(VmState::paused, reason)).wanted("web1", StopCause::none);
    EXPECT_TRUE(vm_paused_other_rule().detect(world.view()).empty()) << to_string(reason);
  }
}

VmDisk lost_disk(DiskBacking backing) {
  VmDisk disk;
  disk.target = {"vdb"};
  disk.source = "/dev/vg0/data";
  disk.backing = backing;
  disk.attached = false;
  return disk;
}

TestWorld without_disk(DiskBacking backing = DiskBacking::local) {
  TestWorld world;
  world.with(a_vm("web1").disk(lost_disk(backing))).wanted("web1", StopCause::none);
  world.history.standings[{Standing::Kind::disk_lost, uuid_of("web1") + "/vdb"}] = {};
  return world;
}

TEST(VmDiskMissing, GivesBackADiskWhoseLossWasSeen) {
  const auto action = remedy_of_first(vm_disk_missing_rule(), without_disk());
  ASSERT_TRUE(action);
  EXPECT_EQ(*action,
            Action(ReattachDisk{.vm = {"web1"}, .uuid = {uuid_of("web1")}, .disk = {"vdb"}}));
}

TEST(VmDiskMissing, TakesAnUnseenLossForADetachUnlessTheDisksAreToBeKept) {
  TestWorld world = without_disk();
  world.history.standings.clear();
  EXPECT_EQ(hold_of(vm_disk_missing_rule(), world), Hold::detached_by_operator);
  world.vm_policy({.match = "web*", .keep_disks = true});
  EXPECT_TRUE(remedy_of_first(vm_disk_missing_rule(), world));
}

TEST(VmDiskMissing, NeedsTheSourceAndAnOpenGate) {
  EXPECT_EQ(hold_of(vm_disk_missing_rule(), without_disk(DiskBacking::missing)),
            Hold::disk_missing);
  EXPECT_EQ(hold_of(vm_disk_missing_rule(), without_disk(DiskBacking::unknown)),
            Hold::disk_unknown);
  EXPECT_EQ(hold_of(vm_disk_missing_rule(), without_disk(DiskBacking::shared)),
            Hold::may_run_elsewhere);
}

TEST(VmDiskMissing, LooksAtRunningVmsOnly) {
  TestWorld world = without_disk();
  world.with(a_vm("web1").off().disk(lost_disk(DiskBacking::local)));
  EXPECT_TRUE(vm_disk_missing_rule().detect(world.view()).empty());
}

}  // namespace
}  // namespace upkeep
