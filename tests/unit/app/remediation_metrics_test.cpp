#include "app/remediation_metrics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "remediation/alerts/body_refusal.h"
#include "tests/support/world.h"
#include "tests/unit/exporter/metrics/example.h"

namespace upkeep {
namespace {

using example::count;
using example::value;
using test::a_vm;
using test::TestWorld;
using namespace std::chrono_literals;

constexpr auto kAbsent = std::nullopt;

class RemediationMetrics : public testing::Test {
 protected:
  [[nodiscard]] std::string written() {
    view.history = world.history;
    view.policy = std::make_shared<const Policy>(world.policy);
    view.mode = world.policy.mode;
    view.at = world.now;
    view.wall = test::kWall;
    Exposition out;
    write_remediation(out, view, world.snapshot, world.now);
    return out.text();
  }
  void held(const Target& subject, std::optional<Tick> retry_at) {
    view.decisions.push_back({.finding = {.rule = "vm_down", .subject = subject},
                              .verdict = Held{.reason = Hold::backing_off, .retry_at = retry_at}});
  }
  /// A second VM of that name in the ledger.
  void line(const std::string& uuid, const std::string& name, bool wanted, WallTime changed) {
    world.history.intents[{uuid}] = {
        .uuid = {uuid}, .name = {name}, .wanted = wanted, .changed = changed};
  }

