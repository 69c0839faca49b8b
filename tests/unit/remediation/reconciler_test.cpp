#include "remediation/reconciler.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>

#include "remediation/keepers/remembered.h"
#include "tests/support/daemon_test.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using simulation::MemoryJournal;
using test::a_resource;
using test::a_vm;
using test::FakeClock;
using test::RecordingRecorder;
using test::resource_target;
using test::ScriptedExecutor;
using test::TestWorld;
using test::uuid_of;
using test::vm_target;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

Outcome outcome(Outcome::Kind kind, const std::string& reason = "") {
  return {.kind = kind, .reason = reason, .detail = ""};
}

class ReconcilerTest : public test::DaemonTest {
 protected:
  ReconcilerTest() { world_.with(a_vm("web1")); }

  /// A daemon that has seen the node run for a while.
  void start_settled() {
    start_daemon();
    pass(5s);
  }

  using DaemonTest::step;
  Tick step(const VmEvent& event) {
    return step({.vm_events = {event}, .drbd_events = {}, .commands = {}});
  }

  /// Time goes by; the loop steps when it wants to, at least each second.
  void pass(Duration time) {
    const Tick end = clock_.now() + time;
    Tick next = step();
    while (clock_.now() < end) {
      const Tick latest = std::min(clock_.now() + 1s, end);
      clock_.advance(std::clamp(next, clock_.now() + 1ms, latest) - clock_.now());
      next = step();
    }
  }

  /// QEMU dies: the VM is off, and libvirt says so at once.
  void crash(const std::string& vm) {
    world_.with(a_vm(vm).off(VmReason::crashed));
    step(event(vm, VmEventKind::stopped_failed));
  }

  Result<std::string> mark(const std::string& vm, Keep keep) {
    return ask(MarkVm{.vm = {vm}, .mark = {.keep = keep, .by = "anna", .reason = "", .at = {}}});
  }

  [[nodiscard]] std::vector<std::string> started() const {
    std::vector<std::string> names;
    for (const Ticket& ticket : executor_->submitted) {
      names.push_back(target_of(ticket.action).name);
    }
    return names;
  }
  void end_last(Outcome::Kind kind, const std::string& reason = "") {
    executor_->end(executor_->submitted.back().id, outcome(kind, reason), clock_.now());
  }
  [[nodiscard]] std::optional<Hold> hold_on(const std::string& vm) const {
    return hold_on(vm_target(vm));
  }
  [[nodiscard]] std::optional<Hold> hold_on(const Target& target) const {
    const auto view = daemon_->view();
    for (const Decision& decision : view->decisions) {
      if (decision.finding.subject == target) return hold_of(decision);
    }
    return std::nullopt;
  }
  [[nodiscard]] std::vector<std::string> story(const std::string& kind) const {
    std::vector<std::string> texts;
    for (const HistoryEntry& entry : journal_.story) {
      if (entry.kind == kind) texts.push_back(entry.target + ": " + entry.text);
    }
    return texts;
  }

  void power_cut_without_peer();
};

TEST_F(ReconcilerTest, ACrashLeadsToOneStartThatIsJournaledFirst) {
  bool journaled_first = false;
  on_submit_ = [&](const Ticket& ticket) {
    const auto action = journal_.actions.find(ticket.id);
    journaled_first = action != journal_.actions.end() && !action->second.ended &&
                      journal_.target(vm_target("web1")).attempts.size() == 1;
  };
  start_settled();
  crash("web1");
  EXPECT_TRUE(journaled_first);
  ASSERT_THAT(executor_->submitted, SizeIs(1));
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::event);
  EXPECT_EQ(executor_->submitted[0].finding.since, clock_.now());
  pass(60s);
  EXPECT_THAT(started(), ElementsAre("web1"));  // Single flight, for as long as it takes.

  world_.with(a_vm("web1"));
  end_last(Outcome::Kind::succeeded);
  pass(2s);
  EXPECT_EQ(journal_.actions.at(1).outcome, outcome(Outcome::Kind::succeeded));
  EXPECT_THAT(daemon_->view()->in_flight, IsEmpty());
  EXPECT_THAT(daemon_->view()->decisions, IsEmpty());
}

TEST_F(ReconcilerTest, ACrashIsActedOnWhenItsReadingComesAfterItsEvent) {
  start_settled();
  step(event("web1", VmEventKind::stopped_failed));
  EXPECT_THAT(started(), IsEmpty());
  clock_.advance(20ms);
  world_.with(a_vm("web1").off(VmReason::crashed));
  step();
  EXPECT_THAT(started(), ElementsAre("web1"));
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::event);
  EXPECT_EQ(executor_->submitted[0].finding.since, clock_.now() - 20ms);
}

TEST_F(ReconcilerTest, AStopThatOnlyPollsShowIsActedOnWhenSeenTwice) {
  start_settled();
  world_.with(a_vm("web1").off(VmReason::crashed));
  clock_.advance(1s);
  step();
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_EQ(hold_on("web1"), Hold::unconfirmed);
  clock_.advance(1s);
  step();
  EXPECT_THAT(started(), ElementsAre("web1"));
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::poll);
}

