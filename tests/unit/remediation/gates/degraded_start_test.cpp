#include "remediation/gates/degraded_start.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "remediation/gates/storage_gate.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::kNow;
using test::TestWorld;
using test::uuid_of;

Vm web1() { return a_vm("web1").off(VmReason::crashed).on_drbd(1); }

DrbdResource r0() {
  DrbdResource resource = a_resource("r0", 1).peer_gone();
  resource.devices.front().crashed_primary = true;
  return resource;
}

/// This node was Primary when the power went, web1 ran here, and node2 has been silent for 5 min.
TestWorld after_power_cut(const DrbdResource& resource = r0()) {
  TestWorld world;
  world.with(web1()).with(resource).wanted("web1", StopCause::node_down);
  for (const DrbdPeer& peer : resource.peers) {
    world.history.progress[{"r0"}].unconnected_since[peer.node_id] = kNow - 5min;
  }
  return world;
}

TestWorld& say(TestWorld& world, Standing::Kind kind, const std::string& subject) {
  world.history.standings[{kind, subject}] = {
      .kind = kind, .subject = subject, .by = "anna", .reason = "", .at = test::kWall};
  return world;
}

TestWorld allowed(const DrbdResource& resource = r0()) {
  TestWorld world = after_power_cut(resource);
  return say(world, Standing::Kind::allow_degraded, uuid_of("web1"));
}

bool is_open(const TestWorld& world) { return storage_gate(web1(), world.view()).has_value(); }

Held held_by(const TestWorld& world) { return storage_gate(web1(), world.view()).error(); }

TEST(DegradedStart, SilenceAloneIsNeverGone) {
  EXPECT_EQ(held_by(after_power_cut()).reason, Hold::peer_not_connected);
}

TEST(DegradedStart, APersonsWordOnTheVmOrOnTheNodeOpens) {
  EXPECT_TRUE(is_open(allowed()));
  TestWorld dead = after_power_cut();
  EXPECT_TRUE(is_open(say(dead, Standing::Kind::peer_dead, "node2")));
}

TEST(DegradedStart, AWordOnSomethingElseOpensNothing) {
  TestWorld other = after_power_cut();
  say(other, Standing::Kind::allow_degraded, uuid_of("web2"));
  EXPECT_FALSE(is_open(say(other, Standing::Kind::peer_dead, "node3")));
}

TEST(DegradedStart, On84TheKernelMustBeToldAfterTheWordAsBefore) {
  TestWorld world = allowed();
  const auto clearance = storage_gate(web1(), world.drbd_version("8.4.11").view());
  ASSERT_TRUE(clearance);
  EXPECT_EQ(clearance->promote, std::vector<ResourceName>{{"r0"}});
}

TEST(DegradedStart, TakesProofThatThisNodeWroteLast) {
  const std::vector<std::function<void(TestWorld&, DrbdResource&)>> doubts{
      [](TestWorld&, DrbdResource& resource) { resource.devices[0].crashed_primary = false; },
      [](TestWorld&, DrbdResource& resource) { resource.devices[0].crashed_primary.reset(); },
      [](TestWorld& world, DrbdResource&) { world.history.intents.clear(); },
      [](TestWorld& world, DrbdResource&) { world.wanted("web1", StopCause::moved_away); },
      [](TestWorld& world, DrbdResource&) { world.wanted("web1", StopCause::never_ran); },
      [](TestWorld&, DrbdResource& resource) { resource.may_promote = false; },
      [](TestWorld&, DrbdResource& resource) { resource.devices[0].quorum = false; },
  };
  for (std::size_t i = 0; i < doubts.size(); ++i) {
    TestWorld world = allowed();
    DrbdResource resource = r0();
    doubts[i](world, resource);
    world.with(resource);
    const auto clearance = storage_gate(web1(), world.view());
    ASSERT_FALSE(clearance) << "doubt " << i;
    EXPECT_EQ(clearance.error().reason, Hold::peer_not_connected) << "doubt " << i;
    EXPECT_NE(clearance.error().detail.find("a person allows a start without it, but"),
              std::string::npos)
        << clearance.error().detail;
  }
}

