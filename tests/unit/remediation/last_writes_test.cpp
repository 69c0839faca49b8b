#include "remediation/last_writes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "remediation/explain.h"
#include "remediation/plan.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::resource_target;
using test::TestWorld;

/// As `upkeep why resource/r0` shows them. Times are in the node's zone: here UTC.
class LastWrites : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }

  static Explanation explained(const TestWorld& world) {
    RemediationView view;
    view.mode = world.policy.mode;
    view.at = world.now;
    view.wall = world.snapshot.wall;
    view.decisions = plan(world.view()).decisions;
    view.history = world.history;
    view.policy = std::make_shared<const Policy>(world.policy);
    return explain(resource_target("r0"), world.snapshot, view);
  }

  static bool has(const std::vector<std::string>& lines, const std::string& part) {
    return std::ranges::any_of(
        lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
  }
};

DrbdResource a_split_resource(DrbdRole role) {
  DrbdResource r0 = a_resource("r0", 1).stand_alone().role(role).split_brain("helper split-brain");
  r0.peers.front().devices.front().out_of_sync = Bytes{std::uint64_t{320} * 1024};
  return r0;
}

TEST_F(LastWrites, ASplitBrainSaysWhoWroteLastOnEachSide) {
  TestWorld world;
  world.with(a_split_resource(DrbdRole::primary)).with(a_vm("web1").off().on_drbd(1));
  world.wanted("web1", StopCause::crashed).peer("node2", {"web1"});
  world.confirmed("drbd_split_brain", resource_target("r0"));
  const Explanation split = explained(world);
  for (const char* fact :
       {"here: this node is Primary: something here is writing to it now",
        "here: the link to node2 is StandAlone; 320.0 KiB here differ from what it had",
        "here: web1 has a disk on it and is shut off (unknown) here; last stop: crashed",
        "there: whether node2 is Primary, and what it wrote, can't be seen from here; its upkeep "
        "says that there is active: web1; look there: upkeep why resource/r0 on node2"}) {
    EXPECT_TRUE(has(split.facts, fact)) << fact << " in " << testing::PrintToString(split.facts);
  }
  EXPECT_TRUE(has(split.commands, "upkeep drbd resolve r0"));
}

TEST_F(LastWrites, ASplitBrainTellsWhenThisNodeWasPrimaryAlone) {
  TestWorld world;
  world.with(a_split_resource(DrbdRole::secondary));
  EXPECT_TRUE(has(explained(world).facts, "here: this node is Secondary; nothing"));
  DrbdResource crashed = a_split_resource(DrbdRole::secondary);
  crashed.devices.front().crashed_primary = true;
  world.with(crashed);
  EXPECT_TRUE(has(explained(world).facts,
                  "here: this node is Secondary; it was Primary when it went down hard"));
  world.history.resources[{"r0"}].primary_alone = true;
  EXPECT_TRUE(has(explained(world).facts,
                  "here: this node is Secondary; it was Primary in this boot while no peer"));
}

TEST_F(LastWrites, ASplitBrainSaysWhenEachSideWasLastSeenPrimaryAlsoInAnEarlierBoot) {
  TestWorld world;
  world.with(a_split_resource(DrbdRole::secondary));
  EXPECT_TRUE(has(explained(world).facts, "here: no time on record when this node was seen"));
  EXPECT_TRUE(has(explained(world).facts, "there: node2: no time on record when it was seen"));
  PrimaryRecord& record = world.history.last_primary;
  LastPrimary& here = record[{{"r0"}, {}}];
  here = {.since = test::kWall - 2h};
  EXPECT_TRUE(has(explained(world).facts,
                  "here: seen Primary here, first on 2026-11-22 01:12:04, and still at the last"));
  here = ended(here, PrimaryEnd::demoted_alone, test::kWall - 1h);
  EXPECT_TRUE(has(explained(world).facts,
                  "here: last seen Primary here on 2026-11-22 02:12:04, first on 2026-11-22 "
                  "01:12:04; then Secondary, with no peer connected"));
  here.end = PrimaryEnd::out_of_sight;
  EXPECT_TRUE(has(explained(world).facts, "01:12:04; what it was right after that, nobody here"));
  here.end = PrimaryEnd::demoted;
  EXPECT_TRUE(has(explained(world).facts, "then Secondary, while both sides were connected"));
  record[{{"r0"}, {"node2"}}] = {
      .since = test::kWall - 3h, .until = test::kWall - 2h, .end = PrimaryEnd::out_of_sight};
  record[{{"r1"}, {"node2"}}] = {.since = test::kWall};
  EXPECT_TRUE(has(explained(world).facts,
                  "there: node2: last seen Primary from here on 2026-11-22 01:12:04, first on "
                  "2026-11-22 00:12:04; what it was right after that, nobody here saw"));
}

