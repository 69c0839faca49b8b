#include "remediation/alerts/alert_book.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/daemon_test.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::uuid_of;
using test::vm_target;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

AlertRule asks(const char* alertname, AlertAction action, const char* label) {
  return {.alertname = alertname, .match = {}, .action = action, .target_label = label};
}

/// A node with a daemon that gets alerts. Only alerts may act on its VMs, unless a test says
/// otherwise.
class AlertBookTest : public test::DaemonTest {
 protected:
  AlertBookTest() {
    world_.with(a_vm("web1")).with(a_vm("web2"));
    world_.policy.alerts = {asks("VmDown", AlertAction::restart_vm, "vm"),
                            asks("VmHangs", AlertAction::reset_vm, "vm"),
                            asks("VmPaused", AlertAction::resume_vm, "vm"),
                            asks("DiskGone", AlertAction::reattach_disks, "vm"),
                            asks("LinkGone", AlertAction::reconnect_drbd, "resource"),
                            asks("Look", AlertAction::recheck, ""),
                            asks("Watchdog", AlertAction::watchdog, "")};
    act_on(ActOn::alerts);
    start_daemon();
    pass(5s);
  }

  void act_on(ActOn who) {
    VmPolicy block;
    block.act_on = who;
    world_.policy.vms = {block};
  }
  void use(Mode mode) {
    world_.policy.mode = mode;
    daemon_->use(std::make_shared<const Policy>(world_.policy));
  }

  Result<std::string> post(AlertDelivery delivery) { return ask(TakeAlerts{std::move(delivery)}); }
  Result<std::string> post(const Alert& alert) { return post(AlertDelivery{.alerts = {alert}}); }

  /// An alert about `target`, in the label that its block names; `nth` time that it fires.
  [[nodiscard]] Alert firing(const std::string& name, const std::string& target,
                             int nth = 0) const {
    return {.firing = true,
            .labels = {{"alertname", name}, {name == "LinkGone" ? "resource" : "vm", target}},
            .fingerprint = fmt::format("{:016x}", std::hash<std::string>{}(name + target)),
            .starts_at = test::kWall + std::chrono::minutes(nth)};
  }
  [[nodiscard]] static Alert resolved(Alert alert) {
    alert.firing = false;
    return alert;
  }

  /// QEMU is killed; libvirt tells it at once, and nothing happens.
  void crash(const std::string& vm) {
    world_.with(a_vm(vm).off(VmReason::crashed));
    step({.vm_events = {event(vm, VmEventKind::stopped_failed)}});
    pass(3s);
  }
  void comes_up(const std::string& vm) {
    world_.with(a_vm(vm));
    succeeds(executor_->submitted.back().id);
    pass(3s);
  }

  [[nodiscard]] std::vector<std::string> outcomes() const {
    std::vector<std::string> words;
    for (const std::string& line : recorder_.starting_with("alert ")) {
      words.push_back(line.substr(line.rfind(' ') + 1));
    }
    return words;
  }
  [[nodiscard]] std::vector<std::string> story() const {
    std::vector<std::string> texts;
    for (const HistoryEntry& entry : journal_.story) {
      if (entry.kind == "alert") texts.push_back(entry.target + ": " + entry.text);
    }
    return texts;
  }
  [[nodiscard]] std::optional<Hold> hold_on(const std::string& vm) const {
    for (const Decision& decision : daemon_->view()->decisions) {
      if (decision.finding.subject == vm_target(vm)) return hold_of(decision);
    }
    return std::nullopt;
  }
  [[nodiscard]] std::size_t begun() const { return executor_->submitted.size(); }
};

TEST_F(AlertBookTest, AnAlertStartsTheVmThatWaitsForOne) {
  crash("web1");
  EXPECT_EQ(hold_on("web1"), Hold::not_allowed_to_act);
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  ASSERT_EQ(begun(), 1U);
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::webhook);
  EXPECT_EQ(journal_.actions.begin()->second.trigger, Trigger::webhook);
  EXPECT_THAT(outcomes(), ElementsAre("acted"));
  EXPECT_THAT(story(), ElementsAre("vm/web1: alert VmDown asks for restart_vm: start_vm begins"));
  EXPECT_EQ(rereads_, 1);
}