  TestWorld world;
  RemediationView view;
};

TEST_F(RemediationMetrics, SayTheMode) {
  world.policy.mode = Mode::dry_run;
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_mode{mode="observe"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_mode{mode="dry-run"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_mode{mode="act"})"), "0");
  EXPECT_EQ(value(text, "upkeep_loop_last_run_timestamp_seconds"), "1795317124");
}

TEST_F(RemediationMetrics, SayWhatIsWanted) {
  world.with(a_vm("web1").crashed()).wanted("web1");
  world.with(a_vm("off1").off()).unwanted("off1", StopCause::operator_destroy);
  world.with(a_vm("mine").off())
      .unwanted("mine", StopCause::never_ran)
      .marked("mine", Keep::ignore);
  world.with(a_vm("up1").off())
      .unwanted("up1", StopCause::operator_destroy)
      .marked("up1", Keep::up);
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_vm_wanted{vm="web1"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_wanted{vm="off1"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_wanted{vm="mine"})"), kAbsent) << "ignored";
  EXPECT_EQ(value(text, R"(upkeep_vm_wanted{vm="up1"})"), "1") << "the mark beats the ledger";
  EXPECT_EQ(value(text, R"(upkeep_vm_intent_known{vm="mine"})"), "1");
}

TEST_F(RemediationMetrics, SayWhichGuestsDidNotBootInTime) {
  world.with(a_vm("web1")).with(a_vm("db1")).with(a_vm("db2"));
  world.vm_policy({.match = "db*", .health = {.kind = HealthCheck::Kind::agent}});
  world.confirmed("vm_boot_unverified", test::vm_target("db2"));
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_vm_boot_unverified{vm="db1"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_boot_unverified{vm="db2"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_boot_unverified{vm="web1"})"), kAbsent) << "no check";
}

TEST_F(RemediationMetrics, SayWhichWantedVmsAreNotListed) {
  world.with(a_vm("web1"));
  world.wanted("web1").wanted("web2").unwanted("web3", StopCause::guest_shutdown);
  world.confirmed("vm_missing", test::vm_target("web2"));
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_vm_missing{vm="web1"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_missing{vm="web2"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_missing{vm="web3"})"), kAbsent) << "not wanted";
  world.snapshot.vms.reading = fail(Errc::unavailable, "libvirtd is away");
  EXPECT_EQ(value(written(), R"(upkeep_vm_missing{vm="web2"})"), kAbsent);
}

constexpr const char* kSplitBrain = R"(upkeep_drbd_split_brain{resource="r0"})";

TEST_F(RemediationMetrics, SayWhatDivergedByTheReading) {
  world.with(test::a_resource("r0", 5).stand_alone().split_brain("helper split-brain"));
  world.with(test::a_resource("r1", 6));
  EXPECT_EQ(value(written(), kSplitBrain), "1");
  EXPECT_EQ(value(written(), R"(upkeep_drbd_split_brain{resource="r1"})"), "0");
  world.snapshot.drbd.reading = fail(Errc::unavailable, "drbdsetup: exited with 20");
  EXPECT_EQ(count(written(), "upkeep_drbd_split_brain{"), 0) << "nobody knows";
  world.snapshot.drbd_in_use = false;
  EXPECT_EQ(count(written(), "upkeep_drbd_split_brain"), 0);
}

TEST_F(RemediationMetrics, SayWhatIsOnRecordOfSplitBrain) {
  world.with(test::a_resource("r0", 5).stand_alone());
  world.history.resources[{"r0"}].split_brain = {.what = "helper split-brain", .at = test::kWall};
  world.history.resources[{"gone"}].split_brain = {.what = "helper split-brain", .at = test::kWall};
  EXPECT_EQ(value(written(), kSplitBrain), "1") << "the source knows nothing of it any more";
  EXPECT_EQ(value(written(), R"(upkeep_drbd_split_brain{resource="gone"})"), kAbsent)
      << "DRBD knows no such resource";
  world.snapshot.drbd.reading = fail(Errc::unavailable, "drbdsetup: exited with 20");
  EXPECT_EQ(value(written(), kSplitBrain), "1") << "what is on record needs no reading";
}

TEST_F(RemediationMetrics, CountWhatWaitsForItsTurn) {
  EXPECT_EQ(value(written(), "upkeep_remediation_queue_length"), "0");
  const auto decided = [&](const std::string& resource, auto verdict) {
    view.decisions.push_back(
        {.finding = {.rule = "drbd_down", .subject = test::resource_target(resource)},
         .verdict = verdict});
  };
  for (const char* name : {"r0", "r1", "r2"}) decided(name, Act{BringUpResource{{name}, false}});
  decided("r3", WouldAct{BringUpResource{{"r3"}, false}});
  decided("r4", Held{.reason = Hold::backing_off});
  view.in_flight.push_back({.id = 1, .action = BringUpResource{{"r0"}, false}});
  EXPECT_EQ(value(written(), "upkeep_remediation_queue_length"), "2") << "r0 is on its way";
}

TEST_F(RemediationMetrics, DoNotTakeUnknownForUnwanted) {
  world.with(a_vm("new1"));
  world.with(a_vm("cfg1").off()).vm_policy({.match = "cfg*", .keep = Keep::up});
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_vm_wanted{vm="new1"})"), kAbsent);
  EXPECT_EQ(value(text, R"(upkeep_vm_intent_known{vm="new1"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_wanted{vm="cfg1"})"), "1") << "the config says so";
}

TEST_F(RemediationMetrics, KeepWishesWhileLibvirtIsAway) {
  world.with(a_vm("web1")).wanted("web1");
  world.snapshot.vms.reading = fail(Errc::unavailable, "libvirtd is gone");
  EXPECT_EQ(value(written(), R"(upkeep_vm_wanted{vm="web1"})"), "1");
}

TEST_F(RemediationMetrics, KeepTheWishForAVmThatVanished) {
  world.with(a_vm("other"));
  world.wanted("lost", StopCause::crashed);
  world.unwanted("removed", StopCause::undefined_vm);
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_vm_wanted{vm="lost"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_wanted{vm="removed"})"), kAbsent);
  EXPECT_EQ(value(text, R"(upkeep_vm_intent_known{vm="removed"})"), kAbsent);
}

TEST_F(RemediationMetrics, HaveOneSeriesForAName) {
  world.with(a_vm("web1")).wanted("web1");
  line("00000000-old", "web1", false, test::kWall + 1h);
  EXPECT_EQ(value(written(), R"(upkeep_vm_wanted{vm="web1"})"), "1") << "the one that is listed";
  EXPECT_EQ(count(written(), "upkeep_vm_wanted"), 1);

  line("00000000-a", "gone", false, test::kWall);
  line("00000000-b", "gone", true, test::kWall + 1s);
  line("00000000-c", "gone", false, test::kWall - 1s);
  EXPECT_EQ(value(written(), R"(upkeep_vm_wanted{vm="gone"})"), "1") << "the newest";
  EXPECT_EQ(count(written(), "upkeep_vm_wanted"), 2);
}

TEST_F(RemediationMetrics, SayWhatIsLatched) {
  world.tried(test::vm_target("web1")).latched_since = world.now;
  world.tried(test::resource_target("r0")).in_row = 1;
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_remediation_latched{target="vm/web1"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_remediation_latched{target="resource/r0"})"), "0");
  // Given up on one kind of action, with the others still free.
  world.tried(test::resource_target("r0")).tries["attach_device"].latched_since = world.now;
  EXPECT_EQ(value(written(), R"(upkeep_remediation_latched{target="resource/r0"})"), "1");
}

TEST_F(RemediationMetrics, SayWhenATargetIsTriedAgain) {
  held(test::vm_target("web1"), world.now + 6s);
  held(test::vm_target("web1"), world.now + 4500ms);
  held(test::vm_target("web2"), std::nullopt);
  const std::string text = written();
  // 1795317124 + 4.5, the earlier of the two.
  EXPECT_EQ(value(text, R"(upkeep_remediation_next_attempt_timestamp_seconds{target="vm/web1"})"),
            "1795317128.5");
  EXPECT_EQ(count(text, "upkeep_remediation_next_attempt"), 1);
}

TEST_F(RemediationMetrics, CountWhatIsInFlight) {
  view.in_flight.push_back({.id = 1, .action = StartVm{.vm = {"web1"}}});
  view.in_flight.push_back({.id = 2, .action = StartVm{.vm = {"web2"}}});
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_remediation_inflight{action="start_vm"})"), "2");
  EXPECT_EQ(value(text, R"(upkeep_remediation_inflight{action="bring_up_resource"})"), "0");
}

TEST_F(RemediationMetrics, CountWhatIsPastItsDeadlineAndHasNotEnded) {
  view.in_flight.push_back({.id = 1, .action = StartVm{.vm = {"web1"}}});
  view.in_flight.push_back({.id = 2, .action = StartVm{.vm = {"web2"}}});
  view.in_flight.push_back({.id = 3, .action = ResumeVm{.vm = {"web3"}}});
  for (std::int64_t id = 1; id <= 3; ++id) {
    world.tried(test::vm_target("web" + std::to_string(id))).in_flight = id;
  }
  world.tried(test::vm_target("web2")).stuck = true;
  // One that ended by "did not terminate" is in flight no more.
  world.tried(test::resource_target("r0")).stuck = true;
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_remediation_overdue{action="start_vm"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_remediation_overdue{action="resume_vm"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_remediation_overdue{action="bring_up_resource"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_remediation_inflight{action="start_vm"})"), "2");
}

TEST_F(RemediationMetrics, SayBoots) {
  view.boot_counts = {{PreviousShutdown::unclean, 3}};
  view.boots = {{.id = {"older"}, .downtime = Seconds(5)},
                {.id = world.history.boot,
                 .previous_shutdown = PreviousShutdown::unclean,
                 .downtime = Seconds(91.5)}};
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_node_boots_total{previous_shutdown="unclean"})"), "3");
  EXPECT_EQ(value(text, R"(upkeep_node_boots_total{previous_shutdown="clean"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_node_boots_total{previous_shutdown="unknown"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_node_boot_info{boot_id="boot-1",previous_shutdown="unclean"})"),
            "1");
  EXPECT_EQ(value(text, "upkeep_node_last_downtime_seconds"), "91.5");
}

TEST_F(RemediationMetrics, SayNoDowntimeThatIsNotOnRecord) {
  view.boots = {{.id = world.history.boot}};
  const std::string text = written();
  EXPECT_EQ(value(text, "upkeep_node_last_downtime_seconds"), kAbsent);
  EXPECT_EQ(count(text, "upkeep_node_boot_info"), 1);
  view.boots = {{.id = {"another"}, .downtime = Seconds(5)}};
  EXPECT_EQ(count(written(), "upkeep_node_boot_info"), 0) << "not this boot";
  EXPECT_EQ(value(written(), "upkeep_node_last_downtime_seconds"), kAbsent);
}

TEST_F(RemediationMetrics, CountWhatIsPaused) {
  for (const char* scope : {"node", "maintenance", "vm", "resource"}) {
    EXPECT_EQ(value(written(), fmt::format(R"(upkeep_remediation_paused{{scope="{}"}})", scope)),
              "0");
  }
  const auto say = [&](Standing::Kind kind, const std::string& subject) {
    world.history.standings[{kind, subject}] = {.kind = kind, .subject = subject};
  };
  say(Standing::Kind::paused, "node");
  say(Standing::Kind::paused, "vm/" + test::uuid_of("web1"));
  say(Standing::Kind::paused, "vm/" + test::uuid_of("web2"));
  say(Standing::Kind::paused, "resource/r0");
  say(Standing::Kind::maintenance, "boot-1");
  say(Standing::Kind::peer_dead, "node2");
  EXPECT_EQ(value(written(), R"(upkeep_remediation_paused{scope="node"})"), "1");
  EXPECT_EQ(value(written(), R"(upkeep_remediation_paused{scope="maintenance"})"), "1");
  EXPECT_EQ(value(written(), R"(upkeep_remediation_paused{scope="vm"})"), "2");
  EXPECT_EQ(value(written(), R"(upkeep_remediation_paused{scope="resource"})"), "1");
}

TEST_F(RemediationMetrics, ShowWhatLooksAtAllVmsAtOnce) {
  EXPECT_EQ(value(written(), "upkeep_remediation_budget_remaining"), "20");
  EXPECT_EQ(value(written(), "upkeep_remediation_storm_active"), "0");
  EXPECT_EQ(value(written(), "upkeep_recovery_active"), "0");
  EXPECT_EQ(value(written(), R"(upkeep_recovery_vms{state="healthy"})"), "0");
  EXPECT_EQ(value(written(), "upkeep_recovery_started_timestamp_seconds"), kAbsent);

  world.history.budget.spent = {{1, {.begun = world.now, .recovery = 7}},
                                {2, {.begun = world.now, .recovery = 7}},
                                {3, {.begun = world.now, .recovery = {}}}};
  world.history.storm.until = world.now + std::chrono::seconds(1);
  world.history.pace.slots = 5.9;
  Recovery recovery{.id = 7, .opened = WallTime(std::chrono::seconds(1000))};
  recovery.members = {{.name = {"db1"}, .state = MemberState::healthy},
                      {.name = {"web1"}, .state = MemberState::healthy},
                      {.name = {"web2"}, .state = MemberState::held}};
  view.recovery = std::make_shared<const Recovery>(recovery);
  EXPECT_EQ(value(written(), "upkeep_remediation_budget_remaining"), "18");
  EXPECT_EQ(value(written(), "upkeep_remediation_storm_active"), "1");
  EXPECT_EQ(value(written(), "upkeep_remediation_start_slots"), "5");
  EXPECT_EQ(value(written(), "upkeep_recovery_active"), "1");
  EXPECT_EQ(value(written(), R"(upkeep_recovery_vms{state="healthy"})"), "2");
  EXPECT_EQ(value(written(), R"(upkeep_recovery_vms{state="held"})"), "1");
  EXPECT_EQ(value(written(), "upkeep_recovery_started_timestamp_seconds"), "1000");

  recovery.ended = WallTime(std::chrono::seconds(1042));
  view.recovery = std::make_shared<const Recovery>(recovery);
  EXPECT_EQ(value(written(), "upkeep_recovery_active"), "0");
}

TEST_F(RemediationMetrics, ShowTheWatchdogOnlyWhereItIsExpected) {
  const std::string name = "upkeep_webhook_last_watchdog_timestamp_seconds";
  view.last_watchdog = test::kWall - 30s;
  EXPECT_EQ(value(written(), name), kAbsent);
  world.policy.alerts = {{.alertname = "UpkeepWatchdog", .action = AlertAction::watchdog}};
  EXPECT_EQ(value(written(), name), "1795317094");
  // It has not arrived yet: the time without it counts from upkeep's start.
  view.last_watchdog.reset();
  world.history.started = world.now - 10s;
  EXPECT_EQ(value(written(), name), "1795317114");
}

TEST(InstrumentLabelSets, HoldEveryWordOfTheRemediation) {
  const InstrumentLabels labels = instrument_labels();
  const auto has = [](const std::vector<std::string>& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
  };
  EXPECT_TRUE(has(labels.actions, "start_vm"));
  EXPECT_TRUE(has(labels.actions, "bring_up_resource"));
  EXPECT_EQ(labels.triggers, (std::vector<std::string>{"event", "poll", "webhook", "manual"}));
  for (const char* reason : {"unavailable", "timed_out", "not_found", "conflict", "denied",
                             "invalid", "storage", "exhausted", "failed", "ineffective"}) {
    EXPECT_TRUE(has(labels.failure_reasons, reason)) << reason;
  }
  EXPECT_EQ(labels.alert_outcomes.size(), kAlertOutcomes.size());
  EXPECT_TRUE(has(labels.alert_outcomes, "not_mine"));
  EXPECT_EQ(labels.body_refusals.size(), kBodyRefusals.size());
  EXPECT_TRUE(has(labels.body_refusals, "too_slow"));
  EXPECT_TRUE(has(labels.rules, "vm_down"));
  EXPECT_TRUE(has(labels.rules, "drbd_split_brain"));
  EXPECT_EQ(labels.holds.size(), all_holds().size());
  EXPECT_TRUE(has(labels.holds, "observing"));
}

TEST(InstrumentLabelSets, MakeAPageThatHoldsTogether) {
  // No family of the instruments is one of the gauges'.
  Instruments instruments({.version = "1", .revision = "2"}, instrument_labels());
  TestWorld world;
  world.with(a_vm("web1")).wanted("web1");
  RemediationView view;
  view.history = world.history;
  Exposition out;
  EXPECT_NO_THROW(write_remediation(out, view, world.snapshot, world.now));
  EXPECT_NO_THROW(instruments.write(out));
}

}  // namespace
}  // namespace upkeep
