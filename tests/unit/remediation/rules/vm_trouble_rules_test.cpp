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