TEST_F(AlertBookTest, AnAlertThatMayResetsARunningVmOnceForEachTimeItFires) {
  world_.policy.allowed_risk = Risk::high;
  use(Mode::act);
  pass(10min);
  ASSERT_TRUE(post(firing("VmHangs", "web1")));
  pass(2s);
  ASSERT_EQ(begun(), 1U);
  EXPECT_EQ(executor_->submitted[0].action,
            Action(ResetVm{.vm = {"web1"}, .uuid = {uuid_of("web1")}}));
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::webhook);
  EXPECT_THAT(story(), ElementsAre("vm/web1: alert VmHangs asks for reset_vm: reset_vm begins"));
  succeeds(executor_->submitted.back().id);
  pass(3s);
  EXPECT_THAT(recorder_.starting_with("ended "), ElementsAre("ended vm/web1 succeeded"));
  // It fires for as long as its Prometheus needs to see the guest again.
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(post(firing("VmHangs", "web1")));
    pass(1min);
  }
  EXPECT_EQ(begun(), 1U);
  ASSERT_TRUE(post(resolved(firing("VmHangs", "web1"))));
  // Anew, too soon after the last reset; and later.
  ASSERT_TRUE(post(firing("VmHangs", "web1", 30)));
  pass(1min);
  EXPECT_EQ(outcomes().back(), "held");
  EXPECT_THAT(story().back(), HasSubstr("reset_vm was tried 1 times"));
  pass(40min);
  ASSERT_TRUE(post(firing("VmHangs", "web1", 60)));
  pass(1min);
  EXPECT_EQ(begun(), 2U);
}

TEST_F(AlertBookTest, AnAlertThatMayResetStartsTheVmThatIsOff) {
  crash("web1");
  ASSERT_TRUE(post(firing("VmHangs", "web1")));
  ASSERT_EQ(begun(), 1U);
  EXPECT_TRUE(std::holds_alternative<StartVm>(executor_->submitted[0].action));
  comes_up("web1");
  EXPECT_EQ(begun(), 1U);
}

TEST_F(AlertBookTest, NoResetWithoutTheRiskAllowed) {
  pass(10min);
  ASSERT_TRUE(post(firing("VmHangs", "web1")));
  pass(1min);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), ElementsAre("held"));
  EXPECT_THAT(story(), ElementsAre(HasSubstr("risk_not_allowed")));
}

TEST_F(AlertBookTest, AResetWaitsUntilTheGuestHasHadTheTimeToBoot) {
  world_.policy.allowed_risk = Risk::high;
  use(Mode::act);
  ASSERT_TRUE(post(firing("VmHangs", "web1")));
  pass(4min);
  EXPECT_EQ(begun(), 0U);
  EXPECT_EQ(hold_on("web1"), Hold::still_booting);
  pass(1min);
  EXPECT_EQ(begun(), 1U);
}

TEST_F(AlertBookTest, AnAlertThatResolvesBeforeTheResetTakesItBack) {
  world_.policy.allowed_risk = Risk::high;
  use(Mode::act);
  ASSERT_TRUE(post(firing("VmHangs", "web1")));
  pass(1min);
  ASSERT_TRUE(post(resolved(firing("VmHangs", "web1"))));
  pass(20min);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), UnorderedElementsAre("cancelled", "resolved"));
}

TEST_F(AlertBookTest, ADaemonThatDiesBetweenTheResetAndItsAlertsDecisionResetsNothingAgain) {
  world_.policy.allowed_risk = Risk::high;
  use(Mode::act);
  pass(10min);
  // Nothing of the step after the action's begin reaches the disk.
  on_submit_ = [this](const Ticket& /*ticket*/) { journal_.failing = true; };
  executor_->on_submit = on_submit_;
  ASSERT_TRUE(post(firing("VmHangs", "web1")));
  pass(2s);
  ASSERT_EQ(begun(), 1U);
  journal_.failing = false;
  on_submit_ = {};
  start_daemon();
  pass(20min);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), ElementsAre("nothing_to_do"));
}

TEST_F(AlertBookTest, WhatTheLoopSawFirstStaysTheLoops) {
  act_on(ActOn::both);
  use(Mode::act);
  crash("web1");
  ASSERT_EQ(begun(), 1U);
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::event);
  EXPECT_THAT(outcomes(), IsEmpty());  // Until it is seen what came of the start.
  comes_up("web1");
  EXPECT_THAT(outcomes(), ElementsAre("nothing_to_do"));
  EXPECT_EQ(begun(), 1U);
}

