#include "remediation/gates/pause.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediation/explain.h"
#include "remediation/plan.h"
#include "tests/support/daemon_test.h"
#include "tests/support/world.h"

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

/// web1 is off and wanted, on r0, which waits for nothing.
class PauseGate : public ::testing::Test {
 protected:
  PauseGate() {
    world_.with(a_vm("web1").crashed().on_drbd(0)).with(a_resource("r0", 0));
    world_.wanted("web1").confirmed("vm_down", vm_target("web1"));
  }
  void pause(const std::string& subject, std::optional<WallTime> until = std::nullopt) {
    const Standing said{.kind = Standing::Kind::paused,
                        .subject = subject,
                        .by = "anna",
                        .reason = "new disk",
                        .at = test::kWall,
                        .until = until};
    world_.history.standings[key_of(said)] = said;
  }
  [[nodiscard]] std::optional<Held> held() const {
    const Plan decided = plan(world_.view());
    for (const Decision& one : decided.decisions) {
      if (one.finding.rule != "vm_down") continue;
      const auto* hold = std::get_if<Held>(&one.verdict);
      return hold == nullptr ? std::nullopt : std::optional(*hold);
    }
    ADD_FAILURE() << "web1 is down, and no rule says so";
    return std::nullopt;
  }

  test::TestWorld world_;
};

TEST_F(PauseGate, AnOpenWorldActs) { EXPECT_FALSE(held()); }

TEST_F(PauseGate, APauseOfTheNodeHoldsEverything) {
  pause("node");
  ASSERT_TRUE(held());
  EXPECT_EQ(held()->reason, Hold::paused);
  EXPECT_EQ(held()->detail, "the node is paused by anna: new disk, until it is resumed");
  EXPECT_EQ(held()->opens_with, "upkeep resume");
}

TEST_F(PauseGate, APauseOfAVmHoldsThatVmAlone) {
  pause("vm/" + uuid_of("web2"));
  EXPECT_FALSE(held());
  pause("vm/" + uuid_of("web1"));
  ASSERT_TRUE(held());
  EXPECT_EQ(held()->opens_with, "upkeep resume vm/web1");
}

TEST_F(PauseGate, AVmThatWasRenamedIsStillPaused) {
  pause("vm/" + uuid_of("web1"));
  Vm renamed = a_vm("shop1").crashed();
  renamed.uuid = VmUuid{uuid_of("web1")};
  test::TestWorld other;
  other.with(renamed).confirmed("vm_down", vm_target("shop1"));
  other.history = world_.history;
  EXPECT_TRUE(pause_hold(vm_target("shop1"), other.view()));
}

TEST_F(PauseGate, AStartWaitsForThePauseOfTheResourceThatItOpens) {
  pause("resource/r1");
  EXPECT_FALSE(held());
  pause("resource/r0");
  ASSERT_TRUE(held());
  EXPECT_EQ(held()->opens_with, "upkeep resume resource/r0");
  EXPECT_TRUE(pause_hold(resource_target("r0"), world_.view()));
  EXPECT_FALSE(pause_hold(resource_target("r2"), world_.view()));
}

TEST_F(PauseGate, TheLastLookBeforeActingSeesAPauseToo) {
  const Plan decided = plan(world_.view());
  ASSERT_THAT(decided.decisions, ::testing::Not(IsEmpty()));
  const auto* act = std::get_if<Act>(&decided.decisions.front().verdict);
  ASSERT_NE(act, nullptr);
  pause("vm/" + uuid_of("web1"));
  const auto now = judge_again(decided.decisions.front().finding, act->action, world_.view());
  ASSERT_TRUE(now);
  EXPECT_EQ(now->reason, Hold::paused);
}

TEST_F(PauseGate, MaintenanceComesFirst) {
  pause("node");
  const Standing said{.kind = Standing::Kind::maintenance, .subject = "boot-1", .by = "anna"};
  world_.history.standings[key_of(said)] = said;
  ASSERT_TRUE(held());
  EXPECT_EQ(held()->detail, "the node is in maintenance by anna, until it boots again");
  EXPECT_EQ(held()->opens_with, "upkeep maintenance --end");
}

class Pauses : public test::DaemonTest {
 protected:
  void start(const test::VmBuilder& web1) {
    world_.with(web1).wanted("web1");
    start_daemon();
    pass(70s);
  }
  /// What the history says of pauses.
  [[nodiscard]] std::vector<std::string> story() {
    std::vector<std::string> lines;
    const auto entries = journal_.history({});
    for (const HistoryEntry& entry : *entries) {
      if (entry.kind == "pause" || entry.kind == "maintenance") {
        lines.insert(lines.begin(), entry.target + "|" + entry.text);
      }
    }
    return lines;
  }
  [[nodiscard]] std::size_t starts() const { return executor_->submitted.size(); }
};

