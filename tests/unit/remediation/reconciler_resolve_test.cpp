#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/daemon_test.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const ResourceName kR0{"r0"};

/// A daemon on a node whose r0 is in split brain, and the person who decides it.
class ResolveCommandTest : public test::DaemonTest {
 protected:
  ResolveCommandTest() { world_.with(split()); }

  static test::ResourceBuilder split(DrbdConnection connection = DrbdConnection::stand_alone) {
    return a_resource("r0", 0)
        .peer(connection, DrbdRole::unknown)
        .split_brain("helper split-brain");
  }
  /// After the command: r0 waits for its peer.
  static test::ResourceBuilder waiting() { return a_resource("r0", 0).peer_gone(); }

  void start(Mode mode = Mode::act) {
    world_.policy.mode = mode;
    on_submit_ = [this](const Ticket& ticket) {
      for (const HistoryEntry& line : journal_.story) said_before_ += line.kind + ";";
      journaled_before_ = journal_.actions.contains(ticket.id);
    };
    start_daemon();
    pass(5s);
  }
  Result<std::string> decide(SplitBrainSide side, const std::string& resource = "r0") {
    return ask(ResolveResource{.resolve = {.resource = {resource}, .side = side},
                               .by = "anna",
                               .reason = "n2 served nobody"});
  }
  void end(Outcome::Kind kind) {
    executor_->end(executor_->submitted.back().id, {.kind = kind, .reason = "", .detail = ""},
                   clock_.now());
  }
  [[nodiscard]] bool remembers_split_brain() const {
    const auto& resources = daemon_->view()->history.resources;
    return resources.contains(kR0) && resources.at(kR0).split_brain.has_value();
  }
  [[nodiscard]] Outcome::Kind outcome() const {
    return journal_.actions.at(1)
        .outcome.value_or(Outcome{.kind = Outcome::Kind::interrupted})
        .kind;
  }

  std::string said_before_;
  bool journaled_before_ = false;
};

TEST_F(ResolveCommandTest, NothingIsDoneBeforeAPersonDecides) {
  start();
  pass(60s);
  EXPECT_THAT(executor_->submitted, IsEmpty());
}

class ResolveInEachModeTest : public ResolveCommandTest,
                              public ::testing::WithParamInterface<Mode> {};
INSTANTIATE_TEST_SUITE_P(Modes, ResolveInEachModeTest, ::testing::ValuesIn(kModes));

TEST_P(ResolveInEachModeTest, TheDecisionIsOnTheDiskBeforeAnythingIsDone) {
  start(GetParam());
  const auto answer = decide(SplitBrainSide::discard_local);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(*answer, HasSubstr("anna decides that this node's changes are given up"));
  ASSERT_THAT(executor_->submitted, SizeIs(1));
  EXPECT_EQ(executor_->submitted[0].action,
            Action(ResolveSplitBrain{.resource = kR0, .side = SplitBrainSide::discard_local}));
  EXPECT_EQ(executor_->submitted[0].finding.rule, "drbd_split_brain");
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::manual);
  EXPECT_TRUE(journaled_before_);
  EXPECT_THAT(said_before_, HasSubstr("resolve;"));
  EXPECT_EQ(journal_.actions.at(1).trigger, Trigger::manual);
  std::vector<std::string> said;
  for (const HistoryEntry& line : journal_.story) {
    if (line.kind == "resolve") said.push_back(line.target + ": " + line.text);
  }
  EXPECT_THAT(said, ElementsAre("resource/r0: anna decides that this node's changes are given up: "
                                "n2 served nobody"));
}

TEST_F(ResolveCommandTest, WhatCannotBeRememberedIsNotDone) {
  start();
  journal_.failing = true;
  const auto answer = decide(SplitBrainSide::keep_local);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_THAT(executor_->submitted, IsEmpty());
  journal_.failing = false;
  pass(120s);
  EXPECT_THAT(executor_->submitted, IsEmpty()) << "not made up for later";
}

