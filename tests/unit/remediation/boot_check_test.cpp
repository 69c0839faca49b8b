// A start is done when the guest does its work, not when QEMU runs.
#include "remediation/boot_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "remediation/explain.h"
#include "tests/support/daemon_test.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::resource_target;
using test::uuid_of;
using test::vm_target;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// web1 lies on r0, has a check and 60 s to boot; it crashed, and its start has been begun.
class Boot : public test::DaemonTest {
 protected:
  Boot() {
    world_.with(a_resource("r0", 1).role(DrbdRole::primary)).with(a_vm("web1").on_drbd(1));
    world_.vm_policy(
        {.match = "web*", .health = {.kind = HealthCheck::Kind::agent}, .boot_timeout = 60s});
    start_daemon();
    pass(5s);
    world_.with(a_vm("web1").on_drbd(1).off(VmReason::crashed));
    step({.vm_events = {event("web1", VmEventKind::stopped_failed)}});
    EXPECT_THAT(executor_->submitted, SizeIs(1));
    recorder_.lines.clear();
  }
  /// The command ends well: QEMU runs.
  void runs() {
    clock_.advance(1s);
    succeeds(1, {.queue = 0ms, .storage = 0ms, .start = 1s, .command_sent = {}});
    world_.with(a_vm("web1").on_drbd(1));
    step();
  }
  /// By somebody else.
  void destroyed() { step({.vm_events = {event("web1", VmEventKind::stopped_destroyed)}}); }
  void says(bool healthy, std::optional<Tick> verified) {
    world_.snapshot.health = std::make_shared<const VmHealths>(
        VmHealths{{VmUuid{uuid_of("web1")},
                   {.healthy = healthy,
                    .detail = healthy ? "" : "the guest agent is not connected",
                    .at = clock_.now(),
                    .verified = verified}}});
  }
  [[nodiscard]] std::optional<Outcome> outcome() const { return journal_.actions.at(1).outcome; }
  [[nodiscard]] std::optional<Hold> hold_of_rule(std::string_view rule) const {
    const auto view = daemon_->view();
    for (const Decision& decision : view->decisions) {
      if (decision.finding.rule == rule) return hold_of(decision);
    }
    return std::nullopt;
  }
};

TEST_F(Boot, AStartSucceedsWhenTheGuestIsHealthy) {
  runs();
  says(false, std::nullopt);
  pass(20s);
  EXPECT_FALSE(outcome().has_value());
  EXPECT_THAT(daemon_->view()->in_flight, SizeIs(1));
  EXPECT_THAT(recorder_.starting_with("outage"), IsEmpty());
  clock_.advance(500ms);
  says(true, clock_.now());
  step();
  ASSERT_TRUE(outcome().has_value());
  EXPECT_EQ(outcome()->kind, Outcome::Kind::succeeded);
  // Begun at the crash: 1 s of command, 20.5 s until the guest was at work.
  EXPECT_THAT(recorder_.starting_with("outage"), ElementsAre("outage vm vm/web1 21500 ms"));
  EXPECT_THAT(recorder_.starting_with("phase vm verify"), ElementsAre("phase vm verify 20500 ms"));
}

TEST_F(Boot, AnAnswerFromBeforeTheStartIsNotBelieved) {
  says(true, clock_.now() - 1min);
  runs();
  pass(10s);
  EXPECT_FALSE(outcome().has_value());
}

TEST_F(Boot, AGuestThatIsNotHealthyInTimeMakesItsStartIneffectiveAndIsNotRestarted) {
  runs();
  says(false, std::nullopt);
  pass(59s);
  EXPECT_FALSE(outcome().has_value());
  pass(1s);
  ASSERT_TRUE(outcome().has_value());
  EXPECT_EQ(outcome()->kind, Outcome::Kind::ineffective);
  EXPECT_EQ(outcome()->detail,
            "running, but not healthy within 60 s: the guest agent is not connected");
  pass(30min);
  EXPECT_EQ(hold_of_rule("vm_boot_unverified"), Hold::no_remedy);
  EXPECT_THAT(executor_->submitted, SizeIs(1));
  EXPECT_THAT(recorder_.starting_with("outage"), IsEmpty()) << "it isn't over";
  says(true, clock_.now());
  step();
  EXPECT_THAT(recorder_.starting_with("outage"), SizeIs(1));
  EXPECT_THAT(recorder_.lines, Contains("gone vm_boot_unverified vm/web1"));
}

TEST_F(Boot, AGuestThatDiesWhileItBootsEndsItsStartAtOnce) {
  runs();
  says(false, std::nullopt);
  pass(10s);
  world_.with(a_vm("web1").on_drbd(1).off(VmReason::crashed));
  pass(1s);
  ASSERT_TRUE(outcome().has_value());
  EXPECT_EQ(outcome()->kind, Outcome::Kind::ineffective);
  // And it is one outage, however often it is tried.
  EXPECT_THAT(recorder_.starting_with("outage"), IsEmpty());
  pass(15s);
  EXPECT_THAT(executor_->submitted, SizeIs(2));
}

TEST_F(Boot, AGuestThatIsSwitchedOffWhileItBootsIsNoOutageThatEnds) {
  runs();
  says(false, std::nullopt);
  pass(5s);
  world_.with(a_vm("web1").on_drbd(1).off(VmReason::destroyed));
  destroyed();
  pass(1h);
  EXPECT_THAT(recorder_.starting_with("outage"), IsEmpty());
  EXPECT_TRUE(outcome().has_value());
  EXPECT_THAT(executor_->submitted, SizeIs(1)) << "it was the operator, not our start";
}

