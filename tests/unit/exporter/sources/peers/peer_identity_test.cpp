#include "exporter/sources/peers/peer_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upkeep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PeerFacts answer(const std::string& name, const std::string& boot) {
  PeerFacts facts;
  facts.node = {name};
  facts.boot_id = {boot};
  return facts;
}

Peer peer(const std::string& name) { return Peer{.name = {name}}; }

TEST(PeerIdentity, ItsNameMayHaveADomainOrOtherCase) {
  EXPECT_TRUE(is_name_of(NodeName{"n2"}, NodeName{"n2"}));
  EXPECT_TRUE(is_name_of(NodeName{"n2"}, NodeName{"N2.example.com"}));
  EXPECT_TRUE(is_name_of(NodeName{"n2.example.com"}, NodeName{"n2"}));
  EXPECT_FALSE(is_name_of(NodeName{"n2"}, NodeName{"n1"}));
  EXPECT_FALSE(is_name_of(NodeName{"n2"}, NodeName{"n20.example.com"}));
  EXPECT_FALSE(is_name_of(NodeName{"n2.a.com"}, NodeName{"n2.b.com"}));
  EXPECT_FALSE(is_name_of(NodeName{""}, NodeName{".example.com"}));
}

TEST(PeerIdentity, WhoCallsItselfOtherwiseIsAnother) {
  EXPECT_FALSE(identity_fault(answer("n2", "b2"), NodeName{"n2"}, BootId{"b1"}));
  const auto fault = identity_fault(answer("n3", "b3"), NodeName{"n2"}, BootId{"b1"});
  ASSERT_TRUE(fault);
  EXPECT_THAT(*fault, HasSubstr("answers as n3, but [[peer]] calls it n2"));
  EXPECT_THAT(*fault, HasSubstr("correct its url"));
}

TEST(PeerIdentity, WhoIsInOurBootIsThisNodeWhateverItsName) {
  const auto fault = identity_fault(answer("n2", "b1"), NodeName{"n2"}, BootId{"b1"});
  ASSERT_TRUE(fault);
  EXPECT_THAT(*fault, HasSubstr("this node itself answers there"));
  EXPECT_FALSE(identity_fault(answer("n2", "b1"), NodeName{"n2"}, std::nullopt));
}

TEST(PeerIdentity, OneBootIsNotTwoPeers) {
  const std::vector<Peer> peers{peer("n2"), peer("n3"), peer("n4")};
  EXPECT_THAT(twins_among({answer("n2", "b"), answer("n3", "b"), answer("n4", "c")}, peers),
              ElementsAre(NodeName{"n3"}, NodeName{"n2"}, std::nullopt));
  EXPECT_THAT(
      twins_among({answer("n2", "a"), answer("n3", "b"), fail(Errc::timed_out, "late")}, peers),
      ElementsAre(std::nullopt, std::nullopt, std::nullopt));
}

TEST(PeerIdentity, ABootThatAPeerWasInIsNotAnothersNow) {
  std::vector<Peer> peers{peer("n2"), peer("n3")};
  peers[1].facts.reading = answer("n3", "b");
  EXPECT_THAT(twins_among({answer("n2", "b"), fail(Errc::timed_out, "late")}, peers),
              ElementsAre(NodeName{"n3"}, std::nullopt));
  EXPECT_THAT(twins_among({answer("n2", "a"), answer("n3", "b")}, peers),
              ElementsAre(std::nullopt, std::nullopt))
      << "the same as before is no other";
}

}  // namespace
}  // namespace upkeep
