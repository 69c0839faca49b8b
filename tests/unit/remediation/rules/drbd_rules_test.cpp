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
  EXPECT_EQ(names, (Names{"vm_down", "drbd_down", "drbd_standalone", "drbd_split_brain"}));
}

TEST(AllRules, NeedOnlyTheirOwnSource) {
  for (const Rule& rule : all_rules()) {
    EXPECT_EQ(rule.needs.vms, rule.name == "vm_down") << rule.name;
    EXPECT_EQ(rule.needs.drbd, rule.name != "vm_down") << rule.name;
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

TEST(DrbdStandalone, IsAFindingForAPerson) {
  TestWorld world = with(r0().stand_alone());
  world.with(a_resource("r1", 2)).with(a_resource("r2", 3).peer_gone());
  world.history.resources[{"r0"}].ever_connected = true;
  EXPECT_EQ(found_by(drbd_standalone_rule(), world), Names{"r0"});
  EXPECT_EQ(drbd_standalone_rule().detect(world.view()).front().detail, "StandAlone towards node2");
  const auto action = remedy_of_first(drbd_standalone_rule(), world);
  ASSERT_FALSE(action);
  EXPECT_EQ(action.error().reason, Hold::no_remedy);
  EXPECT_EQ(action.error().opens_with, "drbdadm connect r0");
  EXPECT_NE(action.error().detail.find("it was connected"), std::string::npos);
}

TEST(DrbdStandalone, SaysWhenItWasNeverConnected) {
  const auto action = remedy_of_first(drbd_standalone_rule(), with(r0().stand_alone()));
  EXPECT_NE(action.error().detail.find("cut short"), std::string::npos);
}

TEST(DrbdStandalone, DoesNotSuggestToConnectAPrimaryWithWritesToLose) {
  DrbdResource resource = r0().role(DrbdRole::primary).stand_alone();
  resource.peers.front().devices.front().out_of_sync = kibibytes(4);
  const auto action = remedy_of_first(drbd_standalone_rule(), with(resource));
  EXPECT_EQ(action.error().opens_with, "");
  EXPECT_NE(action.error().detail.find("writes"), std::string::npos);
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
  EXPECT_EQ(action.error().opens_with, "");
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