TEST_F(AlertBookTest, AnAlertThatCameFirstIsTheTrigger) {
  act_on(ActOn::both);
  use(Mode::act);
  libvirt_answers_ = false;
  pass(10s);
  world_.with(a_vm("web1").off(VmReason::crashed));
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  pass(2s);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), IsEmpty());
  libvirt_answers_ = true;
  pass(5s);
  ASSERT_EQ(begun(), 1U);
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::webhook);
}

TEST_F(AlertBookTest, DuplicatesDoNothing) {
  crash("web1");
  const Alert alert = firing("VmDown", "web1");
  // An HA pair, a group that is sent again, both in one body.
  ASSERT_TRUE(post({.alerts = {alert, alert}}));
  ASSERT_TRUE(post(alert));
  EXPECT_EQ(begun(), 1U);
  comes_up("web1");
  const int writes = journal_.writes;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(post(alert));
  EXPECT_EQ(journal_.writes, writes);  // Not even a write.
  EXPECT_EQ(begun(), 1U);
  EXPECT_THAT(outcomes(), UnorderedElementsAre("acted", "duplicate", "duplicate", "duplicate",
                                               "duplicate", "duplicate", "duplicate", "duplicate"));
  EXPECT_THAT(story(), SizeIs(2));
  EXPECT_THAT(story(), Contains(HasSubstr("it arrived again")));
}

TEST_F(AlertBookTest, AReplayOfWhatIsOverDoesNothingEvenIfTheVmIsDownAgain) {
  crash("web1");
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  comes_up("web1");
  crash("web1");
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  pass(60s);
  EXPECT_EQ(begun(), 1U);
  EXPECT_EQ(hold_on("web1"), Hold::not_allowed_to_act);
  // It fires anew.
  pass(10min);
  ASSERT_TRUE(post(firing("VmDown", "web1", 1)));
  EXPECT_EQ(begun(), 2U);
}

TEST_F(AlertBookTest, AStartThatFailedIsTriedAgainWhileTheAlertIsInForce) {
  crash("web1");
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  const auto fail_last = [&] {
    executor_->end(executor_->submitted.back().id,
                   {.kind = Outcome::Kind::failed, .reason = "storage", .detail = ""},
                   clock_.now());
  };
  fail_last();
  pass(30s);
  ASSERT_EQ(begun(), 2U);
  EXPECT_EQ(executor_->submitted[1].finding.trigger, Trigger::webhook);
  fail_last();
  step();
  ASSERT_TRUE(post(resolved(firing("VmDown", "web1"))));
  pass(30min);
  EXPECT_EQ(begun(), 2U);
  EXPECT_THAT(outcomes(), ElementsAre("acted", "resolved"));
}

TEST_F(AlertBookTest, AnAlertIsInForceNoLongerThanAQuarterOfAnHourAfterItLastArrived) {
  crash("web1");
  world_.with(a_vm("web1").off(VmReason::crashed).network("br7", false, true));
  pass(2s);
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  pass(2s);
  EXPECT_THAT(outcomes(), ElementsAre("held"));
  EXPECT_THAT(story(), ElementsAre(HasSubstr("held back (network_missing)")));
  pass(14min);
  ASSERT_TRUE(post(firing("VmDown", "web1")));  // Alertmanager says that it still fires.
  pass(14min);
  EXPECT_EQ(hold_on("web1"), Hold::network_missing);
  pass(2min);
  EXPECT_EQ(hold_on("web1"), Hold::not_allowed_to_act);
  world_.with(a_vm("web1").off(VmReason::crashed));
  pass(10s);
  EXPECT_EQ(begun(), 0U);
  // It never ended: the next time it is sent it is in force again, and still decided once.
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  pass(2s);
  EXPECT_EQ(begun(), 1U);
  EXPECT_THAT(outcomes(), ElementsAre("held", "duplicate", "duplicate"));
}

TEST_F(AlertBookTest, ResolvedCancelsWhatWaits) {
  crash("web1");
  libvirt_answers_ = false;
  pass(10s);
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  EXPECT_THAT(outcomes(), IsEmpty());
  ASSERT_TRUE(post(resolved(firing("VmDown", "web1"))));
  EXPECT_THAT(outcomes(), ElementsAre("cancelled", "resolved"));
  libvirt_answers_ = true;
  pass(60s);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(story(), ElementsAre(HasSubstr("resolved before anything was decided")));
}

