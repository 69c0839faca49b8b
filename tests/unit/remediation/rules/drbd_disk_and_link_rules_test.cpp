#include <gtest/gtest.h>

#include "remediation/drbd_peer.h"
#include "remediation/keepers/progress_watch.h"
#include "remediation/rules/rules.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::TestWorld;

auto r0() { return a_resource("r0", 1); }

TestWorld with(const DrbdResource& resource) {
  TestWorld world;
  world.with(resource).known_for(30s, "drbd_diskless", test::resource_target("r0"));
  return world;
}

std::vector<Finding> found_by(const Rule& rule, const TestWorld& world) {
  return rule.detect(world.view());
}

std::expected<Action, Held> remedy_of_first(const Rule& rule, const TestWorld& world) {
  const auto findings = rule.detect(world.view());
  if (findings.empty()) return std::unexpected(Held{.reason = Hold::facts_changed});
  return rule.remedy(findings.front(), world.view());
}

DrbdResource diskless() {
  DrbdResource resource = r0().disk(DrbdDisk::diskless);
  resource.devices.front().client = false;
  return resource;
}

TEST(DrbdDiskless, AttachesASecondarysLostDisk) {
  const TestWorld world = with(diskless());
  ASSERT_EQ(found_by(drbd_diskless_rule(), world).size(), 1U);
  const auto action = remedy_of_first(drbd_diskless_rule(), world);
  ASSERT_TRUE(action);
  EXPECT_EQ(*action, Action(AttachDevice{.resource = {"r0"}, .volume = {0}}));
}

TEST(DrbdDiskless, NeverTouchesAnIntendedClientNorWhatMayBeOne) {
  DrbdResource resource = diskless();
  resource.devices.front().client = true;
  EXPECT_TRUE(found_by(drbd_diskless_rule(), with(resource)).empty());
  resource.devices.front().client.reset();
  EXPECT_TRUE(found_by(drbd_diskless_rule(), with(resource).drbd_version("9.2.18")).empty());
  EXPECT_EQ(found_by(drbd_diskless_rule(), with(resource).drbd_version("8.4.11")).size(), 1U);
}

TEST(DrbdDiskless, NeverAttachesUnderALocalPrimaryUnlessTold) {
  DrbdResource resource = diskless();
  resource.role = stated(kDrbdRoles, "Primary");
  TestWorld world = with(resource);
  const auto held = remedy_of_first(drbd_diskless_rule(), world);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().reason, Hold::primary_here);
  world.policy.attach_on_primary = true;
  EXPECT_TRUE(remedy_of_first(drbd_diskless_rule(), world));
  resource.role = stated(kDrbdRoles, "Unknown");
  TestWorld unknown = with(resource);
  unknown.policy.attach_on_primary = true;
  EXPECT_EQ(remedy_of_first(drbd_diskless_rule(), unknown).error().reason, Hold::storage_unknown);
}

TEST(DrbdDiskless, WaitsForABackingDeviceThatIsNotThere) {
  DrbdResource resource = diskless();
  resource.missing_backing = {{.volume = {0}, .path = "/dev/vg0/r0"}};
  const auto held = remedy_of_first(drbd_diskless_rule(), with(resource));
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().reason, Hold::disk_missing);
  EXPECT_EQ(held.error().detail, "/dev/vg0/r0 does not exist");
  resource.missing_backing.clear();
  EXPECT_TRUE(remedy_of_first(drbd_diskless_rule(), with(resource)));
}

TEST(DrbdDiskless, AttachesTheVolumeWhoseBackingDeviceIsThere) {
  DrbdResource resource = diskless();
  resource.devices.push_back(resource.devices.front());
  resource.devices.back().volume = {1};
  resource.missing_backing = {{.volume = {0}, .path = "/dev/vg0/r0"}};
  EXPECT_EQ(remedy_of_first(drbd_diskless_rule(), with(resource)),
            (std::expected<Action, Held>(AttachDevice{.resource = {"r0"}, .volume = {1}})));
}

TEST(DrbdDiskless, NeverAttachesALateDiskUnderALocalPrimary) {
  DrbdResource resource = diskless();
  resource.role = stated(kDrbdRoles, "Primary");
  resource.missing_backing = {{.volume = {0}, .path = "/dev/vg0/r0"}};
  EXPECT_FALSE(remedy_of_first(drbd_diskless_rule(), with(resource)));
  resource.missing_backing.clear();
  EXPECT_EQ(remedy_of_first(drbd_diskless_rule(), with(resource)).error().reason,
            Hold::primary_here);
}

TEST(DrbdDiskless, DoesNotMeddleWithSomebodysBringUp) {
  TestWorld world = with(diskless());
  world.known_for(29s, "drbd_diskless", test::resource_target("r0"));
  EXPECT_EQ(remedy_of_first(drbd_diskless_rule(), world).error().reason, Hold::unconfirmed);
  world.history.resources[{"r0"}].ever_connected = true;
  EXPECT_TRUE(remedy_of_first(drbd_diskless_rule(), world)) << "it came up long ago";
}

TEST(DrbdDiskless, WaitsUntilAFailedDiskIsLetGo) {
  DrbdResource resource = diskless();
  resource.devices.front().disk = stated(kDrbdDisks, "Failed");
  EXPECT_EQ(remedy_of_first(drbd_diskless_rule(), with(resource)).error().reason,
            Hold::storage_not_healthy_yet);
}