TEST_F(Pauses, APausedVmStaysDownUntilItIsResumed) {
  start(a_vm("web1"));
  const auto answer = ask(
      PauseTarget{.target = vm_target("web1"), .lasts = 2h, .by = "anna", .reason = "new disk"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(*answer, HasSubstr("vm/web1: paused by anna: new disk, until "));
  world_.with(a_vm("web1").crashed());
  pass(60s);
  EXPECT_EQ(starts(), 0U);
  const Explanation why = explain(vm_target("web1"), *snapshot_, *daemon_->view());
  EXPECT_THAT(why.headline, HasSubstr("vm/web1 is paused by anna: new disk"));
  EXPECT_THAT(why.commands, Contains("upkeep resume vm/web1"));
  const auto resumed =
      ask(PauseTarget{.target = vm_target("web1"), .by = "berta", .take_back = true});
  ASSERT_TRUE(resumed);
  EXPECT_EQ(*resumed, "vm/web1: resumed by berta");
  pass(2s);
  EXPECT_EQ(starts(), 1U);
}

TEST_F(Pauses, APauseEndsByItselfAndOutlivesTheDaemon) {
  start(a_vm("web1"));
  ASSERT_TRUE(ask(PauseTarget{.lasts = 10min, .by = "anna"}));
  start_daemon();
  world_.with(a_vm("web1").crashed());
  pass(9min + 55s);
  EXPECT_EQ(starts(), 0U);
  pass(10s);
  EXPECT_EQ(starts(), 1U);
  EXPECT_THAT(story(), ElementsAre(HasSubstr("|paused by anna, until "), "|over"));
}

TEST_F(Pauses, ClocksThatAreSetMakeNoPauseLongerOrShorter) {
  start(a_vm("web1"));
  ASSERT_TRUE(ask(PauseTarget{.lasts = 10min, .by = "anna"}));
  world_.with(a_vm("web1").crashed());
  clock_.step_wall(24h);
  pass(5min);
  EXPECT_EQ(starts(), 0U) << "the clock went forward, not the time";
  clock_.step_wall(-24h * 400);
  pass(5min + 5s);
  EXPECT_EQ(starts(), 1U);
}

TEST_F(Pauses, AClockThatIsSetBackBeforeARestartDoesNotMakeItLonger) {
  start(a_vm("web1"));
  ASSERT_TRUE(ask(PauseTarget{.lasts = 10min, .by = "anna"}));
  clock_.step_wall(-24h * 400);
  start_daemon();
  world_.with(a_vm("web1").crashed());
  pass(10min + 5s);
  EXPECT_EQ(starts(), 1U);
}

TEST_F(Pauses, WhatIsQueuedAlreadyIsHeldBackToo) {
  start(a_vm("web1"));
  world_.with(a_vm("web1").crashed());
  pass(2s);
  ASSERT_EQ(starts(), 1U);
  EXPECT_THAT(executor_->known, IsEmpty());
  ASSERT_TRUE(ask(PauseTarget{.target = vm_target("web1"), .by = "anna"}));
  EXPECT_EQ(executor_->known.size(), 1U) << "its last look goes by it";
  ASSERT_TRUE(ask(PauseTarget{.target = vm_target("web1"), .take_back = true}));
  EXPECT_THAT(executor_->known, IsEmpty());
}

TEST_F(Pauses, ABootUnderAPauseIsOneRecoveryWhenThePauseEnds) {
  constexpr int kVms = 30;  // More than an hour's budget.
  for (int i = 1; i <= kVms; ++i) {
    const std::string name = "vm" + std::to_string(i);
    world_.with(a_vm(name)).wanted(name);
  }
  VmPolicy last{.match = "vm1"};
  last.priority = 1;
  world_.vm_policy(last);
  std::vector<std::string> order;
  on_submit_ = [&](const Ticket& ticket) { order.push_back(target_of(ticket.action).name); };
  start_daemon();
  pass(70s);
  ASSERT_TRUE(ask(PauseTarget{.lasts = 24h, .by = "anna"}));
  world_.snapshot.node.reading->boot_id = {"boot-2"};
  for (int i = 1; i <= kVms; ++i) world_.with(a_vm("vm" + std::to_string(i)).off());
  start_daemon();
  pass(30min);
  ASSERT_THAT(order, IsEmpty());
  ASSERT_TRUE(ask(PauseTarget{.take_back = true}));
  for (std::size_t done = 0; done < kVms;) {
    pass(1s);
    ASSERT_LT(clock_.now(), test::kNow + 3h) << order.size() << " of " << kVms << " were started";
    for (; done < order.size(); ++done) {
      world_.with(a_vm(order[done]));
      succeeds(executor_->submitted[done].id);
    }
  }
  EXPECT_EQ(order.back(), "vm1") << "its tier waits, however long the pause was";
}

TEST_F(Pauses, AResumeThatIsOnTheDiskAndRefusedIsTakenBackThere) {
  start(a_vm("web1"));
  ASSERT_TRUE(ask(PauseTarget{.by = "anna"}));
  journal_.failing = true;
  EXPECT_FALSE(ask(PauseTarget{.by = "anna", .take_back = true}));
  journal_.failing = false;
  ASSERT_TRUE(journal_.forget({Standing::Kind::paused, "node"})) << "it got there all the same";
  pass(10s);
  EXPECT_EQ(journal_.state().standings.size(), 1U);
  EXPECT_EQ(daemon_->view()->history.standings.size(), 1U);
}

TEST_F(Pauses, ARefusedPauseDoesNotChangeTheEndOfTheOneBefore) {
  start(a_vm("web1"));
  ASSERT_TRUE(ask(PauseTarget{.lasts = 24h, .by = "anna"}));
  journal_.failing = true;
  EXPECT_FALSE(ask(PauseTarget{.lasts = 10min, .by = "berta"}));
  journal_.failing = false;
  world_.with(a_vm("web1").crashed());
  pass(11min);
  EXPECT_EQ(starts(), 0U);
  EXPECT_EQ(daemon_->view()->history.standings.size(), 1U);
}

TEST_F(Pauses, APauseOfWhatIsGoneCanBeEnded) {
  start(a_vm("web1"));
  world_.with(a_resource("r7", 7));
  pass(2s);
  ASSERT_TRUE(ask(PauseTarget{.target = resource_target("r7"), .by = "anna"}));
  ASSERT_TRUE(ask(PauseTarget{.target = vm_target("web1"), .by = "anna"}));
  world_.snapshot.drbd.reading = std::make_shared<const Drbd>();
  Vm another = a_vm("web1");
  another.uuid = VmUuid{"another"};
  world_.snapshot.vms.reading = std::make_shared<const Vms>(Vms{another});
  start_daemon();
  pass(70s);
  EXPECT_EQ(
      ask(PauseTarget{.target = resource_target("r7"), .take_back = true}).value().substr(0, 20),
      "resource/r7: resumed");
  EXPECT_EQ(ask(PauseTarget{.target = vm_target("web1"), .take_back = true}).value(),
            "vm/web1: resumed");
  EXPECT_THAT(journal_.state().standings, IsEmpty());
}

TEST_F(Pauses, OneForEverEndsOnlyByHand) {
  start(a_vm("web1"));
  ASSERT_TRUE(ask(PauseTarget{.by = "anna"}));
  world_.with(a_vm("web1").crashed());
  clock_.advance(24h * 400);
  pass(60s);
  EXPECT_EQ(starts(), 0U);
}

TEST_F(Pauses, MaintenanceEndsWithTheNextBoot) {
  start(a_vm("web1"));
  ASSERT_TRUE(ask(MaintainNode{.by = "anna", .reason = "new memory"}));
  world_.with(a_vm("web1").crashed());
  pass(60s);
  start_daemon();
  pass(70s);
  EXPECT_EQ(starts(), 0U) << "a restart of upkeep is no boot";
  world_.snapshot.node.reading->boot_id = {"boot-2"};
  start_daemon();
  pass(70s);
  EXPECT_EQ(starts(), 1U);
  EXPECT_THAT(story(),
              ElementsAre("|in maintenance until the next boot by anna: new memory", "|over"));
}

TEST_F(Pauses, MaintenanceCanBeEnded) {
  start(a_vm("web1"));
  EXPECT_EQ(ask(MaintainNode{.take_back = true}).value(), "the node was not in maintenance");
  ASSERT_TRUE(ask(MaintainNode{.by = "anna"}));
  EXPECT_THAT(ask(PauseTarget{.take_back = true}).value(),
              HasSubstr("the node was not paused; the node is in maintenance by anna"));
  EXPECT_EQ(ask(MaintainNode{.by = "anna", .take_back = true}).value(),
            "the node: maintenance ended by anna");
  world_.with(a_vm("web1").crashed());
  pass(5s);
  EXPECT_EQ(starts(), 1U);
}

TEST_F(Pauses, WhatNobodyKnowsIsNotPaused) {
  start(a_vm("web1"));
  EXPECT_EQ(ask(PauseTarget{.target = vm_target("web7")}).error(),
            (Error{Errc::not_found, "no VM named 'web7'"}));
  EXPECT_EQ(ask(PauseTarget{.target = resource_target("r7")}).error(),
            (Error{Errc::not_found, "no DRBD resource named 'r7'"}));
}

TEST_F(Pauses, AVmThatLibvirtDoesNotListNowCanBePaused) {
  start(a_vm("web1"));
  libvirt_answers_ = false;
  EXPECT_TRUE(ask(PauseTarget{.target = vm_target("web1"), .by = "anna"}));
}

TEST_F(Pauses, APauseThatCannotBeKeptIsRefused) {
  start(a_vm("web1"));
  journal_.failing = true;
  EXPECT_EQ(ask(PauseTarget{.by = "anna"}).error().code, Errc::unavailable);
  EXPECT_EQ(ask(MaintainNode{.by = "anna"}).error().code, Errc::unavailable);
  EXPECT_THAT(daemon_->view()->history.standings, IsEmpty());
}

TEST_F(Pauses, WhoPausesAgainChangesTheEnd) {
  start(a_vm("web1"));
  ASSERT_TRUE(ask(PauseTarget{.lasts = 1h, .by = "anna"}));
  ASSERT_TRUE(ask(PauseTarget{.lasts = 10min, .by = "berta"}));
  world_.with(a_vm("web1").crashed());
  pass(10min + 5s);
  EXPECT_EQ(starts(), 1U);
}

}  // namespace
}  // namespace upkeep