TEST_F(AlertBookTest, ResolvedLeavesWhatRunsAlone) {
  crash("web1");
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  ASSERT_TRUE(post(resolved(firing("VmDown", "web1"))));
  EXPECT_EQ(begun(), 1U);
  EXPECT_EQ(daemon_->view()->in_flight.size(), 1U);
  comes_up("web1");
  EXPECT_THAT(recorder_.starting_with("ended"), ElementsAre("ended vm/web1 succeeded"));
  EXPECT_THAT(outcomes(), ElementsAre("acted", "resolved"));
}

TEST_F(AlertBookTest, FiringThatComesAfterResolvedDoesNothing) {
  crash("web1");
  // Of an HA pair one is late.
  ASSERT_TRUE(post(resolved(firing("VmDown", "web1"))));
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  ASSERT_TRUE(post(resolved(firing("VmDown", "web1"))));
  pass(60s);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), ElementsAre("resolved", "after_resolved", "duplicate"));
  EXPECT_THAT(story(), SizeIs(2));
}

TEST_F(AlertBookTest, FiringAfterResolvedIsToldAlsoOfWhatWasRepeatedBefore) {
  const Alert alert = firing("VmDown", "elsewhere");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(post(alert));
  pass(2s);
  ASSERT_TRUE(post(resolved(alert)));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(post(alert));
  EXPECT_THAT(story(),
              ElementsAre(HasSubstr("arrived again"), HasSubstr("another's"),
                          HasSubstr("it is resolved"), HasSubstr("after it was resolved")));
}

TEST_F(AlertBookTest, AGroupSentAgainWithOneMoreIsNewsOfThatOneOnly) {
  crash("web1");
  crash("web2");
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  ASSERT_TRUE(post({.alerts = {firing("VmDown", "web1"), firing("VmDown", "web2")}}));
  pass(5s);
  ASSERT_EQ(begun(), 2U);
  EXPECT_EQ(target_of(executor_->submitted[1].action), vm_target("web2"));
  EXPECT_THAT(outcomes(), UnorderedElementsAre("acted", "duplicate", "acted"));
}

TEST_F(AlertBookTest, EachAlertOfAGroupIsForItself) {
  crash("web1");
  crash("web2");
  ASSERT_TRUE(post({.alerts = {firing("VmDown", "web1"), resolved(firing("VmDown", "web2"))}}));
  pass(5s);
  ASSERT_EQ(begun(), 1U);
  EXPECT_EQ(target_of(executor_->submitted[0].action), vm_target("web1"));
}

TEST_F(AlertBookTest, ATruncatedGroupIsRefusedAndNotRemembered) {
  crash("web1");
  ASSERT_TRUE(
      post({.alerts = {firing("VmDown", "web1"), firing("VmDown", "web2")}, .truncated = true}));
  ASSERT_TRUE(post({.alerts = {firing("VmDown", "web1")}, .truncated = true}));
  pass(10s);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), ElementsAre("truncated", "truncated", "truncated"));
  EXPECT_THAT(story(), ElementsAre(HasSubstr("set its max_alerts to 0")));
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  EXPECT_EQ(begun(), 1U);
}

TEST_F(AlertBookTest, AnAlertThatNoBlockIsForDoesNothing) {
  crash("web1");
  ASSERT_TRUE(post(firing("SomethingElse", "web1")));
  ASSERT_TRUE(post(firing("SomethingElse", "web1")));
  pass(10s);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), ElementsAre("unknown_alert", "duplicate"));
  EXPECT_THAT(story(), ElementsAre(": alert SomethingElse: no [[alert]] block is for it: nothing "
                                   "is done",
                                   ": alert SomethingElse: it arrived again; it is decided once"));
  // A block is written for it: what is sent again counts.
  world_.policy.alerts.push_back(asks("SomethingElse", AlertAction::restart_vm, "vm"));
  use(Mode::act);
  ASSERT_TRUE(post(firing("SomethingElse", "web1")));
  EXPECT_EQ(begun(), 1U);
}

TEST_F(AlertBookTest, AnotherNodesVmIsNotMine) {
  ASSERT_TRUE(post({.alerts = {firing("VmDown", "elsewhere"), firing("LinkGone", "r9")}}));
  EXPECT_THAT(outcomes(), IsEmpty());  // The reading is older than the alert.
  pass(2s);
  EXPECT_THAT(outcomes(), ElementsAre("not_mine", "not_mine"));
  EXPECT_THAT(story(), Contains(AllOf(HasSubstr("vm/elsewhere: "), HasSubstr("another's"))));
}

