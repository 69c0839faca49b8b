#include "remediation/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediation/plan.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::resource_target;
using test::TestWorld;
using test::vm_target;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// r0 in split brain, StandAlone and Secondary; web1 is off and has its disk on it.
TestWorld split_world() {
  return TestWorld()
      .with(a_resource("r0", 0).stand_alone().split_brain("helper split-brain"))
      .with(a_vm("web1").off().on_drbd(0));
}

std::optional<Held> discard(const TestWorld& world) {
  return resolve_hold({.resource = {"r0"}, .side = SplitBrainSide::discard_local}, world.view());
}
std::optional<Held> keep(const TestWorld& world) {
  return resolve_hold({.resource = {"r0"}, .side = SplitBrainSide::keep_local}, world.view());
}
Hold reason(const std::optional<Held>& held) { return held ? held->reason : Hold::observing; }

TEST(Resolve, GoesAheadOnEitherSideOfASplitBrain) {
  const TestWorld world = split_world();
  EXPECT_FALSE(discard(world));
  EXPECT_FALSE(keep(world));
}

TEST(Resolve, GoesAheadInEveryModeBecauseAPersonAsked) {
  for (const Mode mode : kModes) {
    TestWorld world = split_world();
    world.policy.mode = mode;
    world.policy.allowed_risk = Risk::low;
    EXPECT_FALSE(discard(world)) << to_string(mode);
    EXPECT_FALSE(keep(world)) << to_string(mode);
  }
}

TEST(Resolve, EvidenceOnRecordIsEnough) {
  TestWorld world = TestWorld().with(a_resource("r0", 0).peer_gone());
  EXPECT_EQ(reason(discard(world)), Hold::facts_changed);
  world.history.resources[{"r0"}].split_brain = SplitBrainEvidence{.what = "helper split-brain"};
  EXPECT_FALSE(discard(world));
  EXPECT_FALSE(keep(world));
}

TEST(Resolve, FindsNothingToResolveWithoutEvidenceAndStandAlone) {
  const TestWorld world = TestWorld().with(a_resource("r0", 0));
  for (const auto& held : {discard(world), keep(world)}) {
    ASSERT_TRUE(held);
    EXPECT_EQ(held->reason, Hold::facts_changed);
    EXPECT_THAT(held->detail, HasSubstr("nothing to resolve"));
  }
}

TEST(Resolve, StandAloneAloneIsEnoughToDiscardAndKeepsOnlyUnderAPrimary) {
  TestWorld world = TestWorld().with(a_resource("r0", 0).stand_alone());
  EXPECT_FALSE(discard(world));
  ASSERT_TRUE(keep(world));
  EXPECT_THAT(keep(world)->detail, HasSubstr("may overwrite this node's data"));
  world.with(a_resource("r0", 0).stand_alone().role(DrbdRole::primary));
  EXPECT_FALSE(keep(world));
}

TEST(Resolve, APrimaryNeverDiscards) {
  TestWorld world = split_world();
  for (const DrbdRole role : {DrbdRole::primary, DrbdRole::unknown}) {
    world.with(a_resource("r0", 0).stand_alone().role(role).split_brain("helper split-brain"));
    EXPECT_EQ(reason(discard(world)), Hold::primary_here);
    EXPECT_FALSE(keep(world));
  }
}

TEST(Resolve, DiscardsNothingUnderAVmThatIsNotOff) {
  using Held = std::pair<VmState, VmReason>;
  for (const auto& [state, why] :
       {Held{VmState::running, VmReason::booted}, Held{VmState::paused, VmReason::io_error},
        Held{VmState::suspended, VmReason::unknown}, Held{VmState::unknown, VmReason::unknown},
        Held{VmState::shutting_down, VmReason::unknown}}) {
    TestWorld world = split_world();
    world.with(a_vm("web1").state(state, why).on_drbd(0));
    const auto held = discard(world);
    ASSERT_TRUE(held) << to_string(state);
    EXPECT_EQ(held->reason, Hold::primary_here);
    EXPECT_THAT(held->detail, HasSubstr("web1"));
    EXPECT_FALSE(keep(world));
  }
  TestWorld other = split_world();
  other.with(a_vm("web2").on_drbd(1));
  EXPECT_FALSE(discard(other)) << "its disk is on another resource";
}

TEST(Resolve, ASecondaryIsProofEnoughWhileLibvirtIsAway) {
  TestWorld world = split_world();
  world.snapshot.vms.reading = fail(Errc::unavailable, "libvirtd is gone");
  EXPECT_FALSE(discard(world));
}

TEST(Resolve, DoesNothingItCannotSee) {
  for (const auto& blind :
       {+[](TestWorld& world) { world.now += 1min; },
        +[](TestWorld& world) { world.snapshot.drbd.reading = fail(Errc::unavailable, "gone"); }}) {
    TestWorld world = split_world();
    blind(world);
    EXPECT_EQ(reason(discard(world)), Hold::stale_drbd);
    EXPECT_EQ(reason(keep(world)), Hold::stale_drbd);
  }
  TestWorld unused = split_world();
  unused.snapshot.drbd_in_use = false;
  EXPECT_EQ(reason(discard(unused)), Hold::storage_unknown);
  TestWorld down = split_world();
  down.with(a_resource("r0", 0).down());
  EXPECT_EQ(reason(keep(down)), Hold::storage_unknown);
  EXPECT_EQ(reason(keep(TestWorld())), Hold::storage_unknown);
}

TEST(Resolve, WaitsForActionsOnTheResourceAndOnVmsThatUseIt) {
  for (const Target& target : {resource_target("r0"), vm_target("web1")}) {
    TestWorld world = split_world();
    world.tried(target).in_flight = 7;
    EXPECT_EQ(reason(discard(world)), Hold::in_flight) << to_string(target);
    EXPECT_EQ(reason(keep(world)), Hold::in_flight);
    world.tried(target) = {.stuck = true};
    EXPECT_EQ(reason(discard(world)), Hold::command_stuck);
    EXPECT_EQ(reason(keep(world)), Hold::command_stuck);
  }
  TestWorld others = split_world();
  others.with(a_vm("web2").off().on_drbd(1));
  others.tried(vm_target("web2")).in_flight = 8;
  others.tried(resource_target("r1")).in_flight = 9;
  EXPECT_FALSE(discard(others));
}

TEST(Resolve, GivesNothingUpThatAConnectedPeerHasToo) {
  TestWorld world =
      TestWorld().with(a_resource("r0", 0)
                           .second_peer("gamma", DrbdConnection::stand_alone, DrbdRole::unknown)
                           .split_brain("helper split-brain"));
  const auto held = discard(world);
  ASSERT_TRUE(held);
  EXPECT_THAT(held->detail, HasSubstr("connected to node2"));
  EXPECT_FALSE(keep(world)) << "the side that both have is kept against gamma";
  EXPECT_THAT(peers_given_up(*find_resource(world.snapshot, ResourceName{"r0"})),
              ElementsAre(NodeName{"gamma"}));
}

TEST(Resolve, NoRuleEverAsksForIt) {
  TestWorld world = split_world();
  world.policy.allowed_risk = Risk::high;
  const Plan planned = [&] {
    world.confirmed("drbd_split_brain", resource_target("r0"));
    return plan(world.view());
  }();
  ASSERT_FALSE(planned.decisions.empty());
  for (const Decision& decision : planned.decisions) {
    EXPECT_TRUE(std::holds_alternative<Held>(decision.verdict)) << decision.finding.rule;
  }
}

}  // namespace
}  // namespace upkeep