TEST_F(ReconcilerTest, AStopThatOnlyPollsShowEndsAWishOnceItHasLastedASecond) {
  start_settled();
  const auto wanted = [&] { return journal_.state().intents.at({uuid_of("web1")}).wanted; };
  world_.with(a_vm("web1").off(VmReason::destroyed));
  step();
  clock_.advance(600ms);
  step();
  EXPECT_TRUE(wanted());
  // An event says that something else happened meanwhile: counted anew.
  step(event("web1", VmEventKind::rebooted));
  clock_.advance(600ms);
  step();
  EXPECT_TRUE(wanted());
  clock_.advance(1s);
  step();
  EXPECT_FALSE(wanted());
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(ReconcilerTest, DoesNothingItCannotRemember) {
  start_settled();
  journal_.failing_begin = true;
  crash("web1");
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_EQ(hold_on("web1"), Hold::journal_failed);
  EXPECT_FALSE(daemon_->view()->history.journal_ok);
  EXPECT_THAT(recorder_.lines, Contains("journal failed: journal: the disk is full"));
  EXPECT_FALSE(daemon_->view()->history.targets.at(vm_target("web1")).in_flight);
  pass(30s);
  EXPECT_THAT(started(), IsEmpty());
  journal_.failing_begin = false;
  pass(6s);
  EXPECT_THAT(started(), ElementsAre("web1"));
}

TEST_F(ReconcilerTest, AJournalThatFailsIsTriedAgainButNotHammeredAndLosesNothing) {
  start_settled();
  journal_.failing = true;
  const int before = journal_.writes;
  crash("web1");
  pass(60s);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_LE(journal_.writes - before, 14);
  journal_.failing = false;
  pass(6s);
  EXPECT_THAT(started(), ElementsAre("web1"));
  EXPECT_EQ(journal_.state().intents.at({uuid_of("web1")}).last_stop, StopCause::crashed);
}

TEST_F(ReconcilerTest, AnEndThatCouldNotBeJournaledIsJournaledLater) {
  start_settled();
  crash("web1");
  journal_.failing = true;
  end_last(Outcome::Kind::failed, "storage");
  pass(2s);
  EXPECT_FALSE(journal_.actions.at(1).ended);
  journal_.failing = false;
  pass(6s);
  EXPECT_EQ(journal_.actions.at(1).outcome, outcome(Outcome::Kind::failed, "storage"));
}

TEST_F(ReconcilerTest, KilledBetweenBeginAndEndAStartThatWorkedIsNotRepeated) {
  start_settled();
  crash("web1");
  world_.with(a_vm("web1"));  // The start went through; nobody was left to say so.
  start_daemon();
  pass(60s);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_EQ(journal_.actions.at(1).outcome->kind, Outcome::Kind::succeeded);
  EXPECT_THAT(journal_.actions, SizeIs(1));
}

TEST_F(ReconcilerTest, KilledBetweenBeginAndEndAStartThatIsNotToBeSeenCountsAsAnAttempt) {
  start_settled();
  crash("web1");
  clock_.advance(1s);
  start_daemon();
  pass(4s);
  EXPECT_EQ(journal_.actions.at(1).outcome->kind, Outcome::Kind::interrupted);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_EQ(hold_on("web1"), Hold::backing_off);
  pass(15s);
  EXPECT_THAT(started(), ElementsAre("web1"));
  EXPECT_EQ(journal_.actions.at(2).attempt, 2);
}

TEST_F(ReconcilerTest, WhatAnEarlierDaemonBeganKeepsItsTargetBusyUntilItIsSeen) {
  start_settled();
  crash("web1");
  libvirt_answers_ = false;
  start_daemon();
  pass(30s);
  EXPECT_FALSE(journal_.actions.at(1).ended);
  libvirt_answers_ = true;
  world_.with(a_vm("web1").state(VmState::paused, VmReason::starting_up));
  pass(3s);
  EXPECT_FALSE(journal_.actions.at(1).ended);
  world_.with(a_vm("web1"));
  pass(3s);
  EXPECT_EQ(journal_.actions.at(1).outcome->kind, Outcome::Kind::succeeded);
}

TEST_F(ReconcilerTest, ADestroyedVmStaysDownAlsoAfterARestart) {
  start_settled();
  world_.with(a_vm("web1").off(VmReason::destroyed).autostart());
  step(event("web1", VmEventKind::stopped_destroyed));
  pass(60s);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_THAT(recorder_.lines, Contains("intent web1 unwanted operator_destroy"));
  // libvirtd forgets the reason when it restarts.
  world_.with(a_vm("web1").off(VmReason::unknown).autostart());
  start_daemon();
  pass(300s);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_THAT(daemon_->view()->decisions, IsEmpty());
}

TEST_F(ReconcilerTest, AnUnreachableLibvirtLeadsToNothing) {
  start_settled();
  libvirt_answers_ = false;
  pass(300s);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_TRUE(daemon_->view()->history.intents.at({uuid_of("web1")}).wanted);
  libvirt_answers_ = true;
  pass(300s);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_THAT(recorder_.starting_with("decided"), IsEmpty());
}

TEST_F(ReconcilerTest, AProblemFromBeforeABlindnessIsConfirmedAnewAfterIt) {
  start_settled();
  world_.policy.mode = Mode::observe;
  daemon_->use(std::make_shared<const Policy>(world_.policy));
  crash("web1");
  libvirt_answers_ = false;
  pass(30s);
  world_.policy.mode = Mode::act;
  daemon_->use(std::make_shared<const Policy>(world_.policy));
  libvirt_answers_ = true;
  step();
  EXPECT_THAT(started(), IsEmpty());
  clock_.advance(1s);
  step();
  EXPECT_THAT(started(), ElementsAre("web1"));
}

/// Seconds between `from` and each attempt.
std::vector<double> attempt_times(const MemoryJournal& journal, WallTime from) {
  std::vector<double> times;
  for (const auto& [id, action] : journal.actions) {
    times.push_back(Seconds(action.begun - from).count());
  }
  return times;
}

TEST_F(ReconcilerTest, AStartThatAlwaysFailsIsTriedEverMoreSlowlyThenEachHalfHour) {
  on_submit_ = [&](const Ticket& ticket) {
    executor_->end(ticket.id, outcome(Outcome::Kind::failed, "storage"), clock_.now());
  };
  start_settled();
  const WallTime from = clock_.wall();
  crash("web1");
  pass(600s);
  const auto times = attempt_times(journal_, from);
  ASSERT_THAT(times, SizeIs(5));
  EXPECT_EQ(times[0], 0.0);
  const std::vector<double> gaps{10, 20, 40, 80};
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double gap = times[i + 1] - times[i];
    EXPECT_GE(gap, gaps[i] * 0.75) << i;
    EXPECT_LE(gap, gaps[i] * 1.25 + 0.1) << i;
  }
  EXPECT_EQ(hold_on("web1"), Hold::latched);
  EXPECT_THAT(recorder_.lines, Contains("ended vm/web1 failed latched"));
  EXPECT_TRUE(journal_.target(vm_target("web1")).latched_since);

  pass(3h);
  const auto slow = attempt_times(journal_, from);
  ASSERT_GE(slow.size(), 10U);
  EXPECT_LE(slow.size(), 11U);
  for (std::size_t i = 5; i < slow.size(); ++i) {
    EXPECT_NEAR(slow[i] - slow[i - 1], 1800.0, 5.0);
  }

  const auto count = slow.size();
  const auto answer = ask(ReleaseTarget{.target = vm_target("web1"), .by = "anna"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(*answer, HasSubstr("released by anna"));
  EXPECT_THAT(journal_.actions, SizeIs(count + 1));
  EXPECT_THAT(story("release"), ElementsAre("vm/web1: released by anna"));
  pass(12min);
  EXPECT_THAT(journal_.actions, SizeIs(count + 5));
}

TEST_F(ReconcilerTest, ADiskThatComesBackEndsTheLongWaitForTheNextTry) {
  on_submit_ = [&](const Ticket& ticket) {
    executor_->end(ticket.id, outcome(Outcome::Kind::failed, "storage"), clock_.now());
  };
  start_settled();
  const WallTime from = clock_.wall();
  crash("web1");
  pass(600s);
  ASSERT_THAT(journal_.actions, SizeIs(5));
  const Vm there = a_vm("web1").off();
  Vm gone = there;
  gone.disks.front().backing = DiskBacking::missing;
  world_.with(gone);
  pass(60s);
  EXPECT_EQ(hold_on("web1"), Hold::disk_missing);
  world_.with(there);
  pass(2s);
  ASSERT_THAT(journal_.actions, SizeIs(6));
  EXPECT_NEAR(attempt_times(journal_, from).back(), 660.0, 5.0);
  EXPECT_TRUE(journal_.target(vm_target("web1")).latched_since) << "until it is well";
  pass(29min);
  EXPECT_THAT(journal_.actions, SizeIs(6));
}

TEST_F(ReconcilerTest, LatchAndBackOffSurviveARestart) {
  on_submit_ = [&](const Ticket& ticket) {
    executor_->end(ticket.id, outcome(Outcome::Kind::failed, "storage"), clock_.now());
  };
  start_settled();
  crash("web1");
  pass(600s);
  ASSERT_THAT(journal_.actions, SizeIs(5));
  start_daemon();
  pass(600s);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_EQ(hold_on("web1"), Hold::latched);
}

TEST_F(ReconcilerTest, AWallClockThatWasSetBackMakesNoWaitEndlessAndNoneShorter) {
  on_submit_ = [&](const Ticket& ticket) {
    executor_->end(ticket.id, outcome(Outcome::Kind::failed, "storage"), clock_.now());
  };
  start_settled();
  crash("web1");
  pass(3s);
  clock_.step_wall(-24h * 400);
  start_daemon();
  pass(5s);
  EXPECT_THAT(started(), IsEmpty());
  pass(15s);
  EXPECT_THAT(started(), ElementsAre("web1"));
}

TEST_F(ReconcilerTest, WhatIsWellForTenMinutesStartsAnewWithItsAttempts) {
  on_submit_ = [&](const Ticket& ticket) {
    world_.with(a_vm("web1"));
    executor_->end(ticket.id, outcome(Outcome::Kind::succeeded), clock_.now());
  };
  start_settled();
  crash("web1");
  pass(30s);
  EXPECT_EQ(journal_.target(vm_target("web1")).in_row, 1);
  pass(11min);
  EXPECT_EQ(journal_.target(vm_target("web1")).in_row, 0);
}

TEST_F(ReconcilerTest, ASuccessThatChangesNothingIsIneffectiveAndBacksOff) {
  start_settled();
  crash("web1");
  end_last(Outcome::Kind::succeeded);
  step();
  EXPECT_FALSE(journal_.actions.at(1).ended);  // The reading is no newer than the success.
  clock_.advance(500ms);
  step();
  EXPECT_FALSE(journal_.actions.at(1).ended);  // It may have begun before it.
  clock_.advance(600ms);
  step();
  EXPECT_EQ(journal_.actions.at(1).outcome->kind, Outcome::Kind::ineffective);
  EXPECT_THAT(recorder_.starting_with("ended"), ElementsAre("ended vm/web1 ineffective"));
  EXPECT_THAT(started(), ElementsAre("web1"));
  pass(13s);
  EXPECT_THAT(started(), ElementsAre("web1", "web1"));
}

TEST_F(ReconcilerTest, AConflictCostsNoAttempt) {
  start_settled();
  crash("web1");
  world_.with(a_vm("web1"));
  end_last(Outcome::Kind::conflict, "facts_changed");
  pass(2s);
  EXPECT_EQ(journal_.target(vm_target("web1")).in_row, 0);
  EXPECT_THAT(journal_.target(vm_target("web1")).attempts, IsEmpty());
  EXPECT_EQ(journal_.actions.at(1).outcome->kind, Outcome::Kind::conflict);
}

TEST_F(ReconcilerTest, NothingMoreIsSentToATargetWhoseCommandIsStuck) {
  start_settled();
  crash("web1");
  clock_.advance(120s);
  executor_->pass_deadline(1, clock_.now());
  pass(1h);
  EXPECT_THAT(started(), ElementsAre("web1"));
  EXPECT_EQ(hold_on("web1"), Hold::command_stuck);
  EXPECT_THAT(recorder_.starting_with("ended"), ElementsAre("ended vm/web1 timed_out (not ended)"));
  // Also not by a daemon that only knows the journal.
  world_.with(a_vm("web1"));
  executor_->end(1, outcome(Outcome::Kind::succeeded), clock_.now());
  pass(3s);
  EXPECT_EQ(journal_.actions.at(1).outcome->kind, Outcome::Kind::succeeded);
  EXPECT_FALSE(daemon_->view()->history.targets.at(vm_target("web1")).stuck);
}

TEST_F(ReconcilerTest, ALastLookThatHangsKeepsItsTargetBusyUntilItReturns) {
  start_settled();
  crash("web1");
  clock_.advance(120s);
  executor_->pass_deadline(1, clock_.now(), Outcome::Kind::refused);
  pass(1h);
  EXPECT_THAT(started(), ElementsAre("web1"));
  EXPECT_EQ(hold_on("web1"), Hold::command_stuck);
  EXPECT_FALSE(journal_.actions.at(1).ended);
  executor_->end(1, outcome(Outcome::Kind::refused, "timed_out"), clock_.now());
  pass(8s);
  EXPECT_THAT(started(), ElementsAre("web1", "web1"));
}

TEST_F(ReconcilerTest, ALastLookThatHungUnsentWhenTheDaemonWasKilledCostsNoAttempt) {
  start_settled();
  crash("web1");
  clock_.advance(120s);
  executor_->pass_deadline(1, clock_.now(), Outcome::Kind::refused);
  step();
  on_submit_ = {};
  start_daemon();
  pass(4s);
  const ActionRecord& action = journal_.actions.at(1);
  ASSERT_TRUE(action.outcome);
  EXPECT_EQ(action.outcome->kind, Outcome::Kind::refused);
  const TargetHistory& line = daemon_->view()->history.targets.at(vm_target("web1"));
  EXPECT_FALSE(line.stuck);
  EXPECT_EQ(line.attempts.size(), line.in_flight ? 1U : 0U);
}

TEST_F(ReconcilerTest, WhatCouldNotBeSentCountsNowhereBeforeAndAfterARestart) {
  // Late and at once, over the budget and the attempts of an hour; only what failed counts.
  world_.policy.actions_per_hour = 6;
  Outcome::Kind kind = Outcome::Kind::refused;
  on_submit_ = [&](const Ticket& ticket) {
    if (ticket.id % 2 == 0) executor_->pass_deadline(ticket.id, clock_.now(), kind);
    executor_->end(ticket.id, outcome(kind, "timed_out"), clock_.now());
  };
  start_settled();
  crash("web1");
  pass(10min);
  const auto refused = journal_.actions.size();
  EXPECT_GT(refused, 10U);
  EXPECT_LT(refused, 20U) << "each gap is longer, up to a minute";
  kind = Outcome::Kind::failed;
  pass(61s);
  ASSERT_GT(journal_.actions.size(), refused);
  kind = Outcome::Kind::refused;
  pass(2min);
  const TargetHistory before = daemon_->view()->history.targets.at(vm_target("web1"));
  const auto begun_and_spent = [&] {
    std::map<std::int64_t, Tick> begun;
    for (const auto& [id, entry] : daemon_->view()->history.budget.spent) begun[id] = entry.begun;
    return begun;
  };
  const auto spent = begun_and_spent();
  EXPECT_GE(before.attempts.size(), 1U);
  EXPECT_EQ(before.attempts.size(), spent.size());
  EXPECT_EQ(before.in_row, static_cast<int>(spent.size()));
  EXPECT_FALSE(before.latched_since);
  ASSERT_FALSE(before.in_flight);
  on_submit_ = {};
  start_daemon();
  step();
  EXPECT_TRUE(same_record(before, daemon_->view()->history.targets.at(vm_target("web1"))));
  EXPECT_EQ(begun_and_spent(), spent);
}

TEST_F(ReconcilerTest, MarkingDownKeepsItDownAndMarkingUpStartsIt) {
  start_settled();
  const auto down = mark("web1", Keep::down);
  ASSERT_TRUE(down) << down.error().message;
  EXPECT_THAT(*down, HasSubstr("marked down by anna"));
  crash("web1");
  pass(30s);
  EXPECT_THAT(started(), IsEmpty());

  start_daemon();  // The mark is durable.
  pass(30s);
  EXPECT_THAT(started(), IsEmpty());

  ASSERT_TRUE(mark("web1", Keep::up));
  pass(3s);
  EXPECT_THAT(started(), ElementsAre("web1"));
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::manual);
  EXPECT_THAT(story("mark"),
              ElementsAre("vm/web1: marked down by anna", "vm/web1: marked up by anna"));
}

TEST_F(ReconcilerTest, TheExecutorKnowsAMarkBeforeThePersonIsAnswered) {
  start_settled();
  EXPECT_FALSE(executor_->known_intents.at({uuid_of("web1")}).mark);
  Keep known_at_answer = Keep::automatic;
  Inputs inputs;
  inputs.commands.emplace_back(
      MarkVm{.vm = {"web1"}, .mark = {.keep = Keep::down, .by = "anna", .reason = "", .at = {}}},
      [&](const Result<std::string>& answer) {
        EXPECT_TRUE(answer);
        const auto& mark = executor_->known_intents.at({uuid_of("web1")}).mark;
        ASSERT_TRUE(mark);
        known_at_answer = mark->keep;
      });
  step(std::move(inputs));
  EXPECT_EQ(known_at_answer, Keep::down);
}

TEST_F(ReconcilerTest, TheExecutorKnowsAStopAndAReloadedConfigAtOnce) {
  start_settled();
  EXPECT_TRUE(executor_->known_intents.at({uuid_of("web1")}).wanted);
  EXPECT_EQ(executor_->known_policy->mode, world_.policy.mode);
  world_.with(a_vm("web1").off(VmReason::destroyed));
  step(event("web1", VmEventKind::stopped_destroyed));
  EXPECT_FALSE(executor_->known_intents.at({uuid_of("web1")}).wanted);
  Policy policy = world_.policy;
  policy.mode = Mode::observe;
  daemon_->use(std::make_shared<const Policy>(policy));
  EXPECT_EQ(executor_->known_policy->mode, Mode::observe);
}

TEST_F(ReconcilerTest, AMarkForNoVmIsRefused) {
  start_settled();
  const auto answer = mark("web9", Keep::up);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), (Error{Errc::not_found, "no VM named 'web9'"}));
  const auto release = ask(ReleaseTarget{.target = resource_target("r9"), .by = ""});
  ASSERT_FALSE(release);
  EXPECT_EQ(release.error(), (Error{Errc::not_found, "no resource named 'r9'"}));
}

