#include "app/daemon/peer_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediation/drbd_peer.h"

namespace upkeep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

DrbdResource resource(const std::vector<std::string>& peers) {
  DrbdResource resource;
  for (const std::string& name : peers) resource.peers.emplace_back().name = NodeName{name};
  return resource;
}

TEST(PeerNames, AreThoseThatDrbdTells) {
  Drbd drbd;
  EXPECT_TRUE(drbd_peers(drbd).empty());
  drbd.resources = {resource({"beta", "gamma"}), resource({"beta"}), resource({"peer"}),
                    resource({""})};
  EXPECT_THAT(drbd_peers(drbd), ElementsAre(NodeName{"beta"}, NodeName{"gamma"}));
}

TEST(PeerNames, ThatDifferOnBothSidesMayMeanOneNode) {
  const auto doubt = peer_name_doubt({{"n2"}, {"gamma"}}, {{"beta"}, {"gamma"}});
  ASSERT_TRUE(doubt);
  EXPECT_THAT(*doubt, HasSubstr("[[peer]] n2, and no [[peer]] is named like its beta:"));
}

TEST(PeerNames, ThatAreMissingOnOneSideOnlyAreNoDoubt) {
  EXPECT_FALSE(peer_name_doubt({}, {{"beta"}})) << "peers are optional";
  EXPECT_FALSE(peer_name_doubt({{"n2"}}, {})) << "no DRBD is shared, or its names are not known";
  EXPECT_FALSE(peer_name_doubt({{"beta"}, {"n3"}}, {{"beta"}})) << "n3 shares no resource";
  EXPECT_FALSE(peer_name_doubt({{"beta"}}, {{"beta"}, {"gamma"}})) << "gamma has no upkeep";
}

TEST(PeerNames, ADomainOnOneSideIsNoDoubtUnlessTwoShareTheShortName) {
  EXPECT_FALSE(peer_name_doubt({{"beta.example"}}, {{"beta"}}));
  EXPECT_FALSE(peer_name_doubt({{"beta"}}, {{"beta.example"}}));
  const auto doubt = peer_name_doubt({{"beta.a"}, {"beta.b"}}, {{"beta"}});
  ASSERT_TRUE(doubt);
  EXPECT_THAT(*doubt, HasSubstr("DRBD's beta may be more than one [[peer]]"));
  EXPECT_FALSE(peer_name_doubt({{"beta.a"}, {"beta.b"}}, {{"beta.a"}}));
}

TEST(PeerNames, AShortOneThatTwoOfDrbdsMayHaveIsInDoubt) {
  const auto doubt = peer_name_doubt({{"beta"}}, {{"beta.a"}, {"beta.b"}});
  ASSERT_TRUE(doubt);
  EXPECT_THAT(*doubt, HasSubstr("[[peer]] beta may be more than one of DRBD's peers"));
}

}  // namespace
}  // namespace upkeep