TEST_F(Boot, AGuestThatIsSwitchedOffAfterARestartOfTheDaemonIsNotOursEither) {
  runs();
  says(false, std::nullopt);
  start_daemon();
  pass(5s);
  world_.with(a_vm("web1").on_drbd(1).off(VmReason::destroyed));
  destroyed();
  pass(1h);
  EXPECT_THAT(executor_->submitted, IsEmpty());
  EXPECT_TRUE(outcome().has_value());
}

TEST_F(Boot, AnIoErrorWhileItBootsLeavesTheWayToItsOwnRule) {
  runs();
  says(false, std::nullopt);
  pass(5s);
  world_.with(a_vm("web1").on_drbd(1).state(VmState::paused, VmReason::io_error));
  pass(15s);
  ASSERT_TRUE(outcome().has_value());
  EXPECT_EQ(outcome()->kind, Outcome::Kind::ineffective);
  EXPECT_EQ(outcome()->detail, "an I/O error paused it before it was healthy");
  ASSERT_THAT(executor_->submitted, SizeIs(2));
  EXPECT_TRUE(std::holds_alternative<ResumeVm>(executor_->submitted.back().action));
}

TEST_F(Boot, AGuestThatBootsLeavesItsStorageToOthers) {
  runs();
  says(false, std::nullopt);
  world_.drbd_version("8.4.11");
  world_.with(a_resource("r0", 1).role(DrbdRole::secondary).disk(DrbdDisk::diskless));
  pass(5s);
  EXPECT_FALSE(outcome().has_value());
  EXPECT_TRUE(std::ranges::any_of(executor_->submitted, [](const Ticket& ticket) {
    return target_of(ticket.action) == resource_target("r0");
  }));
}

TEST_F(Boot, AGuestWithoutACheckIsDoneWhenItRuns) {
  world_.policy.vms.clear();
  daemon_->use(std::make_shared<const Policy>(world_.policy));
  runs();
  pass(1s);
  EXPECT_EQ(outcome()->kind, Outcome::Kind::succeeded);
  EXPECT_THAT(recorder_.starting_with("outage"), SizeIs(1));
}

TEST_F(Boot, ADaemonThatDiedMeanwhileWaitsForTheGuestAgain) {
  runs();
  says(false, std::nullopt);
  pass(10s);
  start_daemon();
  pass(59s);
  EXPECT_FALSE(outcome().has_value());
  EXPECT_THAT(executor_->submitted, IsEmpty());
  pass(2s);
  ASSERT_TRUE(outcome().has_value());
  EXPECT_EQ(outcome()->kind, Outcome::Kind::ineffective);
}

TEST_F(Boot, ADaemonThatStopsLeavesTheWaitToTheNext) {
  runs();
  says(false, std::nullopt);
  pass(10s);
  daemon_->freeze();
  step();
  EXPECT_THAT(daemon_->view()->in_flight, IsEmpty()) << "nothing to wait for in a shutdown";
  EXPECT_FALSE(outcome().has_value());
  start_daemon();
  pass(5s);
  EXPECT_THAT(daemon_->view()->in_flight, SizeIs(1));
  says(true, clock_.now());
  pass(1s);
  ASSERT_TRUE(outcome().has_value());
  EXPECT_EQ(outcome()->kind, Outcome::Kind::succeeded);
}

TEST_F(Boot, ADaemonThatDiedMeanwhileSeesThatTheGuestBecameHealthy) {
  runs();
  says(false, std::nullopt);
  pass(10s);
  start_daemon();
  pass(5s);
  says(true, clock_.now());
  pass(1s);
  ASSERT_TRUE(outcome().has_value());
  EXPECT_EQ(outcome()->kind, Outcome::Kind::succeeded);
}

TEST_F(Boot, WhySaysWhatTheGuestWaitsFor) {
  runs();
  says(false, std::nullopt);
  pass(5s);
  const auto explained = explain(vm_target("web1"), *snapshot_, *daemon_->view());
  EXPECT_EQ(explained.headline,
            "web1 is running, not healthy yet: the guest agent is not connected.");
  EXPECT_THAT(explained.facts,
              Contains("health: not healthy yet: the guest agent is not connected"));
  says(true, clock_.now());
  pass(1s);
  EXPECT_EQ(explain(vm_target("web1"), *snapshot_, *daemon_->view()).headline,
            "web1 is up, as it should be.");
  says(false, clock_.now() - 1s);
  step();
  EXPECT_EQ(explain(vm_target("web1"), *snapshot_, *daemon_->view()).headline,
            "web1 is running, not healthy: the guest agent is not connected.");
}

TEST(OnlyBoots, IsAStartWhoseGuestIsThereAndNoOtherAction) {
  test::TestWorld world;
  world.with(a_vm("web1"));
  TargetHistory tried;
  tried.attempts = {world.now - 10s, world.now - 1s};
  EXPECT_FALSE(only_boots(vm_target("web1"), tried, world.view())) << "nothing is in flight";
  tried.in_flight = 7;
  EXPECT_TRUE(only_boots(vm_target("web1"), tried, world.view()));
  EXPECT_FALSE(only_boots(resource_target("web1"), tried, world.view()));
  tried.tries["reattach_disk"].at = {world.now - 10s};
  EXPECT_TRUE(only_boots(vm_target("web1"), tried, world.view())) << "that one has ended";
  tried.tries["reattach_disk"].at = {world.now - 10s, world.now - 1s};
  EXPECT_FALSE(only_boots(vm_target("web1"), tried, world.view())) << "it is the disk's";
  tried.tries.clear();
  tried.stuck = true;
  EXPECT_FALSE(only_boots(vm_target("web1"), tried, world.view()));
  tried.stuck = false;
  world.with(a_vm("web1").off());
  EXPECT_FALSE(only_boots(vm_target("web1"), tried, world.view()));
}

}  // namespace
}  // namespace upkeep