TEST_F(ReconcilerTest, AMarkThatCannotBeKeptIsRefusedAndDoesNotCount) {
  start_settled();
  journal_.failing = true;
  const auto answer = mark("web1", Keep::down);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_FALSE(daemon_->view()->history.intents.at({uuid_of("web1")}).mark);
  journal_.failing = false;
  pass(10s);
  EXPECT_FALSE(journal_.state().intents.at({uuid_of("web1")}).mark);
  EXPECT_THAT(story("mark"), IsEmpty());
}

TEST_F(ReconcilerTest, MarkingAutoEndsTheMark) {
  start_settled();
  ASSERT_TRUE(mark("web1", Keep::down));
  ASSERT_TRUE(mark("web1", Keep::automatic));
  EXPECT_FALSE(journal_.state().intents.at({uuid_of("web1")}).mark);
  crash("web1");
  EXPECT_THAT(started(), ElementsAre("web1"));
}

// A person's word about a start without a peer.

/// web1 on r0, which was Primary here when the power went; node2 does not come back.
void ReconcilerTest::power_cut_without_peer() {
  DrbdResource resource = test::a_resource("r0", 1).peer_gone();
  resource.devices.front().crashed_primary = true;
  world_.with(a_vm("web1").on_drbd(1)).with(test::a_resource("r0", 1).role(DrbdRole::primary));
  start_settled();
  world_.snapshot.node.reading->boot_id = {"boot-2"};
  world_.with(a_vm("web1").off().on_drbd(1)).with(resource);
  start_daemon();
  pass(90s);
}