TEST(DegradedStart, NeverGoesAgainstWhatAlwaysCloses) {
  EXPECT_EQ(
      held_by(allowed(a_resource("r0", 1).peer_gone().split_brain("helper split-brain"))).reason,
      Hold::split_brain);
  EXPECT_EQ(held_by(allowed(a_resource("r0", 1).disk(DrbdDisk::outdated).peer_gone())).reason,
            Hold::storage_not_up_to_date);
  EXPECT_EQ(held_by(allowed(a_resource("r0", 1).peer_gone().second_peer(
                        "node3", DrbdConnection::connected, DrbdRole::primary)))
                .reason,
            Hold::peer_primary);
  TestWorld runs_there = allowed();
  runs_there.peer("node2", {"web1"});
  EXPECT_EQ(held_by(runs_there).reason, Hold::runs_elsewhere);
}

TEST(DegradedStart, APeerOfUnknownRoleMayBeWriting) {
  DrbdResource resource = a_resource("r0", 1).peer_gone().second_peer(
      "node3", DrbdConnection::connected, DrbdRole::unknown);
  resource.devices[0].crashed_primary = true;
  EXPECT_EQ(held_by(allowed(resource)).reason, Hold::storage_unknown);
}

TEST(DegradedStart, EveryAbsentPeerMustBeDead) {
  DrbdResource resource = a_resource("r0", 1).peer_gone().second_peer(
      "node3", DrbdConnection::connecting, DrbdRole::unknown);
  resource.devices[0].crashed_primary = true;
  TestWorld world = after_power_cut(resource);
  EXPECT_FALSE(is_open(say(world, Standing::Kind::peer_dead, "node2")));
  EXPECT_TRUE(is_open(say(world, Standing::Kind::peer_dead, "node3")));
}

TEST(DegradedStart, ALinkThatIsNotTriedTellsNothing) {
  DrbdResource resource = a_resource("r0", 1).stand_alone();
  resource.devices[0].crashed_primary = true;
  const Held held = held_by(allowed(resource));
  EXPECT_EQ(held.reason, Hold::peer_not_connected);
  EXPECT_EQ(held.opens_with, "drbdadm connect r0");
}

TEST(DegradedStart, ANamelessPeerIsTheOnlyConfiguredNodeOrNobody) {
  DrbdResource resource = r0();
  resource.peers[0].name = {"peer"};
  TestWorld world = after_power_cut(resource);
  say(world, Standing::Kind::peer_dead, "node2");
  EXPECT_FALSE(is_open(world));
  world.policy.peers = {{"node2"}};
  EXPECT_TRUE(is_open(world));
  world.policy.peers = {{"node2"}, {"node3"}};
  EXPECT_FALSE(is_open(world));
}

TEST(DegradedStart, TheWordIsSaidByTheConfigurationsName) {
  for (const auto& [drbd, peer] : {std::pair{"node2", "node2.a"}, std::pair{"node2.a", "node2"}}) {
    DrbdResource resource = r0();
    resource.peers[0].name = {drbd};
    TestWorld world = after_power_cut(resource);
    world.policy.peers = {{peer}};
    EXPECT_FALSE(is_open(world));
    EXPECT_TRUE(is_open(say(world, Standing::Kind::peer_dead, peer))) << peer;
  }
}

TEST(DegradedStart, AShortNameThatTwoNodesShareBuriesNeither) {
  TestWorld world = after_power_cut();
  world.policy.peers = {{"node2.a"}, {"node2.b"}};
  say(world, Standing::Kind::peer_dead, "node2.a");
  say(world, Standing::Kind::peer_dead, "node2");
  EXPECT_FALSE(is_open(world)) << "DRBD's node2 may be node2.b";
}

TEST(DegradedStart, AShortNameThatTwoOfDrbdsNodesShareBuriesNeither) {
  DrbdResource resource = r0();
  resource.peers[0].name = {"node2.a"};
  TestWorld world = after_power_cut(resource);
  world.policy.peers = {{"node2"}};
  say(world, Standing::Kind::peer_dead, "node2");
  ASSERT_TRUE(is_open(world));
  DrbdResource other = a_resource("r1", 2);
  other.peers[0].name = {"node2.b"};
  world.with(other);
  EXPECT_FALSE(is_open(world)) << "node2 may be node2.b";
  world.policy.peers = {{"node2.a"}};
  EXPECT_FALSE(is_open(world));
  EXPECT_TRUE(is_open(say(world, Standing::Kind::peer_dead, "node2.a")));
}

