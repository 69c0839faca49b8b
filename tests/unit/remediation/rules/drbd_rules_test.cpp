#include <gtest/gtest.h>

#include "remediation/rules/rules.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::resource_target;
using test::TestWorld;

using Names = std::vector<std::string>;

Names found_by(const Rule& rule, const TestWorld& world) {
  Names names;
  for (const Finding& finding : rule.detect(world.view())) names.push_back(finding.subject.name);
  return names;
}

std::expected<Action, Held> remedy_of_first(const Rule& rule, const TestWorld& world) {
  const auto findings = rule.detect(world.view());
  if (findings.empty()) return std::unexpected(Held{.reason = Hold::facts_changed});
  return rule.remedy(findings.front(), world.view());
}

TestWorld with(const DrbdResource& resource) { return TestWorld().with(resource); }

auto r0() { return a_resource("r0", 1); }

TEST(AllRules, ListsEachRuleOnceInTheOrderOfReports) {
  Names names;
  for (const Rule& rule : all_rules()) names.emplace_back(rule.name);
  EXPECT_EQ(names,
            (Names{"vm_down", "vm_missing", "drbd_down", "drbd_standalone", "drbd_split_brain",
                   "drbd_diskless", "drbd_disconnected", "resync_stalled", "suspended_io",
                   "quorum_lost", "vm_paused_io", "vm_paused_other", "vm_disk_missing",
                   "vm_boot_unverified", "vm_monitor_stuck", "vm_unresponsive", "peer_booted"}));
}

TEST(AllRules, NeedOnlyTheirOwnSource) {
  for (const Rule& rule : all_rules()) {
    const bool about_vms = rule.name.starts_with("vm_");
    EXPECT_EQ(rule.needs.vms, about_vms) << rule.name;
    EXPECT_EQ(rule.needs.drbd, !about_vms) << rule.name;
  }
}

TEST(DrbdDown, BringsUpWhatIsConfiguredAndNotInTheKernel) {
  TestWorld world = with(r0().down());
  world.with(a_resource("r1", 2));
  EXPECT_EQ(found_by(drbd_down_rule(), world), Names{"r0"});
  const auto action = remedy_of_first(drbd_down_rule(), world);
  ASSERT_TRUE(action);
  EXPECT_EQ(*action, Action(BringUpResource{.resource = {"r0"}}));
}

TEST(DrbdDown, FindsThemAlsoWhenTheModuleIsNotLoaded) {
  TestWorld world = with(r0().down()).drbd_version("");
  EXPECT_EQ(found_by(drbd_down_rule(), world), Names{"r0"});
  EXPECT_TRUE(remedy_of_first(drbd_down_rule(), world));
}

TEST(DrbdDown, LeavesWhatIsNotConfiguredOrMaybeNot) {
  DrbdResource resource = r0().down();
  resource.configured = false;
  EXPECT_EQ(found_by(drbd_down_rule(), with(resource)), Names{});
  resource.configured.reset();
  EXPECT_EQ(found_by(drbd_down_rule(), with(resource)), Names{});
}

TEST(DrbdDown, SeesNothingInAStaleReadingOrWithDrbdSwitchedOff) {
  TestWorld stale = with(r0().down());
  stale.snapshot.drbd.at -= 11s;
  EXPECT_EQ(found_by(drbd_down_rule(), stale), Names{});
  TestWorld off = with(r0().down());
  off.snapshot.drbd_in_use = false;
  EXPECT_EQ(found_by(drbd_down_rule(), off), Names{});
}

TEST(DrbdDown, RespectsAnOperatorsDown) {
  TestWorld world = with(r0().down());
  world.history.resources[{"r0"}].seen_up = true;
  const auto action = remedy_of_first(drbd_down_rule(), world);
  ASSERT_FALSE(action);
  EXPECT_EQ(action.error().reason, Hold::down_by_operator);
  EXPECT_EQ(action.error().opens_with, "drbdadm adjust r0");
}

TEST(DrbdDown, LeavesOtherManagersResourcesAlone) {
  EXPECT_EQ(
      remedy_of_first(drbd_down_rule(), with(r0().down().managed_by("linstor"))).error().reason,
      Hold::other_manager);
  TestWorld cluster = with(r0().down());
  cluster.policy.foreign_cluster_manager = true;
  EXPECT_EQ(remedy_of_first(drbd_down_rule(), cluster).error().reason, Hold::other_manager);
}

TEST(DrbdDown, GoesOnWithABringUpOfItsOwnThatWasCutShort) {
  const TestWorld half = with(r0().disk(DrbdDisk::diskless).stand_alone());
  // Not ours: it may be a disk that failed.
  EXPECT_EQ(found_by(drbd_down_rule(), half), Names{});
  TestWorld ours = half;
  ours.tried(resource_target("r0")).in_row = 1;
  EXPECT_EQ(found_by(drbd_down_rule(), ours), Names{"r0"});
  EXPECT_TRUE(remedy_of_first(drbd_down_rule(), ours));
  ours.history.resources[{"r0"}].seen_up = true;
  EXPECT_EQ(found_by(drbd_down_rule(), ours), Names{});
}