TEST_F(ReconcilerTest, AVmThatMayStartDegradedStartsOnceAndTheWordEndsWithIt) {
  power_cut_without_peer();
  EXPECT_EQ(hold_on("web1"), Hold::peer_not_connected);
  const auto answer = ask(AllowDegraded{.vm = {"web1"}, .by = "anna", .reason = "node2 burnt"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(*answer, HasSubstr("web1 may start now"));
  pass(2s);
  EXPECT_THAT(started(), ElementsAre("web1"));
  world_.with(a_vm("web1").on_drbd(1));
  end_last(Outcome::Kind::succeeded);
  pass(5s);
  EXPECT_TRUE(daemon_->view()->history.standings.empty());
  EXPECT_TRUE(journal_.state().standings.empty());
  EXPECT_THAT(story("allow_degraded"),
              ElementsAre("vm/web1: allowed to start once without its DRBD peer by anna: "
                          "node2 burnt"));
}

TEST_F(ReconcilerTest, ADegradedStartThatWasNotNeededForTwoHoursIsNoLongerAllowed) {
  power_cut_without_peer();
  DrbdResource unproven = test::a_resource("r0", 1).peer_gone();
  unproven.devices.front().crashed_primary = false;
  world_.with(unproven);
  const auto answer = ask(AllowDegraded{.vm = {"web1"}, .by = "anna"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(*answer, HasSubstr("web1 is still held"));
  pass(5s);
  EXPECT_FALSE(journal_.state().standings.empty());
  pass(2h);
  EXPECT_TRUE(journal_.state().standings.empty());
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(ReconcilerTest, ADeadNodeIsNotWaitedForAlsoAfterARestartUntilItIsSeen) {
  power_cut_without_peer();
  libvirt_answers_ = false;
  ASSERT_TRUE(ask(DeclareDead{.node = {"node2"}, .by = "anna"}));
  libvirt_answers_ = true;
  start_daemon();
  pass(70s);
  EXPECT_THAT(started(), ElementsAre("web1"));
  world_.with(a_vm("web1").on_drbd(1));
  end_last(Outcome::Kind::succeeded);
  pass(5s);
  EXPECT_FALSE(journal_.state().standings.empty());
  world_.with(test::a_resource("r0", 1).role(DrbdRole::primary));
  pass(2s);
  EXPECT_TRUE(journal_.state().standings.empty());
}

TEST_F(ReconcilerTest, ANodeThatIsAliveOrUnknownIsNotDeclaredDead) {
  world_.with(a_vm("web1").on_drbd(1)).with(test::a_resource("r0", 1));
  start_settled();
  const auto alive = ask(DeclareDead{.node = {"node2"}, .by = "anna"});
  ASSERT_FALSE(alive);
  EXPECT_EQ(alive.error(),
            (Error{Errc::conflict, "node2 is not dead: DRBD resource r0 is connected to it"}));
  const auto unknown = ask(DeclareDead{.node = {"node7"}, .by = "anna"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error(), (Error{Errc::not_found, "no node named 'node7'; known are: node2"}));
}

TEST_F(ReconcilerTest, TheAnswerToDeclareDeadSaysWhatItDoesAndWhatEndsIt) {
  power_cut_without_peer();
  start_settled();
  const auto drbd_only = ask(DeclareDead{.node = {"node2"}, .by = "anna"});
  ASSERT_TRUE(drbd_only);
  EXPECT_EQ(*drbd_only,
            "node2: declared dead by anna. VMs on DRBD that provably ran here last start without "
            "it. Split brain, missing proof of who wrote last, and what other nodes run or want "
            "still hold them. It ends when DRBD connects to node2; `upkeep peer declare-dead node2 "
            "--undo` ends it now");
  world_.policy.peers = {{"node2"}};
  start_daemon();
  pass(1s);
  const auto asked = ask(DeclareDead{.node = {"node2"}, .by = "anna"});
  ASSERT_TRUE(asked);
  EXPECT_THAT(*asked, HasSubstr("those on shared storage, no longer wait for its word, while it is "
                                "silent (for 15 s at least) and until this node boots"));
  EXPECT_THAT(*asked, HasSubstr("or its host makes or refuses a connection at its url"));
  EXPECT_EQ(
      journal_.state().standings.at({Standing::Kind::peer_dead, std::string("node2")}).boot.value,
      world_.snapshot.node.reading->boot_id.value);
}

TEST_F(ReconcilerTest, ADeadNodeIsCalledWhatTheConfigurationCallsIt) {
  power_cut_without_peer();
  world_.policy.peers = {{"node2.a"}, {"node3.a"}, {"node3.b"}};
  start_settled();
  ASSERT_TRUE(ask(DeclareDead{.node = {"node2"}, .by = "anna"}));
  const StandingKey key{Standing::Kind::peer_dead, "node2.a"};
  EXPECT_TRUE(journal_.state().standings.contains(key));
  const auto both = ask(DeclareDead{.node = {"node3"}, .by = "anna"});
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error(), (Error{Errc::conflict,
                                 "'node3' may be node3.a or node3.b: say which, with its domain"}));
  ASSERT_TRUE(ask(DeclareDead{.node = {"node2"}, .by = "anna", .take_back = true}));
  EXPECT_TRUE(journal_.state().standings.empty());
}

TEST_F(ReconcilerTest, OfTwoNodesOfDrbdThatOnePeerMayBeNeitherIsDeclaredDead) {
  power_cut_without_peer();
  world_.policy.peers = {{"node2"}, {"node3.b"}, {"node4.b"}};
  DrbdResource near = test::a_resource("r0", 1).peer_gone();
  near.peers.front().name = {"node2.a"};
  DrbdResource far = test::a_resource("r1", 2).peer_gone();
  far.peers.front().name = {"node2.b"};
  DrbdResource other = test::a_resource("r2", 3).peer_gone();
  other.peers.front().name = {"node3.a"};
  world_.with(near).with(far).with(other);
  start_settled();
  for (const char* typed : {"node2.a", "node2.b"}) {
    const auto doubt = ask(DeclareDead{.node = {typed}, .by = "anna"});
    ASSERT_FALSE(doubt);
    EXPECT_EQ(doubt.error().code, Errc::conflict);
    EXPECT_THAT(doubt.error().message, HasSubstr("may be node2 or node2.a or node2.b"));
    EXPECT_THAT(doubt.error().message, HasSubstr("upkeep allow-degraded"));
  }
  const auto doubt = ask(DeclareDead{.node = {"node3"}, .by = "anna"});
  ASSERT_FALSE(doubt) << "DRBD's node3.a or the configuration's node3.b";
  EXPECT_THAT(doubt.error().message, HasSubstr("may be node3.a or node3.b"));
  EXPECT_TRUE(ask(DeclareDead{.node = {"node4"}, .by = "anna"}));
  const auto by_name = ask(DeclareDead{.node = {"node2"}, .by = "anna"});
  ASSERT_TRUE(by_name) << by_name.error().message;
  EXPECT_THAT(*by_name, HasSubstr("VMs on DRBD still wait, for `upkeep allow-degraded`"));
  EXPECT_THAT(*by_name, HasSubstr("on shared storage, no longer wait for its word"));
  pass(2s);
  EXPECT_THAT(started(), IsEmpty()) << "the one that holds web1 may be another node";
}

TEST_F(ReconcilerTest, ANodeOfAnotherDomainIsNotThePeerThatSaidItsOwn) {
  power_cut_without_peer();
  world_.peer("node7");
  world_.snapshot.peers.back().facts.reading->node = {"node7.a"};
  start_settled();
  const auto other = ask(DeclareDead{.node = {"node7.b"}, .by = "anna"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error(), (Error{Errc::not_found,
                                  "no node named 'node7.b'; [[peer]] node7 calls itself node7.a"}));
  for (const char* typed : {"node7", "Node7.A"}) {
    EXPECT_EQ(ask(DeclareDead{.node = {typed}, .by = "anna"}).error().message,
              "node7 is not dead: upkeep answers on it");
  }
  world_.snapshot.peers.back().facts.reading->node = {};
  EXPECT_EQ(ask(DeclareDead{.node = {"node7.b"}, .by = "anna"}).error().code, Errc::conflict)
      << "what it calls itself is not known";
}

TEST_F(ReconcilerTest, AWordOnADeadNodeIsTakenBackByEachOfItsNames) {
  const std::vector<std::pair<const char*, const char*>> names{
      {"node2", "node2.example"}, {"node2.example", "node2"}, {"NODE2", "node2"}};
  power_cut_without_peer();
  for (const auto& [before, now] : names) {
    world_.policy.mode = Mode::observe;
    world_.policy.peers = {{before}};
    start_daemon();
    pass(70s);
    ASSERT_TRUE(ask(DeclareDead{.node = {before}, .by = "anna"}));
    world_.policy.peers = {{now}, {"node3"}};
    start_daemon();
    pass(70s);
    const auto undone = ask(DeclareDead{.node = {now}, .by = "anna", .take_back = true});
    ASSERT_TRUE(undone);
    EXPECT_EQ(*undone, std::string(now) + ": no longer declared dead by anna");
    EXPECT_TRUE(journal_.state().standings.empty()) << before;
    EXPECT_THAT(*ask(DeclareDead{.node = {now}, .by = "anna", .take_back = true}),
                HasSubstr("was not declared dead"));
  }
}

TEST_F(ReconcilerTest, ANewWordOnADeadNodeReplacesThoseByItsOtherNamesOnly) {
  power_cut_without_peer();
  world_.policy.mode = Mode::observe;
  world_.policy.peers = {{"node2"}, {"node2.b"}};
  start_daemon();
  pass(70s);
  ASSERT_TRUE(ask(DeclareDead{.node = {"node2.b"}, .by = "anna"}));
  ASSERT_TRUE(ask(DeclareDead{.node = {"node2"}, .by = "anna"}));
  EXPECT_EQ(journal_.state().standings.size(), 2U);
  world_.policy.peers = {{"node2.b"}};
  start_daemon();
  pass(70s);
  journal_.failing = true;
  EXPECT_FALSE(ask(DeclareDead{.node = {"node2.b"}, .by = "anna"}));
  EXPECT_EQ(daemon_->view()->history.standings.size(), 2U);
  journal_.failing = false;
  pass(10s);
  EXPECT_EQ(journal_.state().standings.size(), 2U);
  ASSERT_TRUE(ask(DeclareDead{.node = {"node2.b"}, .by = "anna"}));
  EXPECT_EQ(journal_.state().standings.size(), 1U) << "there is one node2 now";
}

TEST_F(ReconcilerTest, AWordOnANodeThatNobodyNamesAnyMoreCanBeTakenBack) {
  power_cut_without_peer();
  world_.policy.mode = Mode::observe;
  world_.policy.peers = {{"node7.b"}};
  start_daemon();
  pass(70s);
  ASSERT_TRUE(ask(DeclareDead{.node = {"node7.b"}, .by = "anna"}));
  world_.policy.peers.clear();
  start_daemon();
  pass(70s);
  EXPECT_FALSE(ask(DeclareDead{.node = {"node7"}, .by = "anna"})) << "it opens nothing new";
  ASSERT_TRUE(ask(DeclareDead{.node = {"node7"}, .by = "anna", .take_back = true}));
  EXPECT_TRUE(journal_.state().standings.empty());
}

TEST_F(ReconcilerTest, AWordThatIsTakenBackOrCannotBeKeptDoesNotCount) {
  power_cut_without_peer();
  journal_.failing = true;
  EXPECT_EQ(ask(DeclareDead{.node = {"node2"}, .by = "anna"}).error().code, Errc::unavailable);
  EXPECT_TRUE(daemon_->view()->history.standings.empty());
  journal_.failing = false;
  pass(10s);
  world_.policy.mode = Mode::observe;
  start_daemon();
  pass(70s);
  ASSERT_TRUE(ask(DeclareDead{.node = {"node2"}, .by = "anna"}));
  EXPECT_FALSE(journal_.state().standings.empty());
  ASSERT_TRUE(ask(DeclareDead{.node = {"node2"}, .by = "anna", .take_back = true}));
  EXPECT_TRUE(journal_.state().standings.empty());
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(ReconcilerTest, AVmThatRunsOrHasNothingOnDrbdNeedsNoWord) {
  world_.with(a_vm("web2").on_drbd(1)).with(test::a_resource("r0", 1));
  start_settled();
  EXPECT_EQ(ask(AllowDegraded{.vm = {"web1"}}).error().code, Errc::conflict);
  EXPECT_EQ(ask(AllowDegraded{.vm = {"web2"}}).error().code, Errc::conflict);
  EXPECT_EQ(ask(AllowDegraded{.vm = {"web9"}}).error().code, Errc::not_found);
}

TEST_F(ReconcilerTest, AfterABootWhatWasWantedComesBackAndNothingElse) {
  world_.with(a_vm("db1")).with(a_vm("old").off());
  start_settled();
  world_.with(a_vm("db1").off(VmReason::shutdown));
  step(event("db1", VmEventKind::shutdown_guest));
  step(event("db1", VmEventKind::stopped_shutdown));
  pass(30s);
  const WallTime last_beat = *journal_.state().last_heartbeat;

  clock_.advance(300s);  // The power goes, and comes back.
  Node node;
  node.boot_id = {"boot-2"};
  node.boot_time = clock_.wall();
  node.previous_shutdown = PreviousShutdown::unclean;
  world_.snapshot.node.reading = node;
  for (const char* vm : {"web1", "db1", "old"}) world_.with(a_vm(vm).off());
  start_daemon();
  pass(10s);
  EXPECT_THAT(started(), ElementsAre("web1"));
  ASSERT_THAT(journal_.state().boots, SizeIs(2));
  EXPECT_EQ(journal_.state().boots[1].id, BootId{"boot-2"});
  EXPECT_EQ(journal_.state().boots[1].previous_shutdown, PreviousShutdown::unclean);
  EXPECT_EQ(journal_.state().boots[1].downtime, Seconds(node.boot_time - last_beat));
  EXPECT_TRUE(daemon_->view()->history.booted_since_record);
  EXPECT_EQ(daemon_->view()->boot_counts.at(PreviousShutdown::unclean), 1U);
}

TEST_F(ReconcilerTest, OnFirstInstallationNothingThatIsOffIsStarted) {
  world_.with(a_vm("old").off().autostart());
  start_settled();
  pass(300s);
  EXPECT_THAT(started(), IsEmpty());
  EXPECT_FALSE(daemon_->view()->history.booted_since_record);
  EXPECT_THAT(journal_.state().boots, SizeIs(1));
  EXPECT_EQ(journal_.state().boots[0].downtime, std::nullopt);
}

TEST_F(ReconcilerTest, ABootReleasesLatches) {
  TargetRecord& latched = journal_.target(vm_target("web1"));
  latched.target = vm_target("web1");
  latched.latched_since = clock_.wall() - 60s;
  latched.in_row = 5;
  journal_.state().boots.push_back(
      {{"boot-0"}, clock_.wall() - 1h, PreviousShutdown::unknown, std::nullopt});
  start_settled();
  EXPECT_FALSE(journal_.target(vm_target("web1")).latched_since);
  EXPECT_EQ(journal_.target(vm_target("web1")).in_row, 0);
}

TEST_F(ReconcilerTest, ShuttingDownActsNoMoreAndLearnsNoMore) {
  start_settled();
  crash("web1");
  daemon_->freeze();
  EXPECT_TRUE(executor_->stopped);
  EXPECT_EQ(journal_.state().last_heartbeat, clock_.wall());
  // libvirt-guests shuts everything down now: that is nobody's wish.
  world_.with(a_vm("web1").off(VmReason::shutdown)).with(a_vm("web2").off(VmReason::shutdown));
  step(event("web1", VmEventKind::stopped_shutdown));
  pass(20s);
  EXPECT_TRUE(journal_.state().intents.at({uuid_of("web1")}).wanted);
  EXPECT_FALSE(journal_.state().intents.contains({uuid_of("web2")}));
  EXPECT_THAT(started(), ElementsAre("web1"));
  // What still ends is journaled, and commands get an answer.
  end_last(Outcome::Kind::succeeded);
  step();
  EXPECT_EQ(journal_.actions.at(1).outcome->kind, Outcome::Kind::succeeded);
  const auto answer = mark("web1", Keep::down);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
}

TEST_F(ReconcilerTest, OurOwnDestroyOfACrashedGuestIsNotTheOperators) {
  start_settled();
  world_.with(a_vm("web1").crashed());
  step(event("web1", VmEventKind::crashed));
  ASSERT_THAT(started(), ElementsAre("web1"));
  EXPECT_TRUE(std::get<StartVm>(executor_->submitted[0].action).destroy_first);
  // The executor drops it, the start fails at once, and the event comes last.
  clock_.advance(50ms);
  world_.with(a_vm("web1").off(VmReason::destroyed));
  const VmEvent dropped = event("web1", VmEventKind::stopped_destroyed);
  clock_.advance(50ms);
  executor_->end(1, outcome(Outcome::Kind::failed, "storage"), clock_.now(),
                 {.queue = {}, .storage = {}, .start = {}, .command_sent = clock_.now() - 100ms});
  step();
  clock_.advance(200ms);
  step(dropped);
  pass(15s);
  EXPECT_THAT(started(), ElementsAre("web1", "web1"));
  // A destroy later on is somebody's.
  end_last(Outcome::Kind::succeeded);
  world_.with(a_vm("web1"));
  pass(5s);
  world_.with(a_vm("web1").off(VmReason::destroyed));
  step(event("web1", VmEventKind::stopped_destroyed));
  pass(60s);
  EXPECT_THAT(started(), SizeIs(2));
}

TEST_F(ReconcilerTest, ADaemonThatDiesAfterItsDestroyOfACrashedGuestKnowsThatItWasIts) {
  start_settled();
  world_.with(a_vm("web1").crashed());
  step(event("web1", VmEventKind::crashed));
  ASSERT_THAT(started(), ElementsAre("web1"));
  // It dropped the dead guest and died; nobody heard the event.
  world_.with(a_vm("web1").off(VmReason::destroyed));
  clock_.advance(20s);
  start_daemon();
  pass(60s);
  EXPECT_TRUE(daemon_->view()->history.intents.at({uuid_of("web1")}).wanted);
  EXPECT_THAT(started(), Contains("web1"));
}

TEST_F(ReconcilerTest, AStopOfAGuestThatOurSlowStartBroughtUpIsSomebodys) {
  start_settled();
  world_.with(a_vm("web1").off(VmReason::crashed));
  step(event("web1", VmEventKind::stopped_failed));
  ASSERT_THAT(started(), ElementsAre("web1"));
  // It runs; libvirt hasn't answered yet. A person saves it, and the event is lost.
  world_.with(a_vm("web1"));
  pass(5s);
  world_.with(a_vm("web1").off(VmReason::saved));
  pass(5s);
  EXPECT_FALSE(daemon_->view()->history.intents.at({uuid_of("web1")}).wanted);
}

TEST_F(ReconcilerTest, ManyCrashesAreBegunAsHandsGetFree) {
  world_.policy.pacing.slots = 100;
  for (int i = 10; i < 40; ++i) world_.with(a_vm(fmt::format("vm{}", i)));
  start_settled();
  for (int i = 10; i < 40; ++i) {
    world_.with(a_vm(fmt::format("vm{}", i)).off(VmReason::crashed));
  }
  pass(2s);
  EXPECT_THAT(executor_->submitted, SizeIs(8));
  EXPECT_THAT(journal_.actions, SizeIs(8));
  for (std::size_t i = 0; i < 30; ++i) {
    ASSERT_LT(i, executor_->submitted.size());
    const Ticket ticket = executor_->submitted[i];
    world_.with(a_vm(target_of(ticket.action).name));
    executor_->end(ticket.id, outcome(Outcome::Kind::succeeded), clock_.now());
    clock_.advance(10ms);
    step();
  }
  pass(3s);
  EXPECT_THAT(executor_->submitted, SizeIs(30));
  EXPECT_THAT(daemon_->view()->decisions, IsEmpty());
}

TEST_F(ReconcilerTest, AnOutageIsMeasuredInPartsThatAddUp) {
  start_settled();
  VmEvent died = event("web1", VmEventKind::stopped_failed);
  world_.with(a_vm("web1").off(VmReason::crashed));
  clock_.advance(30ms);
  step(died);
  ASSERT_THAT(started(), SizeIs(1));
  clock_.advance(2s);
  executor_->end(1, outcome(Outcome::Kind::succeeded), clock_.now(),
                 {.queue = 100ms, .storage = 400ms, .start = 1500ms, .command_sent = {}});
  world_.with(a_vm("web1"));
  clock_.advance(250ms);
  step();
  EXPECT_THAT(recorder_.starting_with("outage"), ElementsAre("outage vm vm/web1 2280 ms"));
  EXPECT_THAT(
      recorder_.starting_with("phase"),
      ElementsAre("phase vm detect 30 ms", "phase vm gate 0 ms", "phase vm queue 100 ms",
                  "phase vm storage 400 ms", "phase vm start 1500 ms", "phase vm verify 250 ms"));
  EXPECT_THAT(recorder_.lines, Contains("gone vm_down vm/web1"));
}

TEST_F(ReconcilerTest, AnOutageThatSomebodyElseEndsHasNoPartsOfOurs) {
  world_.policy.mode = Mode::observe;
  start_settled();
  crash("web1");
  clock_.advance(7s);
  world_.with(a_vm("web1"));
  step(event("web1", VmEventKind::started));
  EXPECT_THAT(recorder_.starting_with("outage"), ElementsAre("outage vm vm/web1 7000 ms"));
  EXPECT_THAT(recorder_.starting_with("phase"), IsEmpty());
}

TEST_F(ReconcilerTest, AWishThatEndsIsNoOutageThatEnds) {
  world_.policy.mode = Mode::observe;
  start_settled();
  crash("web1");
  ASSERT_TRUE(mark("web1", Keep::down));
  pass(3s);
  EXPECT_THAT(recorder_.starting_with("outage"), IsEmpty());
  EXPECT_THAT(recorder_.lines, Contains("gone vm_down vm/web1"));
}

TEST_F(ReconcilerTest, TellsADecisionOnceHoweverLongItLasts) {
  world_.policy.mode = Mode::observe;
  start_settled();
  crash("web1");
  pass(10min);
  EXPECT_THAT(recorder_.starting_with("decided"),
              ElementsAre("decided vm/web1 hold observing (new)"));
  EXPECT_THAT(story("decision"), SizeIs(1));
  EXPECT_THAT(story("decision")[0], HasSubstr("vm/web1: "));
}

TEST_F(ReconcilerTest, AQuietNodeWritesItsHeartbeatAndNothingElse) {
  start_settled();
  pass(20s);
  const int before = journal_.writes;
  pass(5min);
  EXPECT_EQ(journal_.writes - before, 20);
  EXPECT_LE(clock_.wall() - *journal_.state().last_heartbeat, 15s);
}

TEST_F(ReconcilerTest, PrunesDailyWhatIsOlderThanNinetyDays) {
  start_settled();
  pass(30min);
  EXPECT_THAT(journal_.prunes, IsEmpty());
  for (int hour = 0; hour < 50; ++hour) {
    clock_.advance(1h);
    step();
  }
  ASSERT_THAT(journal_.prunes, SizeIs(3));
  EXPECT_EQ(journal_.prunes[0], test::kWall + (clock_.now() - test::kNow) - 49h - 24h * 90);
}

TEST_F(ReconcilerTest, NothingIsDoneBeforeTheSourcesHaveSettled) {
  journal_.state().intents[{uuid_of("web1")}] = {.uuid = {uuid_of("web1")},
                                                 .name = {"web1"},
                                                 .wanted = true,
                                                 .last_stop = StopCause::crashed,
                                                 .last_stop_detail = "",
                                                 .changed = {},
                                                 .boot = {"boot-1"},
                                                 .mark = std::nullopt,
                                                 .shutdown_seen = std::nullopt};
  world_.with(a_vm("web1").off(VmReason::crashed));
  start_daemon();
  step();
  EXPECT_EQ(hold_on("web1"), Hold::starting_up);
  EXPECT_FALSE(daemon_->view()->history.settled_at);
  // The list changes once more.
  world_.with(a_vm("web2").off());
  clock_.advance(1s);
  step();
  EXPECT_EQ(hold_on("web1"), Hold::starting_up);
  clock_.advance(1s);
  step();
  EXPECT_TRUE(daemon_->view()->history.settled_at);
  EXPECT_THAT(started(), ElementsAre("web1"));
}

TEST_F(ReconcilerTest, APrimaryThatWasAloneIsNotTrustedAfterABlindness) {
  world_.drbd_version("8.4.11");
  world_.with(a_resource("r0", 0).role(DrbdRole::primary).peer_gone());
  start_settled();
  world_.with(a_resource("r0", 0).peer_gone());
  pass(2s);
  EXPECT_TRUE(daemon_->view()->history.resources.at({"r0"}).primary_alone);
  EXPECT_TRUE(journal_.state().resources.at({"r0"}).primary_alone);
  drbd_hangs_ = true;
  pass(20s);
  drbd_hangs_ = false;
  pass(2s);
  EXPECT_FALSE(daemon_->view()->history.resources.at({"r0"}).primary_alone);
  EXPECT_FALSE(journal_.state().resources.at({"r0"}).primary_alone);
}

TEST_F(ReconcilerTest, APrimaryThatWasAloneIsNotTrustedAfterARestart) {
  world_.drbd_version("8.4.11");
  world_.with(a_resource("r0", 0).role(DrbdRole::primary).peer_gone());
  start_settled();
  world_.with(a_resource("r0", 0).peer_gone());
  start_daemon();  // A peer may have come, written and gone meanwhile.
  pass(2s);
  EXPECT_FALSE(daemon_->view()->history.resources.at({"r0"}).primary_alone);
  EXPECT_TRUE(daemon_->view()->history.resources.at({"r0"}).seen_up);
}

TEST_F(ReconcilerTest, ALinkThatCameAndWentBetweenTwoReadingsCounts) {
  world_.drbd_version("8.4.11");
  world_.with(a_resource("r0", 0).role(DrbdRole::primary).peer_gone());
  start_settled();
  world_.with(a_resource("r0", 0).peer_gone());
  step({.drbd_events = {{.kind = DrbdEvent::Kind::connection_changed,
                         .resource = {"r0"},
                         .peer = {"node2"},
                         .from = "Connecting",
                         .to = "Connected",
                         .status = std::nullopt,
                         .at = clock_.now(),
                         .wall = clock_.wall()}}});
  EXPECT_FALSE(daemon_->view()->history.resources.at({"r0"}).primary_alone);
}

TEST_F(ReconcilerTest, WhatMovedToAnotherNodeIsNoLongerWanted) {
  start_settled();
  world_.peer("node2", {"web1"});
  daemon_->use(std::make_shared<const Policy>(world_.policy));
  world_.with(a_vm("web1").off(VmReason::unknown));
  pass(5s);
  EXPECT_FALSE(journal_.state().intents.at({uuid_of("web1")}).wanted);
  EXPECT_EQ(journal_.state().intents.at({uuid_of("web1")}).last_stop, StopCause::moved_away);
  EXPECT_THAT(started(), IsEmpty());
}

TEST_F(ReconcilerTest, WhatAPeerSaidBeforeTheStopEndsNoWish) {
  start_settled();
  world_.peer("node2", {"web1"});
  daemon_->use(std::make_shared<const Policy>(world_.policy));
  step();
  const Peer before = world_.snapshot.peers.front();
  world_.with(a_vm("web1").off(VmReason::crashed));
  for (int i = 0; i < 5; ++i) {
    clock_.advance(1s);
    world_.later(clock_.now() - world_.now);
    auto snapshot = std::make_shared<Snapshot>(world_.snapshot);
    snapshot->peers = {before};
    static_cast<void>(daemon_->step(snapshot, {}));
  }
  EXPECT_TRUE(journal_.state().intents.at({uuid_of("web1")}).wanted);
  EXPECT_THAT(started(), IsEmpty()) << "an old word still keeps it from being started";
  pass(5s);  // It says so again.
  EXPECT_EQ(journal_.state().intents.at({uuid_of("web1")}).last_stop, StopCause::moved_away);
}

TEST_F(ReconcilerTest, BringsUpAResourceThatIsDownAfterABoot) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0).down());
  start_settled();
  ASSERT_THAT(executor_->submitted, SizeIs(1));
  EXPECT_EQ(executor_->submitted[0].action, (Action{BringUpResource{{"r0"}}}));
  world_.with(a_resource("r0", 0));
  end_last(Outcome::Kind::succeeded);
  pass(3s);
  EXPECT_EQ(journal_.actions.at(1).outcome->kind, Outcome::Kind::succeeded);
  EXPECT_TRUE(journal_.state().resources.at({"r0"}).seen_up);
  EXPECT_THAT(recorder_.starting_with("outage resource resource/r0"), SizeIs(1));
}

TEST_F(ReconcilerTest, WhatWasTakenDownStaysSoThoughADaemonNeverLearnedItsBoot) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0));
  start_settled();
  world_.with(a_resource("r0", 0).down());
  pass(2s);
  const Result<Node> node = world_.snapshot.node.reading;
  world_.snapshot.node.reading = fail(Errc::unavailable, "node: cannot be read");
  start_daemon();
  pass(60s);
  EXPECT_THAT(executor_->submitted, IsEmpty());
  world_.snapshot.node.reading = node;
  start_daemon();
  pass(60s);
  EXPECT_EQ(hold_on(target_of(ResourceName{"r0"})), Hold::down_by_operator);
  EXPECT_THAT(executor_->submitted, IsEmpty());
}

TEST_F(ReconcilerTest, WhatWasSeenUpBeforeTheBootWasKnownWasUpInIt) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0));
  const Result<Node> node = world_.snapshot.node.reading;
  world_.snapshot.node.reading = fail(Errc::unavailable, "node: cannot be read");
  start_daemon();
  pass(5s);
  EXPECT_FALSE(journal_.state().resources.contains({"r0"})) << "of which boot would that be?";
  world_.with(a_resource("r0", 0).down());
  pass(2s);
  world_.snapshot.node.reading = node;
  pass(60s);
  EXPECT_TRUE(journal_.state().resources.at({"r0"}).seen_up);
  EXPECT_EQ(hold_on(target_of(ResourceName{"r0"})), Hold::down_by_operator);
  EXPECT_THAT(executor_->submitted, IsEmpty());
}