TEST(DegradedStart, ANodeThatIsHeardIsNotDeadWhateverWasSaid) {
  TestWorld world = after_power_cut();
  world.peer("node2");
  Peer& peer = world.snapshot.peers.back();
  peer.facts.reading = fail(Errc::unavailable, "connection timed out");
  ASSERT_TRUE(is_open(say(world, Standing::Kind::peer_dead, "node2")));
  peer.heard = world.now;
  EXPECT_FALSE(is_open(world)) << "the last look before the start counts too";
  say(world, Standing::Kind::allow_degraded, uuid_of("web1"));
  EXPECT_TRUE(is_open(world)) << "who allows the VM says nothing of the node";
}

TEST(DegradedStart, ADomainHidesNoAnswer) {
  TestWorld world = after_power_cut();
  world.policy.allow_degraded_after = 1min;
  ASSERT_TRUE(is_open(world));
  world.peer("node2.example");
  EXPECT_FALSE(is_open(world)) << "its upkeep answers";
}

// [drbd] allow_degraded = "after 10m"

TEST(DegradedStart, TheConfigurationOpensAfterTheSilenceItNames) {
  TestWorld world = after_power_cut();
  world.policy.allow_degraded_after = 10min;
  const Held held = held_by(world);
  EXPECT_EQ(held.retry_at, kNow + 5min);
  EXPECT_TRUE(is_open(world.later(5min)));
}

TEST(DegradedStart, TheConfigurationTrustsNoSilenceOfANodeWhoseUpkeepAnswers) {
  TestWorld world = after_power_cut();
  world.policy.allow_degraded_after = 1min;
  EXPECT_TRUE(is_open(world));
  world.peer("node2");
  EXPECT_FALSE(is_open(world));
  world.snapshot.peers.back().facts.reading = fail(Errc::unavailable, "it can't ask its libvirt");
  EXPECT_TRUE(is_open(world));
  world.snapshot.peers.back().heard = world.now;
  EXPECT_FALSE(is_open(world)) << "half an answer is no silence";
}

TEST(DegradedStart, TheConfigurationCountsFromWhenItWasLookedAt) {
  TestWorld world = after_power_cut();
  world.policy.allow_degraded_after = 1min;
  world.history.progress.clear();
  EXPECT_FALSE(is_open(world));
  EXPECT_EQ(held_by(world).retry_at, std::nullopt);
}

// What a person is told to do.

TEST(DegradedStart, OffersNoWayAroundAPeerThatMayBeBooting) {
  TestWorld world = after_power_cut();
  world.history.progress[{"r0"}].unconnected_since[1] = kNow - 20s;
  EXPECT_EQ(held_by(world).opens_with, "");
  EXPECT_EQ(held_by(after_power_cut()).opens_with, "upkeep peer declare-dead node2");
}

TEST(DegradedStart, OffersTheVmsOwnWordWhereTheNodeIsNamelessOrAlive) {
  TestWorld alive = after_power_cut();
  EXPECT_EQ(held_by(alive.peer("node2")).opens_with, "upkeep allow-degraded web1");
  DrbdResource nameless = r0();
  nameless.peers[0].name = {"peer"};
  EXPECT_EQ(held_by(after_power_cut(nameless)).opens_with, "upkeep allow-degraded web1");
}

TEST(DegradedStart, OffersTheVmsOwnWordWhereNoWordCanBuryTheNode) {
  TestWorld world = after_power_cut();
  world.policy.peers = {{"node2.a"}, {"node2.b"}};
  EXPECT_EQ(held_by(world).opens_with, "upkeep allow-degraded web1");
  world.policy.peers = {{"node2.a"}, {"node3"}};
  EXPECT_EQ(held_by(world).opens_with, "upkeep peer declare-dead node2");
  DrbdResource resource = a_resource("r0", 1).peer_gone().second_peer(
      "node3.a", DrbdConnection::connecting, DrbdRole::unknown);
  resource.devices[0].crashed_primary = true;
  world = after_power_cut(resource);
  world.policy.peers = {{"node2"}, {"node3"}};
  EXPECT_EQ(held_by(world).opens_with, "upkeep peer declare-dead node2");
  world.with(DrbdResource(
      a_resource("r1", 2).second_peer("node3.b", DrbdConnection::connected, DrbdRole::secondary)));
  EXPECT_EQ(held_by(world).opens_with, "upkeep allow-degraded web1") << "which is node3?";
}

TEST(DegradedStart, WithoutProofOnlyAPersonCanPromote) {
  DrbdResource resource = r0();
  resource.devices[0].crashed_primary = false;
  EXPECT_EQ(held_by(after_power_cut(resource)).opens_with, "drbdadm primary r0");
}

}  // namespace
}  // namespace upkeep