TEST_F(ResolveCommandTest, ARefusalIsOneSentenceAndLeavesNoTrace) {
  world_.with(split().role(DrbdRole::primary));
  start();
  const auto answer = decide(SplitBrainSide::discard_local);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::conflict);
  EXPECT_THAT(answer.error().message, HasSubstr("r0 is Primary here"));
  EXPECT_FALSE(decide(SplitBrainSide::keep_local, "r9"));
  EXPECT_THAT(executor_->submitted, IsEmpty());
  EXPECT_THAT(journal_.actions, IsEmpty());
}

TEST_F(ResolveCommandTest, OneAtATime) {
  start();
  ASSERT_TRUE(decide(SplitBrainSide::keep_local));
  const auto second = decide(SplitBrainSide::discard_local);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("has not ended yet"));
  EXPECT_THAT(executor_->submitted, SizeIs(1));
}

TEST_F(ResolveCommandTest, TheKeptSideForgetsTheEvidenceOnceItsLinkIsSeen) {
  start();
  ASSERT_TRUE(decide(SplitBrainSide::keep_local));
  pass(3s);
  EXPECT_TRUE(remembers_split_brain()) << "nothing came of it yet";
  end(Outcome::Kind::succeeded);
  world_.with(waiting());
  pass(2s);
  EXPECT_EQ(outcome(), Outcome::Kind::succeeded);
  EXPECT_FALSE(remembers_split_brain());
  EXPECT_FALSE(journal_.load()->resources.at(kR0).split_brain) << "in the journal, too";
  pass(10s);
  EXPECT_FALSE(remembers_split_brain());
  EXPECT_THAT(executor_->submitted, SizeIs(1));
}

TEST_F(ResolveCommandTest, TheSideThatGaveUpRemembersUntilBothAreOne) {
  // web1 ran here alone, which without the evidence would let it start here again.
  world_.with(a_vm("web1").on_drbd(0)).with(split().role(DrbdRole::primary));
  start();
  world_.with(a_vm("web1").off(VmReason::crashed).on_drbd(0)).with(split());
  pass(5s);
  ASSERT_TRUE(daemon_->view()->history.resources.at(kR0).primary_alone);
  ASSERT_TRUE(decide(SplitBrainSide::discard_local));
  end(Outcome::Kind::succeeded);
  world_.with(waiting());
  pass(120s);
  EXPECT_EQ(outcome(), Outcome::Kind::succeeded);
  EXPECT_TRUE(remembers_split_brain()) << "its copy is stale";
  EXPECT_THAT(executor_->submitted, SizeIs(1)) << "and no guest starts on it";
  world_.with(a_resource("r0", 0));
  pass(120s);
  EXPECT_FALSE(remembers_split_brain());
  EXPECT_THAT(executor_->submitted, SizeIs(2)) << "now web1 may start";
}

TEST_F(ResolveCommandTest, SidesThatRefuseEachOtherAgainAreNotResolved) {
  start();
  ASSERT_TRUE(decide(SplitBrainSide::keep_local));
  end(Outcome::Kind::succeeded);
  pass(5s);
  EXPECT_EQ(outcome(), Outcome::Kind::ineffective);
  EXPECT_TRUE(remembers_split_brain());
}

TEST_F(ResolveCommandTest, AFailureKeepsTheEvidence) {
  start();
  ASSERT_TRUE(decide(SplitBrainSide::keep_local));
  end(Outcome::Kind::failed);
  world_.with(waiting());
  pass(5s);
  EXPECT_EQ(outcome(), Outcome::Kind::failed);
  EXPECT_TRUE(remembers_split_brain());
}

TEST_F(ResolveCommandTest, ASplitBrainThatComesBackIsEvidenceAgain) {
  start();
  ASSERT_TRUE(decide(SplitBrainSide::keep_local));
  end(Outcome::Kind::succeeded);
  world_.with(waiting());
  pass(2s);
  ASSERT_FALSE(remembers_split_brain());
  world_.with(split());
  pass(2s);
  EXPECT_TRUE(remembers_split_brain());
  EXPECT_TRUE(journal_.load()->resources.at(kR0).split_brain);
}

}  // namespace
}  // namespace upkeep
