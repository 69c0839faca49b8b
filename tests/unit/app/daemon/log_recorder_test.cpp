#include "app/daemon/log_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/app/daemon/fake_host.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

class LogRecorderTest : public testing::Test {
 protected:
  [[nodiscard]] std::string metrics() const {
    Exposition out;
    instruments_.write(out);
    return std::move(out).take();
  }
  [[nodiscard]] Decision held(Hold reason, std::string detail = {}) const {
    Decision decision;
    decision.finding = finding_;
    decision.verdict = Held{.reason = reason, .detail = std::move(detail)};
    return decision;
  }
  [[nodiscard]] Completed completed(Outcome outcome) const {
    Completed done;
    done.id = 17;
    done.finding = finding_;
    done.action = start_;
    done.outcome = std::move(outcome);
    done.times.queue = 10ms;
    done.times.start = 300ms;
    done.times.command_sent = finding_.since + 40ms;
    return done;
  }

  TestClock clock_;
  std::vector<std::string> lines_;
  Log log_{clock_, {.sink = [this](std::string_view line) {
             lines_.emplace_back(line.substr(line.find("level=")));
           }}};
  Instruments instruments_{{.version = "0", .revision = "r"}, {}};
  LogRecorder recorder_{clock_, log_, instruments_};
  StartVm start_{.vm = VmName{"web1"}, .uuid = VmUuid{"u"}};
  Finding finding_{.rule = "vm_down",
                   .subject = {Target::Kind::vm, "web1"},
                   .trigger = Trigger::event,
                   .confirmed = true,
                   .since = clock_.now(),
                   .detail = "shut off (crashed)"};
};

TEST_F(LogRecorderTest, TellsARestartInTwoLines) {
  Ticket ticket;
  ticket.id = 17;
  ticket.finding = finding_;
  ticket.action = start_;
  recorder_.action_begun(ticket, 1);
  recorder_.action_ended(completed({.kind = Outcome::Kind::succeeded}), false);
  EXPECT_THAT(
      lines_,
      ElementsAre("level=info msg=\"restarting vm\" vm=web1 attempt=1 trigger=event "
                  "finding=\"shut off (crashed)\" action_id=17",
                  "level=info msg=\"restart succeeded\" vm=web1 seconds=0.31 action_id=17"));
  const std::string text = metrics();
  EXPECT_THAT(text, HasSubstr("upkeep_remediation_actions_total{action=\"start_vm\","
                              "trigger=\"event\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("upkeep_remediation_action_duration_seconds_count{"
                              "action=\"start_vm\"} 1\n"));
}

TEST_F(LogRecorderTest, MeasuresFromTheEventToTheCommand) {
  recorder_.action_ended(completed({.kind = Outcome::Kind::succeeded}), false);
  EXPECT_THAT(metrics(), HasSubstr("reaction_seconds_sum{action=\"start_vm\"} 0.04\n"));
}

TEST_F(LogRecorderTest, SaysWhyARestartFailedAndCountsIt) {
  recorder_.action_ended(
      completed({.kind = Outcome::Kind::failed, .reason = "storage", .detail = "no such file"}),
      true);
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("level=warn msg=\"restart failed\" vm=web1"),
                                        EndsWith("reason=storage detail=\"no such file\"")),
                                  AllOf(HasSubstr("level=error"), HasSubstr("latched"),
                                        HasSubstr("opens_with=\"upkeep release vm/web1\""))));
  EXPECT_THAT(metrics(), HasSubstr("upkeep_remediation_action_failures_total{action=\"start_vm\","
                                   "reason=\"storage\"} 1\n"));
}

TEST_F(LogRecorderTest, ACommandThatIsLateCountsItsTimeOnceItEnds) {
  Completed late = completed({.kind = Outcome::Kind::timed_out, .reason = "timed_out"});
  late.ended = false;
  recorder_.action_ended(late, false);
  EXPECT_THAT(metrics(), testing::Not(HasSubstr("action_duration_seconds_count{"
                                                "action=\"start_vm\"} 1\n")));
  recorder_.action_ended(completed({.kind = Outcome::Kind::succeeded}), false);
  EXPECT_THAT(metrics(), HasSubstr("action_duration_seconds_count{action=\"start_vm\"} 1\n"));
}