TEST_F(ReconcilerTest, ResourcesToBringUpTakeTurnsAndKeepNoHandFromVms) {
  world_.drbd_version("8.4.11");
  for (std::uint32_t i = 0; i < 10; ++i) {
    world_.with(a_resource(fmt::format("r{}", i), i).down());
  }
  start_settled();
  EXPECT_THAT(started(), ElementsAre("r0", "r1"));
  world_.with(a_vm("web1").off(VmReason::crashed));
  step(event("web1", VmEventKind::stopped_failed));
  EXPECT_THAT(started(), ElementsAre("r0", "r1", "web1"));
  world_.with(a_resource("r0", 0));
  executor_->end(executor_->submitted[0].id, outcome(Outcome::Kind::succeeded), clock_.now());
  pass(2s);
  EXPECT_THAT(started(), ElementsAre("r0", "r1", "web1", "r2"));
}

TEST_F(ReconcilerTest, CountsAnEventThatAPollHasJustOvertaken) {
  start_settled();
  world_.with(a_vm("web1").off(VmReason::crashed));
  step();
  ASSERT_THAT(started(), IsEmpty());
  clock_.advance(20ms);
  step(event("web1", VmEventKind::stopped_failed));
  ASSERT_THAT(started(), ElementsAre("web1"));
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::event);
  EXPECT_EQ(executor_->submitted[0].finding.since, clock_.now() - 20ms);
}

TEST_F(ReconcilerTest, LeavesToThePollWhatItSawLongBeforeAnEvent) {
  start_settled();
  world_.with(a_vm("web1").off(VmReason::crashed));
  step();
  clock_.advance(1500ms);
  step(event("web1", VmEventKind::stopped_failed));
  ASSERT_THAT(started(), ElementsAre("web1"));
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::poll);
}

}  // namespace
}  // namespace upkeep
