#include "remediation/keepers/intent_keeper.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <utility>

#include "tests/support/daemon_test.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_vm;
using test::uuid_of;

/// web1 ran in boot-1 and is on record; the node has booted since, and nobody has looked yet.
class IntentAtABoot : public test::DaemonTest {
 protected:
  IntentAtABoot() {
    world_.with(a_vm("web1"));
    start_daemon();
    pass(3s);
    world_.snapshot.node.reading->boot_id = {"boot-2"};
    world_.with(a_vm("web1").off());
    start_daemon();
  }

  [[nodiscard]] const Intent& line() const {
    return daemon_->view()->history.intents.at({uuid_of("web1")});
  }
  [[nodiscard]] bool knows_the_boot() const { return line().boot == BootId{"boot-2"}; }
};

TEST_F(IntentAtABoot, WhatIsOffIsBelievedAtTheFirstLookAndStartedAtTheSecond) {
  const Tick next = step();
  EXPECT_EQ(line().last_stop, StopCause::node_down);
  EXPECT_TRUE(line().wanted);
  EXPECT_TRUE(executor_->submitted.empty());
  clock_.advance(next - clock_.now());
  step();
  EXPECT_EQ(clock_.now() - daemon_->view()->history.started, 250ms);
  EXPECT_EQ(executor_->submitted.size(), 1U);
}

TEST_F(IntentAtABoot, WhatWasStoppedSinceTheBootIsNotStarted) {
  world_.with(a_vm("web1").off(VmReason::destroyed));
  pass(60s);
  EXPECT_EQ(line().last_stop, StopCause::operator_destroy);
  EXPECT_FALSE(line().wanted);
  EXPECT_TRUE(executor_->submitted.empty());
}

TEST_F(IntentAtABoot, WithAnEventOfItTheLookMayBeOlderAndTakesASecondMore) {
  step({.vm_events = {event("web1", VmEventKind::defined)}, .drbd_events = {}, .commands = {}});
  EXPECT_FALSE(knows_the_boot());
  clock_.advance(10ms);
  step();
  EXPECT_FALSE(knows_the_boot());
  clock_.advance(999ms);
  step();
  EXPECT_FALSE(knows_the_boot());
  EXPECT_TRUE(executor_->submitted.empty());
  clock_.advance(1ms);
  step();
  EXPECT_TRUE(knows_the_boot());
  EXPECT_EQ(line().last_stop, StopCause::node_down);
}

TEST_F(IntentAtABoot, WithoutTheNodesReadingNothingIsConcluded) {
  const auto node = world_.snapshot.node.reading;
  world_.snapshot.node.reading = fail(Errc::unavailable, "not read yet");
  pass(5s);
  EXPECT_EQ(line().last_stop, StopCause::none);
  EXPECT_TRUE(executor_->submitted.empty());
  world_.snapshot.node.reading = node;
  clock_.advance(10ms);
  step();
  EXPECT_EQ(line().last_stop, StopCause::node_down);
}

TEST_F(IntentAtABoot, WhatRunsElsewhereIsNeitherBelievedAtOnceNorStarted) {
  world_.peer("node2", {"web1"});
  step();
  EXPECT_FALSE(knows_the_boot());
  clock_.advance(250ms);
  step();
  EXPECT_FALSE(knows_the_boot());
  EXPECT_TRUE(daemon_->view()->history.settled_at);
  pass(60s);
  EXPECT_EQ(line().last_stop, StopCause::moved_away);
  EXPECT_FALSE(line().wanted);
  EXPECT_TRUE(executor_->submitted.empty());
}

TEST_F(IntentAtABoot, APeerThatAnswersLateIsHeardBeforeTheFirstStart) {
  world_.peer("node2", {"web1"});
  Peer& peer = world_.snapshot.peers.front();
  const auto said = peer.facts.reading;
  peer.facts.reading = fail(Errc::unavailable, "not read yet");
  pass(3s);
  EXPECT_EQ(line().last_stop, StopCause::node_down);
  EXPECT_TRUE(executor_->submitted.empty());
  peer.facts.reading = said;
  pass(60s);
  EXPECT_EQ(line().last_stop, StopCause::moved_away);
  EXPECT_TRUE(executor_->submitted.empty());
}

TEST_F(IntentAtABoot, AnEmptyListMeansNothing) {
  const auto all = std::exchange(world_.snapshot.vms.reading, std::make_shared<const Vms>());
  pass(10s);
  EXPECT_EQ(line().last_stop, StopCause::none);
  EXPECT_FALSE(daemon_->view()->history.settled_at);
  world_.snapshot.vms.reading = all;
  clock_.advance(10ms);
  step();
  EXPECT_EQ(line().last_stop, StopCause::node_down);
  EXPECT_TRUE(executor_->submitted.empty());
  clock_.advance(250ms);
  step();
  EXPECT_EQ(executor_->submitted.size(), 1U);
}

TEST_F(IntentAtABoot, InTheSameBootAStopThatNobodySawStillTakesTwoLooks) {
  world_.snapshot.node.reading->boot_id = {"boot-1"};
  step();
  EXPECT_EQ(line().last_stop, StopCause::none);
  pass(60s);
  EXPECT_EQ(line().last_stop, StopCause::unobserved);
  EXPECT_TRUE(executor_->submitted.empty());
}

TEST_F(IntentAtABoot, WhatRunsIsNotTakenForOffAndTheBootIsLearnedInItsTime) {
  world_.with(a_vm("web1"));
  pass(5s);
  EXPECT_TRUE(knows_the_boot());
  EXPECT_EQ(line().last_stop, StopCause::none);
  EXPECT_TRUE(executor_->submitted.empty());
}

}  // namespace
}  // namespace upkeep
