#include <gtest/gtest.h>

#include "remediation/history.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using test::a_resource;

TEST(ResourceHistory, RemembersThatItWasUp) {
  EXPECT_FALSE(after_look(ResourceHistory{}, a_resource("r0", 0).down()).seen_up);
  const ResourceHistory up = after_look(ResourceHistory{}, a_resource("r0", 0));
  EXPECT_TRUE(up.seen_up);
  EXPECT_TRUE(after_look(up, a_resource("r0", 0).down()).seen_up);
}

TEST(ResourceHistory, ABringUpCutShortIsNotUp) {
  const DrbdResource half = a_resource("r0", 0).disk(DrbdDisk::diskless).stand_alone();
  EXPECT_FALSE(is_brought_up(half));
  EXPECT_FALSE(after_look(ResourceHistory{}, half).seen_up);
  EXPECT_TRUE(is_brought_up(a_resource("r0", 0).stand_alone()));
  EXPECT_TRUE(is_brought_up(a_resource("r0", 0).disk(DrbdDisk::diskless)));
  EXPECT_FALSE(is_brought_up(a_resource("r0", 0).down()));
}

TEST(ResourceHistory, KnowsThatThisSideWroteAlone) {
  const auto primary = [] { return a_resource("r0", 0).role(DrbdRole::primary); };
  ResourceHistory known = after_look(ResourceHistory{}, primary());
  EXPECT_FALSE(known.primary_alone);
  known = after_look(known, primary().peer_gone());
  EXPECT_TRUE(known.primary_alone);
  known = after_look(known, a_resource("r0", 0).peer_gone());  // Secondary again, still alone.
  EXPECT_TRUE(known.primary_alone);
  EXPECT_FALSE(after_look(known, a_resource("r0", 0)).primary_alone);
}

TEST(ResourceHistory, OneConnectedPeerOfSeveralEndsBeingAlone) {
  const ResourceHistory alone{.seen_up = true, .primary_alone = true};
  const DrbdResource resource =
      a_resource("r0", 0)
          .role(DrbdRole::primary)
          .peer_gone()
          .second_peer("node3", DrbdConnection::connected, DrbdRole::secondary);
  EXPECT_FALSE(after_look(alone, resource).primary_alone);
}

TEST(ResourceHistory, ALinkThatCameAndWentBetweenReadingsCountsToo) {
  const DrbdEvent connected{.kind = DrbdEvent::Kind::connection_changed, .to = "Connected"};
  const ResourceHistory known = after_event({.primary_alone = true}, connected);
  EXPECT_FALSE(known.primary_alone);
  EXPECT_TRUE(known.ever_connected);
  const DrbdEvent lost{.kind = DrbdEvent::Kind::connection_changed, .to = "Connecting"};
  EXPECT_TRUE(after_event({.primary_alone = true}, lost).primary_alone);
}

TEST(ResourceHistory, EverConnectedIsAboutThisBringUp) {
  const ResourceHistory known = after_look(ResourceHistory{}, a_resource("r0", 0));
  EXPECT_TRUE(known.ever_connected);
  EXPECT_FALSE(after_look(known, a_resource("r0", 0).down()).ever_connected);
  const DrbdEvent gone{.kind = DrbdEvent::Kind::resource_destroyed};
  EXPECT_FALSE(after_event(known, gone).ever_connected);
}

TEST(ResourceHistory, SplitBrainStaysUntilTheSidesReplicateAgain) {
  const DrbdEvent helper{.kind = DrbdEvent::Kind::helper, .to = "split-brain"};
  ResourceHistory known = after_event({}, helper);
  ASSERT_TRUE(known.split_brain);
  known = after_look(known, a_resource("r0", 0).stand_alone());
  EXPECT_TRUE(known.split_brain);
  // 8.4 calls the handshake Connected already.
  known =
      after_look(known, a_resource("r0", 0).peer_disk(DrbdDisk::dunknown, DrbdReplication::off));
  EXPECT_TRUE(known.split_brain);
  EXPECT_FALSE(after_look(known, a_resource("r0", 0)).split_brain);
  EXPECT_TRUE(after_look(known, a_resource("r0", 0).split_brain("kernel log")).split_brain);
}

TEST(ResourceHistory, OtherHelpersAreNoSplitBrain) {
  for (const char* name : {"initial-split-brain", "before-resync-target", "fence-peer"}) {
    const DrbdEvent helper{.kind = DrbdEvent::Kind::helper, .to = name};
    EXPECT_FALSE(after_event({}, helper).split_brain) << name;
  }
}

}  // namespace
}  // namespace upkeep