TEST(DrbdDiskless, LeavesSplitBrainAndOthersResourcesAlone) {
  DrbdResource resource = diskless();
  resource.split_brain = SplitBrainEvidence{.what = "helper split-brain"};
  EXPECT_EQ(remedy_of_first(drbd_diskless_rule(), with(resource)).error().reason,
            Hold::split_brain);
  resource = diskless();
  resource.other_manager = "linstor";
  EXPECT_EQ(remedy_of_first(drbd_diskless_rule(), with(resource)).error().reason,
            Hold::other_manager);
  resource = diskless();
  resource.configured.reset();
  EXPECT_EQ(remedy_of_first(drbd_diskless_rule(), with(resource)).error().reason,
            Hold::storage_unknown);
}

/// Shows the world's readings to the watch.
std::vector<ResourceName> look(ProgressWatch& watch, TestWorld& world) {
  return watch.look({.snapshot = world.snapshot, .policy = world.policy, .now = world.now});
}

TEST(DrbdDisconnected, ShowsAfterAMinuteOfTrying) {
  TestWorld world = with(r0().peer_gone());
  ProgressWatch watch(world.history);
  static_cast<void>(look(watch, world));
  EXPECT_TRUE(found_by(drbd_disconnected_rule(), world).empty());
  for (int i = 0; i < 12; ++i) {
    world.later(5s);
    static_cast<void>(look(watch, world));
  }
  ASSERT_EQ(found_by(drbd_disconnected_rule(), world).size(), 1U);
  EXPECT_EQ(found_by(drbd_disconnected_rule(), world).front().detail,
            "not connected to node2 (Connecting)");
  EXPECT_EQ(remedy_of_first(drbd_disconnected_rule(), world).error().reason, Hold::no_remedy);
}

TEST(DrbdDisconnected, CountsAnewAfterABlindSpell) {
  TestWorld world = with(r0().peer_gone());
  ProgressWatch watch(world.history);
  static_cast<void>(look(watch, world));
  world.later(2min);
  static_cast<void>(look(watch, world));
  EXPECT_TRUE(found_by(drbd_disconnected_rule(), world).empty());
}

DrbdResource resyncing(std::uint64_t left) {
  DrbdResource resource = r0().peer_disk(DrbdDisk::inconsistent, DrbdReplication::sync_source);
  resource.peers.front().devices.front().out_of_sync = kibibytes(left);
  resource.peers.front().devices.front().resync_suspended = "no";
  return resource;
}

TEST(ResyncStalled, ShowsWhatDoesNotMoveForFiveMinutes) {
  TestWorld world = with(resyncing(4096));
  ProgressWatch watch(world.history);
  for (int i = 0; i <= 60; ++i) {
    static_cast<void>(look(watch, world));
    EXPECT_EQ(found_by(resync_stalled_rule(), world).size(), i < 60 ? 0U : 1U) << i;
    world.later(5s);
  }
}

TEST(ResyncStalled, LeavesWhatMoves) {
  TestWorld world = with(resyncing(4096));
  ProgressWatch watch(world.history);
  for (int i = 0; i <= 100; ++i) {
    static_cast<void>(look(watch, world));
    ASSERT_TRUE(found_by(resync_stalled_rule(), world).empty());
    world.later(5s);
    world.snapshot.drbd.reading =
        TestWorld().with(resyncing(4096 - static_cast<std::uint64_t>(i))).snapshot.drbd.reading;
  }
}

TEST(ResyncStalled, ShowsAPauseAtOnce) {
  DrbdResource resource = resyncing(4096);
  resource.peers.front().devices.front().resync_suspended = "user";
  const auto found = found_by(resync_stalled_rule(), with(resource));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().detail, "in a resync that is paused (volume 0 with node2, by user)");
}

TEST(SuspendedIo, ShowsWhyAndResumesNothing) {
  EXPECT_TRUE(found_by(suspended_io_rule(), with(r0())).empty());
  const TestWorld world = with(r0().suspended("no-data"));
  ASSERT_EQ(found_by(suspended_io_rule(), world).size(), 1U);
  EXPECT_EQ(remedy_of_first(suspended_io_rule(), world).error().reason, Hold::no_remedy);
  EXPECT_EQ(remedy_of_first(suspended_io_rule(), world).error().opens_with, "");
}

TEST(QuorumLost, NeedsAQuorumThatIsConfigured) {
  EXPECT_TRUE(found_by(quorum_lost_rule(), with(r0())).empty());
  EXPECT_TRUE(found_by(quorum_lost_rule(), with(r0().quorum(false, false, true))).empty());
  EXPECT_EQ(found_by(quorum_lost_rule(), with(r0().quorum(true, false, false))).size(), 1U);
}

TEST(PeerBooted, ShowsWhatIsNotConnectedAgainAndRechecksWhatIsShared) {
  TestWorld world = with(r0().peer_gone());
  world.peer("node2");
  ProgressWatch watch(world.history);
  EXPECT_TRUE(look(watch, world).empty()) << "its first boot id is no news";
  world.snapshot.peers.front().facts.reading->boot_id = {"another"};
  world.later(1s);
  EXPECT_EQ(look(watch, world), std::vector<ResourceName>{{"r0"}});
  EXPECT_EQ(found_by(peer_booted_rule(), world).size(), 1U);
  EXPECT_TRUE(look(watch, world).empty());
  TestWorld connected = world;
  connected.snapshot.drbd.reading = with(r0()).snapshot.drbd.reading;
  EXPECT_TRUE(found_by(peer_booted_rule(), connected).empty());
}

}  // namespace
}  // namespace upkeep