TEST_F(LogRecorderTest, CountsALateFailureOnce) {
  Completed late = completed({.kind = Outcome::Kind::timed_out, .reason = "timed_out"});
  late.ended = false;
  recorder_.action_ended(late, false);
  recorder_.action_ended(completed({.kind = Outcome::Kind::failed, .reason = "storage"}), false);
  EXPECT_THAT(metrics(), HasSubstr("action_failures_total{action=\"start_vm\","
                                   "reason=\"timed_out\"} 1\n"));
  EXPECT_THAT(metrics(), testing::Not(HasSubstr("reason=\"storage\"} 1\n")));
  EXPECT_EQ(lines_.size(), 2U) << "both are told";
}

TEST_F(LogRecorderTest, CountsWhatCouldNotBeSentButNotWhatAGateHeld) {
  recorder_.action_ended(completed({.kind = Outcome::Kind::refused, .reason = "paused"}), false);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("level=info msg=\"restart refused\"")));
  EXPECT_THAT(metrics(), testing::Not(HasSubstr("action_failures_total{action=\"start_vm\"")));
  Completed late = completed({.kind = Outcome::Kind::refused, .reason = "timed_out"});
  late.ended = false;
  recorder_.action_ended(late, false);
  recorder_.action_ended(completed({.kind = Outcome::Kind::refused, .reason = "timed_out"}), false);
  EXPECT_THAT(lines_.back(), HasSubstr("level=warn msg=\"restart refused\""));
  EXPECT_THAT(metrics(), HasSubstr("action_failures_total{action=\"start_vm\","
                                   "reason=\"timed_out\"} 1\n"));
}

TEST_F(LogRecorderTest, ACountdownIsNoNewDecision) {
  const Decision first = held(Hold::backing_off, "next try in 9 s");
  recorder_.decided(first, nullptr);
  recorder_.decided(held(Hold::backing_off, "next try in 8 s"), &first);
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("msg=\"holding back\" vm=web1 rule=vm_down "
                                                  "reason=backing_off"),
                                        HasSubstr("detail=\"next try in 9 s\""))));
  EXPECT_THAT(metrics(), HasSubstr("decisions_total{decision=\"hold\",reason=\"backing_off\","
                                   "rule=\"vm_down\"} 1\n"));

  recorder_.decided(held(Hold::latched), &first);
  EXPECT_EQ(lines_.size(), 2U);
}

TEST_F(LogRecorderTest, TellsOfAnotherCommandThatOpensAHoldAndCountsItOnce) {
  Decision first = held(Hold::peer_not_connected);
  std::get<Held>(first.verdict).opens_with = "drbdadm connect r0";
  Decision second = first;
  std::get<Held>(second.verdict).opens_with = "upkeep peer declare-dead node2";
  recorder_.decided(first, nullptr);
  recorder_.decided(first, &first);
  recorder_.decided(second, &first);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("opens_with=\"drbdadm connect r0\""),
                                  HasSubstr("opens_with=\"upkeep peer declare-dead node2\"")));
  EXPECT_THAT(metrics(),
              HasSubstr("upkeep_remediation_decisions_total{decision=\"hold\",reason=\"peer_not_"
                        "connected\",rule=\"vm_down\"} 1\n"));
}

TEST_F(LogRecorderTest, PassingHoldsAreCountedAndNotLogged) {
  recorder_.decided(held(Hold::in_flight), nullptr);
  EXPECT_THAT(lines_, IsEmpty());
  EXPECT_THAT(metrics(), HasSubstr("reason=\"in_flight\",rule=\"vm_down\"} 1\n"));
}

TEST_F(LogRecorderTest, TellsWhatItWouldDo) {
  Decision decision;
  decision.finding = finding_;
  decision.verdict = WouldAct{start_};
  recorder_.decided(decision, nullptr);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("msg=\"would restart vm\" vm=web1")));
}