TEST(DrbdDown, TriesOnceWithoutABackingDeviceAndThenWaitsForIt) {
  DrbdResource resource = r0().down();
  resource.missing_backing = {{.volume = {0}, .path = "/dev/vg0/r0"}};
  EXPECT_TRUE(remedy_of_first(drbd_down_rule(), with(resource))) << "all but its disk comes up";
  resource = r0().disk(DrbdDisk::diskless).stand_alone();
  resource.missing_backing = {{.volume = {0}, .path = "/dev/vg0/r0"}};
  TestWorld half = with(resource);
  half.tried(resource_target("r0")).in_row = 1;
  const auto held = remedy_of_first(drbd_down_rule(), half);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().reason, Hold::disk_missing);
  EXPECT_EQ(held.error().detail, "/dev/vg0/r0 does not exist");
}

TEST(DrbdDown, ABootIsDefiniteEvidence) {
  TestWorld world = with(r0().down());
  world.history.started = world.now - 5s;
  EXPECT_FALSE(drbd_down_rule().detect(world.view()).front().confirmed);
  world.history.booted_since_record = true;
  const Finding found = drbd_down_rule().detect(world.view()).front();
  EXPECT_TRUE(found.confirmed);
  EXPECT_EQ(found.trigger, Trigger::event);
  world.history.started = world.now - 11min;
  EXPECT_FALSE(drbd_down_rule().detect(world.view()).front().confirmed);
}

TEST(DrbdDown, LeavesADiskThatFailedForGoodOut) {
  TestWorld world = with(r0().down());
  world.tried(resource_target("r0")).tries["attach_device"].latched_since = world.now;
  world.drbd_version("9.2.18");
  EXPECT_EQ(*remedy_of_first(drbd_down_rule(), world),
            Action(BringUpResource{.resource = {"r0"}, .skip_disk = true}));
  world.drbd_version("8.4.11");
  const auto held = remedy_of_first(drbd_down_rule(), world);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().reason, Hold::latched);
  EXPECT_EQ(held.error().opens_with, "upkeep release resource/r0");
}

/// StandAlone since a bring-up that was cut short: the one case that is mended.
DrbdResource cut_short() {
  DrbdResource resource = r0().stand_alone();
  resource.after_sb_all_disconnect = true;
  return resource;
}

TestWorld alone_for(Duration time) {
  TestWorld world = with(cut_short());
  world.known_for(time, "drbd_standalone", resource_target("r0"));
  return world;
}

Hold standalone_hold(const TestWorld& world) {
  const auto action = remedy_of_first(drbd_standalone_rule(), world);
  return action ? Hold::observing : action.error().reason;
}

TEST(DrbdStandalone, ReconnectsWhatABringUpLeftAlone) {
  TestWorld world = alone_for(30s);
  world.with(a_resource("r1", 2)).with(a_resource("r2", 3).peer_gone());
  EXPECT_EQ(found_by(drbd_standalone_rule(), world), Names{"r0"});
  EXPECT_EQ(drbd_standalone_rule().detect(world.view()).front().detail, "StandAlone towards node2");
  const auto action = remedy_of_first(drbd_standalone_rule(), world);
  ASSERT_TRUE(action);
  EXPECT_EQ(*action, Action(ReconnectResource{.resource = {"r0"}}));
}

TEST(DrbdStandalone, DoesNotMeddleWithSomebodysBringUp) {
  TestWorld world = alone_for(29s);
  const auto held = remedy_of_first(drbd_standalone_rule(), world);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().reason, Hold::unconfirmed);
  EXPECT_EQ(held.error().retry_at, world.now + 1s);
  // upkeep's own, cut short, is nobody else's; one of earlier, which came up, tells nothing.
  world.tried(resource_target("r0")).in_row = 1;
  EXPECT_TRUE(remedy_of_first(drbd_standalone_rule(), world));
  world.history.resources[{"r0"}].seen_up = true;
  EXPECT_EQ(standalone_hold(world), Hold::unconfirmed);
}

TEST(DrbdStandalone, NeverUndoesOrRepeatsWhatEndedTheLink) {
  const std::vector<std::pair<LinkLossCause, Hold>> all{
      {LinkLossCause::disconnected_by_operator, Hold::disconnected_by_operator},
      {LinkLossCause::trial_connect, Hold::disconnected_by_operator},
      {LinkLossCause::split_brain, Hold::split_brain},
      {LinkLossCause::role_conflict, Hold::link_refused},
      {LinkLossCause::unrelated_data, Hold::link_refused},
      {LinkLossCause::incompatible_settings, Hold::link_refused},
      {LinkLossCause::disk_size, Hold::link_refused},
      {LinkLossCause::authentication, Hold::link_refused},
      {LinkLossCause::unknown, Hold::link_loss_unknown}};
  for (const auto& [cause, hold] : all) {
    DrbdResource resource = cut_short();
    resource.peers.front().loss = LinkLoss{.cause = cause, .what = "as told"};
    const auto action = remedy_of_first(drbd_standalone_rule(), with(resource));
    ASSERT_FALSE(action) << to_string(cause);
    EXPECT_EQ(action.error().reason, hold) << to_string(cause);
    EXPECT_NE(action.error().detail.find(to_string(cause)), std::string::npos);
    EXPECT_NE(action.error().detail.find("as told"), std::string::npos);
  }
}

