#include "exporter/sources/replication/link_story.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace upkeep {
namespace {

using Knowledge = LinkStory::Knowledge;
using Witness = LinkStory::Witness;

LinkStory story(Witness witness, std::initializer_list<LinkPhase> phases) {
  LinkStory told(witness);
  for (const LinkPhase phase : phases) told.moved(phase, "moved", {});
  return told;
}

LinkLossCause cause(const LinkStory& told) {
  EXPECT_EQ(told.knowledge(), Knowledge::lost);
  return told.loss() ? told.loss()->cause : LinkLossCause::trial_connect;
}

TEST(LinkStory, KnowsNothingOfALinkThatWasStandAloneAtFirstSight) {
  EXPECT_EQ(story(Witness::stream, {LinkPhase::stand_alone}).knowledge(), Knowledge::nothing);
  EXPECT_EQ(LinkStory(Witness::kernel_log).knowledge(), Knowledge::nothing);
}

TEST(LinkStory, ABringUpThatNeverTriedToConnectLostNothing) {
  LinkStory told(Witness::stream);
  told.created();
  told.moved(LinkPhase::stand_alone, "create", {});
  EXPECT_EQ(told.knowledge(), Knowledge::never_lost);
  EXPECT_FALSE(told.loss());
  told.moved(LinkPhase::unconnected, "", {});
  EXPECT_EQ(told.knowledge(), Knowledge::elsewhere);
}

TEST(LinkStory, DisconnectingFromConnectedWasOrdered) {
  for (const Witness witness : {Witness::stream, Witness::kernel_log}) {
    const LinkStory told =
        story(witness, {LinkPhase::established, LinkPhase::disconnecting, LinkPhase::stand_alone});
    EXPECT_EQ(cause(told), LinkLossCause::disconnected_by_operator);
  }
}

TEST(LinkStory, BeforeAHandshakeOnlyTheLogTellsAnOrderFromARefusal) {
  const auto phases = {LinkPhase::unconnected, LinkPhase::trying, LinkPhase::disconnecting,
                       LinkPhase::stand_alone};
  EXPECT_EQ(cause(story(Witness::kernel_log, phases)), LinkLossCause::disconnected_by_operator);
  EXPECT_EQ(cause(story(Witness::stream, phases)), LinkLossCause::unknown);
}

TEST(LinkStory, WithinAHandshakeNobodyTellsAnOrderFromARefusal) {
  for (const Witness witness : {Witness::stream, Witness::kernel_log}) {
    EXPECT_EQ(cause(story(witness, {LinkPhase::trying, LinkPhase::handshake,
                                    LinkPhase::disconnecting, LinkPhase::stand_alone})),
              LinkLossCause::unknown);
  }
}

TEST(LinkStory, TheFirstKnownRefusalIsTheCause) {
  LinkStory told = story(Witness::kernel_log, {LinkPhase::trying, LinkPhase::handshake});
  told.refused({LinkLossCause::unknown, "dropping connection", {}});
  told.refused({LinkLossCause::unrelated_data, "Unrelated data", {}});
  told.refused({LinkLossCause::role_conflict, "later", {}});
  told.moved(LinkPhase::trying, "NetworkFailure", {});
  told.moved(LinkPhase::disconnecting, "", {});
  told.refused({LinkLossCause::authentication, "clearing away", {}});
  told.moved(LinkPhase::stand_alone, "", {});
  EXPECT_EQ(cause(told), LinkLossCause::unrelated_data);
}

TEST(LinkStory, ARefusalThatLedToANewAttemptIsForgotten) {
  LinkStory told = story(Witness::kernel_log, {LinkPhase::trying, LinkPhase::handshake});
  told.refused({LinkLossCause::trial_connect, "dry-run connect: …", {}});
  for (const LinkPhase phase :
       {LinkPhase::trying, LinkPhase::unconnected, LinkPhase::trying, LinkPhase::handshake,
        LinkPhase::established, LinkPhase::disconnecting, LinkPhase::stand_alone}) {
    told.moved(phase, "", {});
  }
  EXPECT_EQ(cause(told), LinkLossCause::disconnected_by_operator);
}

TEST(LinkStory, LostWithoutAWordIsUnknown) {
  EXPECT_EQ(cause(story(Witness::stream, {LinkPhase::established, LinkPhase::stand_alone})),
            LinkLossCause::unknown);
}

TEST(LinkStory, ALossEndsWithANewAttemptAndWithANewBringUp) {
  const LinkStory lost = story(
      Witness::stream, {LinkPhase::established, LinkPhase::disconnecting, LinkPhase::stand_alone});
  LinkStory again = lost;
  again.moved(LinkPhase::unconnected, "", {});
  EXPECT_FALSE(again.loss());
  LinkStory recreated = lost;
  recreated.created();
  EXPECT_EQ(recreated.knowledge(), Knowledge::never_lost);
}

TEST(LinkStory, ASplitBrainLastsUntilTheLinkIsEstablished) {
  LinkStory told = story(Witness::stream, {LinkPhase::trying, LinkPhase::handshake});
  told.refused({LinkLossCause::split_brain, "helper split-brain", {}});
  told.moved(LinkPhase::disconnecting, "", {});
  told.moved(LinkPhase::stand_alone, "", {});
  EXPECT_EQ(cause(told), LinkLossCause::split_brain);
  told.created();
  told.moved(LinkPhase::unconnected, "", {});
  told.moved(LinkPhase::handshake, "", {});
  EXPECT_TRUE(told.split_brain()) << "a new try proves nothing";
  told.moved(LinkPhase::established, "", {});
  EXPECT_FALSE(told.split_brain());
}

}  // namespace
}  // namespace upkeep