TEST_F(LogRecorderTest, TellsWhyAVmStoppedAndWhoMarkedIt) {
  Intent runs;
  runs.name = VmName{"web1"};
  runs.wanted = true;
  runs.last_stop = StopCause::none;
  Intent destroyed = runs;
  destroyed.wanted = false;
  destroyed.last_stop = StopCause::operator_destroy;
  destroyed.last_stop_detail = "event stopped_destroyed";
  Intent marked = destroyed;
  marked.mark = Mark{.keep = Keep::up, .by = "anna", .reason = {}, .at = {}};

  recorder_.intent_changed(nullptr, runs);
  EXPECT_THAT(lines_, IsEmpty()) << "a first start must not log every VM";
  recorder_.intent_changed(&runs, destroyed);
  recorder_.intent_changed(&destroyed, marked);
  EXPECT_THAT(lines_,
              ElementsAre("level=info msg=\"vm stopped\" vm=web1 wanted=false "
                          "cause=operator_destroy detail=\"event stopped_destroyed\"",
                          "level=info msg=\"vm marked\" vm=web1 wanted=false keep=up by=anna"));
}

TEST_F(LogRecorderTest, TellsAStartOnlyWhereNobodyElseDoes) {
  Intent off;
  off.name = VmName{"web1"};
  off.last_stop = StopCause::operator_destroy;
  Intent runs = off;
  runs.wanted = true;
  runs.last_stop = StopCause::none;
  recorder_.intent_changed(&off, runs);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("msg=\"vm runs, and is wanted from now on\"")));
  Intent crashed = runs;
  crashed.last_stop = StopCause::crashed;
  recorder_.intent_changed(&crashed, runs);
  EXPECT_EQ(lines_.size(), 1U) << "its outage's end is told already";
}

TEST_F(LogRecorderTest, ComplainsOfTheJournalOnceAMinute) {
  recorder_.journal_failed({Errc::exhausted, "disk full"});
  recorder_.journal_failed({Errc::exhausted, "disk full"});
  EXPECT_EQ(lines_.size(), 1U);
  EXPECT_THAT(metrics(), HasSubstr("upkeep_journal_errors_total 2\n"));
  clock_.advance(61s);
  recorder_.journal_failed({Errc::exhausted, "disk full"});
  EXPECT_EQ(lines_.size(), 2U);
}

TEST_F(LogRecorderTest, WhatTheJournalLacksForPeopleHoldsNothingUp) {
  recorder_.journal_lacks({Errc::storage, "I/O error"});
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("holds nothing up")));
  EXPECT_THAT(metrics(), HasSubstr("upkeep_journal_errors_total 1\n"));
}

TEST_F(LogRecorderTest, CountsEachAlertAndTellsWhatIsNew) {
  AlertNews news{.outcome = AlertOutcome::not_mine,
                 .alertname = "VmDown",
                 .target = Target{.kind = Target::Kind::vm, .name = "web9"},
                 .line = "alert VmDown asks for restart_vm: it is another's"};
  recorder_.alert(news);
  EXPECT_THAT(lines_, ElementsAre("level=info msg=alert alertname=VmDown outcome=not_mine vm=web9 "
                                  "detail=\"alert VmDown asks for restart_vm: it is another's\""));
  news.outcome = AlertOutcome::duplicate;
  news.line.clear();
  recorder_.alert(news);
  EXPECT_EQ(lines_.size(), 1U) << "Alertmanager repeats itself";
  EXPECT_THAT(metrics(), HasSubstr("upkeep_webhook_alerts_total{outcome=\"duplicate\"} 1\n"));
}

TEST_F(LogRecorderTest, CountsOutages) {
  recorder_.outage_ended("vm", finding_.subject, 3200ms);
  recorder_.outage_phase("vm", "start", 300ms);
  EXPECT_THAT(lines_, ElementsAre("level=info msg=\"vm is up again\" vm=web1 outage_seconds=3.2"));
  EXPECT_THAT(metrics(), HasSubstr("upkeep_outage_duration_seconds_sum{kind=\"vm\"} 3.2\n"));
}

}  // namespace
}  // namespace upkeep