TEST(DrbdStandalone, OneLostPeerOfSeveralHoldsTheResource) {
  DrbdResource resource =
      r0().stand_alone().second_peer("node3", DrbdConnection::stand_alone, DrbdRole::unknown);
  resource.after_sb_all_disconnect = true;
  resource.peers.back().loss = LinkLoss{.cause = LinkLossCause::disconnected_by_operator};
  EXPECT_EQ(standalone_hold(with(resource)), Hold::disconnected_by_operator);
}

TEST(DrbdStandalone, LeavesALinkThatWasUpAndNothingTellsWhyItIsNot) {
  TestWorld world = with(cut_short());
  world.history.resources[{"r0"}].ever_connected = true;
  EXPECT_EQ(standalone_hold(world), Hold::link_loss_unknown);
}

TEST(DrbdStandalone, NeedsPoliciesThatDiscardNothing) {
  DrbdResource resource = cut_short();
  resource.after_sb_all_disconnect = false;
  EXPECT_EQ(standalone_hold(with(resource)), Hold::after_sb_policy);
  resource.after_sb_all_disconnect.reset();
  EXPECT_EQ(standalone_hold(with(resource)), Hold::after_sb_policy) << "unknown is no";
}

TEST(DrbdStandalone, LeavesAPrimaryWithWritesToLose) {
  DrbdResource resource = cut_short();
  resource.role = stated(kDrbdRoles, "Primary");
  resource.peers.front().devices.front().out_of_sync.reset();
  EXPECT_EQ(standalone_hold(with(resource)), Hold::unsent_writes) << "unknown is not none";
  resource.peers.front().devices.front().out_of_sync = Bytes{0};
  TestWorld nothing_unsent = with(resource);
  nothing_unsent.known_for(30s, "drbd_standalone", resource_target("r0"));
  EXPECT_TRUE(remedy_of_first(drbd_standalone_rule(), nothing_unsent));
  resource.peers.front().devices.front().out_of_sync = kibibytes(4);
  const auto action = remedy_of_first(drbd_standalone_rule(), with(resource));
  ASSERT_FALSE(action);
  EXPECT_EQ(action.error().reason, Hold::unsent_writes);
  EXPECT_EQ(action.error().opens_with, "");
}

TEST(DrbdStandalone, LeavesOtherManagersResourcesAndUnknownRolesAlone) {
  DrbdResource resource = cut_short();
  resource.other_manager = "linstor";
  EXPECT_EQ(standalone_hold(with(resource)), Hold::other_manager);
  TestWorld cluster = with(cut_short());
  cluster.policy.foreign_cluster_manager = true;
  EXPECT_EQ(standalone_hold(cluster), Hold::other_manager);
  resource = cut_short();
  resource.role = stated(kDrbdRoles, "Unknown");
  EXPECT_EQ(standalone_hold(with(resource)), Hold::storage_unknown);
}

TEST(DrbdStandalone, LeavesSplitBrainToItsOwnRule) {
  const TestWorld world = with(r0().stand_alone().split_brain("helper split-brain"));
  EXPECT_EQ(found_by(drbd_standalone_rule(), world), Names{});
  EXPECT_EQ(found_by(drbd_split_brain_rule(), world), Names{"r0"});
}

TEST(DrbdSplitBrain, IsKnownFromTheReadingOrFromTheRecord) {
  EXPECT_EQ(found_by(drbd_split_brain_rule(), with(r0())), Names{});
  TestWorld remembered = with(r0().stand_alone());
  remembered.history.resources[{"r0"}].split_brain = SplitBrainEvidence{.what = "helper"};
  EXPECT_EQ(found_by(drbd_split_brain_rule(), remembered), Names{"r0"});
  EXPECT_EQ(found_by(drbd_standalone_rule(), remembered), Names{});
}

TEST(DrbdSplitBrain, TellsTheStepsAndTakesNone) {
  const auto action =
      remedy_of_first(drbd_split_brain_rule(), with(r0().split_brain("helper split-brain")));
  ASSERT_FALSE(action);
  EXPECT_EQ(action.error().reason, Hold::no_remedy);
  EXPECT_EQ(action.error().opens_with, "upkeep drbd resolve r0");
  EXPECT_NE(action.error().detail.find("upkeep drbd resolve r0 --keep-local"), std::string::npos);
  EXPECT_NE(action.error().detail.find("drbdadm connect --discard-my-data r0"), std::string::npos);
}

TEST(DrbdFindings, SeeNothingInAStaleReading) {
  TestWorld stale = with(r0().stand_alone());
  stale.with(a_resource("r1", 2).split_brain("helper"));
  stale.snapshot.drbd.at -= 11s;
  EXPECT_EQ(found_by(drbd_standalone_rule(), stale), Names{});
  EXPECT_EQ(found_by(drbd_split_brain_rule(), stale), Names{});
}

}  // namespace
}  // namespace upkeep