TEST_F(AlertBookTest, WhatIsWellHereNeedsNothing) {
  world_.with(a_resource("r0", 0));
  ASSERT_TRUE(post({.alerts = {firing("VmDown", "web1"), firing("VmPaused", "web1"),
                               firing("DiskGone", "web1"), firing("LinkGone", "r0")}}));
  pass(2s);
  EXPECT_THAT(outcomes(),
              ElementsAre("nothing_to_do", "nothing_to_do", "nothing_to_do", "nothing_to_do"));
  EXPECT_THAT(story(), Contains("vm/web1: alert VmDown asks for restart_vm: nothing of the kind "
                                "is seen here: it is running"));
}

TEST_F(AlertBookTest, WaitsForTheConfigurationThatDrbdadmIsSlowToTell) {
  DrbdResource link = a_resource("r0", 0).stand_alone();
  link.configured.reset();
  link.after_sb_all_disconnect.reset();
  world_.with(link);
  ASSERT_TRUE(post(firing("LinkGone", "r0")));
  pass(5s);
  EXPECT_THAT(outcomes(), IsEmpty()) << "unknown is no reason to refuse for good";
  EXPECT_EQ(begun(), 0U);
  link.configured = true;
  link.after_sb_all_disconnect = true;
  world_.with(link);
  pass(60s);
  EXPECT_EQ(begun(), 1U);
  EXPECT_THAT(outcomes(), ElementsAre("acted"));
}

TEST_F(AlertBookTest, AConfigurationThatIsKnownNotToTellIsAnAnswer) {
  DrbdResource link = a_resource("r0", 0).stand_alone();
  link.after_sb_all_disconnect.reset();
  world_.with(link);
  ASSERT_TRUE(post(firing("LinkGone", "r0")));
  pass(5s);
  EXPECT_THAT(outcomes(), ElementsAre("held"));
  EXPECT_THAT(story(), Contains(HasSubstr("the configuration does not tell")));
}

TEST_F(AlertBookTest, AVmThatIsNotWantedStaysDown) {
  world_.with(a_vm("web1").off(VmReason::destroyed));
  step({.vm_events = {{.uuid = {uuid_of("web1")},
                       .name = {"web1"},
                       .kind = VmEventKind::stopped_destroyed,
                       .detail = "",
                       .at = clock_.now(),
                       .wall = clock_.wall()}}});
  pass(3s);
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  pass(10s);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), ElementsAre("not_wanted"));
}

TEST_F(AlertBookTest, AVmLeftToTheLoopTakesNoOrders) {
  act_on(ActOn::loop);
  use(Mode::act);
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  pass(2s);
  EXPECT_THAT(outcomes(), ElementsAre("refused"));
}

TEST_F(AlertBookTest, LabelsAreNamesAndNothingElse) {
  const std::vector<std::string> values{"",
                                        "$(reboot)",
                                        "web1; reboot",
                                        "../web1",
                                        "web1\nvm/web2",
                                        std::string(300, 'x'),
                                        "'; DROP TABLE alert; --"};
  crash("web1");
  for (const std::string& value : values) ASSERT_TRUE(post(firing("VmDown", value)));
  Alert without = firing("VmDown", "x");
  without.labels.erase("vm");
  without.fingerprint = "0000000000000001";
  ASSERT_TRUE(post(without));
  pass(5s);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), UnorderedElementsAre("no_target", "no_target", "no_target", "no_target",
                                               "no_target", "not_mine", "not_mine", "not_mine"));
  for (const std::string& line : story()) EXPECT_EQ(line.find('\n'), std::string::npos) << line;
}

TEST_F(AlertBookTest, DryRunAndObserveDoNothingAndSaySo) {
  use(Mode::dry_run);
  crash("web1");
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  use(Mode::observe);
  ASSERT_TRUE(post(firing("VmDown", "web1", 1)));
  pass(2s);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), ElementsAre("would_act", "held"));
  EXPECT_THAT(story(), Contains(HasSubstr("held back (observing)")));
}

TEST_F(AlertBookTest, WhatCannotBeDecidedExpires) {
  libvirt_answers_ = false;
  pass(10s);
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  pass(14min);
  EXPECT_THAT(outcomes(), IsEmpty());
  pass(2min);
  EXPECT_THAT(outcomes(), ElementsAre("expired"));
  EXPECT_THAT(story(), SizeIs(1));
}

