#include "exporter/sources/peers/peer_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Tick kNow{1000h};

PeerFacts answer(const std::string& name, const std::string& boot) {
  PeerFacts facts;
  facts.node = {name};
  facts.boot_id = {boot};
  return facts;
}

std::optional<std::string> fault_of(const PeerFacts& facts, const std::string& name,
                                    const std::optional<BootId>& own,
                                    const std::vector<NodeName>& peers = {{"n2"}, {"n3"}}) {
  return identity_fault(facts, NodeName{name}, own, peers);
}

Peer peer(const std::string& name) { return Peer{.name = {name}}; }

TEST(PeerIdentity, WhoCallsItselfOtherwiseIsAnother) {
  EXPECT_FALSE(fault_of(answer("n2", "b2"), "n2", BootId{"b1"}));
  const auto fault = fault_of(answer("n3", "b3"), "n2", BootId{"b1"});
  ASSERT_TRUE(fault);
  EXPECT_THAT(*fault, HasSubstr("answers as n3, but [[peer]] calls it n2"));
  EXPECT_THAT(*fault, HasSubstr("correct its url"));
}

TEST(PeerIdentity, WhoIsInOurBootIsThisNodeWhateverItsName) {
  const auto fault = fault_of(answer("n2", "b1"), "n2", BootId{"b1"});
  ASSERT_TRUE(fault);
  EXPECT_THAT(*fault, HasSubstr("this node itself answers there"));
  EXPECT_FALSE(fault_of(answer("n2", "b1"), "n2", std::nullopt));
}

TEST(PeerIdentity, AShortNameThatTwoPeersShareIsNeithers) {
  const std::vector<NodeName> peers{{"n2.a.example"}, {"n2.b.example"}, {"n3.a.example"}};
  const auto fault = fault_of(answer("n2", "b2"), "n2.a.example", BootId{"b1"}, peers);
  ASSERT_TRUE(fault);
  EXPECT_THAT(*fault, HasSubstr("answers as n2, and so may n2.b.example: set `node`"));
  EXPECT_FALSE(fault_of(answer("n2.a.example", "b2"), "n2.a.example", BootId{"b1"}, peers));
  EXPECT_TRUE(fault_of(answer("n2.b.example", "b2"), "n2.a.example", BootId{"b1"}, peers));
  EXPECT_FALSE(fault_of(answer("N3", "b3"), "n3.a.example", BootId{"b1"}, peers));
}

TEST(PeerIdentity, WhoAnswersByTheExactNameIsThatPeerThoughAnotherHasADomain) {
  const std::vector<NodeName> peers{{"n2"}, {"n2.b"}};
  EXPECT_FALSE(fault_of(answer("n2", "b2"), "n2", BootId{"b1"}, peers));
  EXPECT_FALSE(fault_of(answer("N2", "b2"), "n2", BootId{"b1"}, peers));
  EXPECT_FALSE(fault_of(answer("n2.b", "b3"), "n2.b", BootId{"b1"}, peers));
  EXPECT_TRUE(fault_of(answer("n2", "b3"), "n2.b", BootId{"b1"}, peers));
  EXPECT_TRUE(fault_of(answer("n2.b", "b2"), "n2", BootId{"b1"}, peers));
  EXPECT_TRUE(fault_of(answer("n2.c", "b2"), "n2", BootId{"b1"}, {{"n2"}, {"N2"}}));
}

TEST(PeerIdentity, OneBootIsNotTwoPeers) {
  const std::vector<Peer> peers{peer("n2"), peer("n3"), peer("n4")};
  EXPECT_THAT(twins_among({answer("n2", "b"), answer("n3", "b"), answer("n4", "c")}, peers, kNow),
              ElementsAre(NodeName{"n3"}, NodeName{"n2"}, std::nullopt));
  EXPECT_THAT(twins_among({answer("n2", "a"), answer("n3", "b"), fail(Errc::timed_out, "late")},
                          peers, kNow),
              ElementsAre(std::nullopt, std::nullopt, std::nullopt));
}

TEST(PeerIdentity, ABootThatAPeerWasInIsNotAnothersNow) {
  std::vector<Peer> peers{peer("n2"), peer("n3")};
  peers[1].facts = {.reading = answer("n3", "b"), .at = kNow - 10min};
  EXPECT_THAT(twins_among({answer("n2", "b"), fail(Errc::timed_out, "late")}, peers, kNow),
              ElementsAre(NodeName{"n3"}, std::nullopt));
  EXPECT_THAT(twins_among({answer("n2", "a"), answer("n3", "b")}, peers, kNow),
              ElementsAre(std::nullopt, std::nullopt))
      << "the same as before is no other";
}

TEST(PeerIdentity, ANodeThatWasGivenAnotherNameIsNotItsOldOneForEver) {
  std::vector<Peer> peers{peer("n2"), peer("n3")};
  peers[0].facts = {.reading = answer("n2", "b"), .at = kNow - 10min - 1s};
  EXPECT_THAT(twins_among({fail(Errc::timed_out, "late"), answer("n3", "b")}, peers, kNow),
              ElementsAre(std::nullopt, std::nullopt))
      << "nobody was n2 for ten minutes";
  peers[0].facts.at = kNow - 5s;
  EXPECT_THAT(twins_among({answer("n2", "c"), answer("n3", "b")}, peers, kNow),
              ElementsAre(std::nullopt, std::nullopt))
      << "n2 is in another boot now";
}

}  // namespace
}  // namespace upkeep