TEST_F(LastWrites, TheHoldOfASplitBrainSaysWhoWroteLastTooButNothingThatEachWriteChanges) {
  TestWorld world;
  world.with(a_split_resource(DrbdRole::primary));
  world.confirmed("drbd_split_brain", resource_target("r0"));
  const Explanation split = explained(world);
  EXPECT_NE(split.headline.find("Here: this node is Primary: something here is writing to it now. "
                                "There: upkeep why resource/r0 on node2."),
            std::string::npos)
      << split.headline;
  EXPECT_EQ(split.headline.find("KiB"), std::string::npos);
}

TEST_F(LastWrites, APeerThatIsConnectedIsSeenAndAnOldAnswerIsCalledOld) {
  TestWorld world;
  const DrbdResource joined = a_resource("r0", 1).split_brain("helper split-brain");
  world.with(joined).with(a_vm("web1").on_drbd(1)).peer("node2", {"web1"});
  world.snapshot.peers.front().facts.at = world.now - 10min;
  EXPECT_TRUE(has(explained(world).facts,
                  "there: node2 is Secondary; its upkeep said 10 min ago that there is active: "
                  "web1"));
}

TEST_F(LastWrites, ADomainHidesNoAnswerUnlessTwoShareTheShortName) {
  TestWorld world;
  const DrbdResource joined = a_resource("r0", 1).split_brain("helper split-brain");
  world.with(joined).with(a_vm("web1").on_drbd(1)).peer("node2.a", {"web1"});
  EXPECT_TRUE(has(explained(world).facts, "its upkeep says that there is active: web1"));
  EXPECT_FALSE(has(explained(world.peer("node2.b")).facts, "its upkeep says"));
}

TEST_F(LastWrites, AShortNameThatTwoNodesOfDrbdMayHaveSpeaksForNeither) {
  TestWorld world;
  DrbdResource r0 = a_split_resource(DrbdRole::secondary);
  r0.peers.front().name = NodeName{"node2.a"};
  world.with(r0).with(a_vm("web1").on_drbd(1)).peer("node2", {"web1"});
  EXPECT_TRUE(has(explained(world).facts, "its upkeep says that there is active: web1"));
  DrbdResource other = a_resource("r7", 7);
  other.peers.front().name = NodeName{"node2.b"};
  EXPECT_FALSE(has(explained(world.with(other)).facts, "its upkeep says"));
}

TEST_F(LastWrites, WithoutASplitBrainNobodyIsAskedWhoWroteLast) {
  TestWorld world;
  world.with(a_resource("r0", 1).stand_alone());
  EXPECT_FALSE(has(explained(world).facts, "here: "));
  world.history.resources[{"r0"}].split_brain = {.what = "helper split-brain"};
  EXPECT_TRUE(has(explained(world).facts, "here: ")) << "what is on record counts";
}

TEST_F(LastWrites, APeerWithoutANameIsTheOtherNode) {
  DrbdResource r0 = a_split_resource(DrbdRole::secondary);
  r0.peers.front().name = NodeName{std::string(kPeerOf84)};
  EXPECT_EQ(other_side(r0), "the other node");
  EXPECT_TRUE(has(writes_there(r0, TestWorld().with(r0).view()), "look there: upkeep why"));
}

TEST_F(LastWrites, AResourceThatIsDownWasPrimaryAllTheSame) {
  TestWorld world;
  const DrbdResource down = a_resource("r0", 1).down();
  world.with(down).history.resources[{"r0"}].primary_alone = true;
  EXPECT_EQ(role_fact(down, world.view()),
            "the resource is down; it was Primary in this boot while no peer was connected");
}

TEST_F(LastWrites, WhileLibvirtIsAwayTheVmsAreNotTakenForAll) {
  TestWorld world;
  const DrbdResource r0 = a_split_resource(DrbdRole::secondary);
  world.with(r0).with(a_vm("web1").on_drbd(1));
  EXPECT_FALSE(has(writes_here(r0, world.view()), "libvirt does not answer"));
  world.snapshot.vms.reading = fail(Errc::unavailable, "libvirtd is gone");
  EXPECT_TRUE(has(writes_here(r0, world.view()), "libvirt does not answer"));
}

}  // namespace
}  // namespace upkeep