TEST_F(AlertBookTest, RecheckReadsEverythingAgainOnce) {
  ASSERT_TRUE(post(firing("Look", "")));
  EXPECT_EQ(rereads_, 1);
  ASSERT_TRUE(post(firing("Look", "")));
  step();
  EXPECT_EQ(rereads_, 1);
  EXPECT_THAT(outcomes(), ElementsAre("rechecked", "duplicate"));
}

TEST_F(AlertBookTest, TheWatchdogIsNotedEachTimeAndLeavesNoTrace) {
  EXPECT_EQ(daemon_->view()->last_watchdog, std::nullopt);
  ASSERT_TRUE(post(firing("Watchdog", "")));
  EXPECT_EQ(daemon_->view()->last_watchdog, clock_.wall());
  clock_.advance(60s);
  ASSERT_TRUE(post(firing("Watchdog", "")));
  EXPECT_EQ(daemon_->view()->last_watchdog, clock_.wall());
  clock_.advance(60s);
  ASSERT_TRUE(post(resolved(firing("Watchdog", ""))));
  EXPECT_EQ(daemon_->view()->last_watchdog, clock_.wall() - 60s);
  EXPECT_THAT(outcomes(), ElementsAre("watchdog", "watchdog", "resolved"));
  EXPECT_THAT(journal_.alerts, IsEmpty());
  EXPECT_THAT(story(), IsEmpty());
}

TEST_F(AlertBookTest, WhatBeganLongerAgoThanAlertsAreKeptIsRefused) {
  crash("web1");
  Alert old = firing("VmDown", "web1");
  old.starts_at -= std::chrono::hours(24 * 91);
  ASSERT_TRUE(post({.alerts = {old, old}}));
  pass(5s);
  EXPECT_EQ(begun(), 0U);
  EXPECT_THAT(outcomes(), ElementsAre("too_old", "too_old"));
  EXPECT_THAT(story(), SizeIs(1));
  EXPECT_THAT(journal_.alerts, IsEmpty());
}

TEST_F(AlertBookTest, NothingIsAnsweredForThatIsNotOnTheDisk) {
  crash("web1");
  journal_.failing = true;
  const auto refused = post(firing("VmDown", "web1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  const int writes = journal_.writes;
  ASSERT_FALSE(post(firing("VmDown", "web1")));
  EXPECT_EQ(journal_.writes, writes);  // A disk that fails isn't hammered.
  EXPECT_THAT(outcomes(), IsEmpty());
  EXPECT_EQ(begun(), 0U);
  journal_.failing = false;
  pass(10s);
  ASSERT_TRUE(post(firing("VmDown", "web1")));
  EXPECT_EQ(begun(), 1U);
  EXPECT_THAT(outcomes(), ElementsAre("acted"));
}

TEST_F(AlertBookTest, WhatWaitedWhenTheDaemonWasKilledIsDecidedOnceByTheNext) {
  crash("web1");
  libvirt_answers_ = false;
  pass(10s);
  ASSERT_TRUE(post({.alerts = {firing("VmDown", "web1"), firing("VmDown", "web2")}}));
  libvirt_answers_ = true;
  rereads_ = 0;
  start_daemon();
  pass(5s);
  EXPECT_EQ(rereads_, 1);
  EXPECT_THAT(outcomes(), UnorderedElementsAre("acted", "nothing_to_do"));
  EXPECT_EQ(begun(), 1U);
  EXPECT_EQ(executor_->submitted[0].finding.trigger, Trigger::webhook);
  start_daemon();
  pass(5s);
  EXPECT_THAT(outcomes(), IsEmpty());
  ASSERT_TRUE(post(firing("VmDown", "web2")));
  EXPECT_THAT(outcomes(), ElementsAre("duplicate"));
}

TEST_F(AlertBookTest, ADecisionThatCouldNotBeWrittenIsWrittenLater) {
  ASSERT_TRUE(post(firing("VmDown", "elsewhere")));
  journal_.failing = true;
  pass(3s);
  EXPECT_THAT(outcomes(), ElementsAre("not_mine"));
  EXPECT_EQ(journal_.alerts.begin()->second.outcome, std::nullopt);
  journal_.failing = false;
  pass(10s);
  EXPECT_EQ(journal_.alerts.begin()->second.outcome, AlertOutcome::not_mine);
  EXPECT_THAT(outcomes(), ElementsAre("not_mine"));
  EXPECT_THAT(story(), SizeIs(1));
}

}  // namespace
}  // namespace upkeep
