#include "exporter/metrics/instruments.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/exporter/metrics/example.h"

namespace upkeep {
namespace {

using example::count;
using example::kNow;
using example::value;
using namespace std::chrono_literals;

InstrumentLabels labels() {
  return {.actions = {"start_vm", "bring_up_resource"},
          .triggers = {"event", "poll"},
          .failure_reasons = {"failed", "timed_out"},
          .rules = {"vm_down"},
          .holds = {"observing", "latched"},
          .outage_kinds = {"vm"},
          .outage_phases = {"detect", "start"},
          .body_refusals = {"too_deep", "too_large"}};
}

class InstrumentsTest : public testing::Test {
 protected:
  [[nodiscard]] std::string written() const {
    Exposition out;
    instruments.write(out);
    return out.text();
  }
  static Snapshot with(Vms vms) {
    Snapshot snapshot;
    snapshot.vms = example::read_at(kNow, std::move(vms));
    return snapshot;
  }
  static Vm vm(std::string name, VmState state, VmReason reason) {
    Vm one = example::running(name, "uuid-of-" + name);
    one.state = state;
    one.reason = reason;
    return one;
  }

  Instruments instruments{{.version = "0.1.0", .revision = "abc"}, labels()};
};

TEST_F(InstrumentsTest, KnownSeriesExistAtZeroFromTheStart) {
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_build_info{revision="abc",version="0.1.0"})"), "1");
  EXPECT_EQ(count(text, "upkeep_remediation_actions_total{"), 4);
  EXPECT_EQ(value(text, R"(upkeep_remediation_actions_total{action="start_vm",trigger="event"})"),
            "0");
  EXPECT_EQ(count(text, "upkeep_remediation_action_failures_total{"), 4);
  EXPECT_EQ(count(text, "upkeep_remediation_ineffective_total{"), 2);
  EXPECT_EQ(count(text, "upkeep_remediation_decisions_total{"), 4);
  EXPECT_EQ(
      value(text,
            R"(upkeep_remediation_decisions_total{decision="act",reason="none",rule="vm_down"})"),
      "0");
  EXPECT_EQ(value(text, R"(upkeep_source_unparsed_total{source="drbd"})"), "0");
  EXPECT_EQ(value(text, "upkeep_journal_errors_total"), "0");
  EXPECT_EQ(value(text, "upkeep_http_handler_errors_total"), "0");
  EXPECT_EQ(value(text, R"(upkeep_remediation_action_duration_seconds_count{action="start_vm"})"),
            "0");
  EXPECT_EQ(value(text, R"(upkeep_remediation_reaction_seconds_count{action="start_vm"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_outage_duration_seconds_count{kind="vm"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_outage_phase_seconds_count{kind="vm",phase="start"})"), "0");
}

TEST_F(InstrumentsTest, SayNothingOfWhatNeverHappened) {
  const std::string text = written();
  EXPECT_EQ(count(text, "upkeep_remediation_last_action_timestamp_seconds"), 0);
  EXPECT_EQ(count(text, "upkeep_config_last_reload"), 0);
}

TEST_F(InstrumentsTest, CountActions) {
  instruments.action_begun("start_vm", "event", example::kWall);
  instruments.action_begun("start_vm", "event", example::kWall + 875ms);
  instruments.action_took("start_vm", 300ms);
  instruments.action_failed("start_vm", "timed_out");
  instruments.action_ineffective("start_vm");
  instruments.reaction("start_vm", 40ms);
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_remediation_actions_total{action="start_vm",trigger="event"})"),
            "2");
  EXPECT_EQ(value(text, R"(upkeep_remediation_last_action_timestamp_seconds{action="start_vm"})"),
            "1772334765");
  EXPECT_EQ(
      value(text,
            R"(upkeep_remediation_action_failures_total{action="start_vm",reason="timed_out"})"),
      "1");
  EXPECT_EQ(value(text, R"(upkeep_remediation_ineffective_total{action="start_vm"})"), "1");
  const std::string bucket =
      R"(upkeep_remediation_action_duration_seconds_bucket{action="start_vm",le=)";
  EXPECT_EQ(value(text, bucket + R"("0.25"})"), "0");
  EXPECT_EQ(value(text, bucket + R"("0.5"})"), "1");
  EXPECT_EQ(value(text, bucket + R"("+Inf"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_remediation_action_duration_seconds_sum{action="start_vm"})"),
            "0.3");
  EXPECT_EQ(
      value(text, R"(upkeep_remediation_reaction_seconds_bucket{action="start_vm",le="0.05"})"),
      "1");
  EXPECT_EQ(
      value(text, R"(upkeep_remediation_reaction_seconds_bucket{action="start_vm",le="0.025"})"),
      "0");
}

TEST_F(InstrumentsTest, HaveTheBucketsOfTheContract) {
  const std::string text = written();
  const std::string bucket = R"(upkeep_outage_duration_seconds_bucket{kind="vm",le=)";
  for (const char* bound : {"0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10",
                            "30", "60", "120", "300", "600", "1800", "3600", "+Inf"}) {
    EXPECT_EQ(value(text, bucket + "\"" + bound + "\"}"), "0") << bound;
  }
  EXPECT_EQ(count(text, bucket), 18);
}

TEST_F(InstrumentsTest, CountWhatNobodyForesaw) {
  instruments.action_failed("start_vm", "brand_new");
  instruments.decided("vm_down", "hold", "brand_new");
  instruments.source_read(SourceKind::drbd, 2ms);
  const std::string text = written();
  EXPECT_EQ(
      value(text,
            R"(upkeep_remediation_action_failures_total{action="start_vm",reason="brand_new"})"),
      "1");
  EXPECT_EQ(
      value(
          text,
          R"(upkeep_remediation_decisions_total{decision="hold",reason="brand_new",rule="vm_down"})"),
      "1");
  EXPECT_EQ(value(text, R"(upkeep_source_read_duration_seconds_sum{source="drbd"})"), "0.002");
}

TEST_F(InstrumentsTest, CountWebhooksFromZero) {
  EXPECT_EQ(value(written(), R"(upkeep_webhook_requests_total{code="413"})"), "0");
  instruments.webhook_answered(413);
  instruments.webhook_answered(418);
  instruments.alert_decided("acted");
  instruments.webhook_refused("too_large");
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_webhook_requests_total{code="413"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_webhook_requests_total{code="418"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_webhook_requests_total{code="200"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_webhook_alerts_total{outcome="acted"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_webhook_refused_total{reason="too_deep"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_webhook_refused_total{reason="too_large"})"), "1");
}

TEST_F(InstrumentsTest, CountOutagesJournalErrorsAndBugs) {
  instruments.outage_ended("vm", 3200ms);
  instruments.outage_phase("vm", "detect", 20ms);
  instruments.journal_failed();
  instruments.http_handler_failed();
  instruments.source_unparsed(SourceKind::drbd);
  const std::string text = written();
  EXPECT_EQ(value(text, R"(upkeep_outage_duration_seconds_sum{kind="vm"})"), "3.2");
  EXPECT_EQ(value(text, R"(upkeep_outage_phase_seconds_sum{kind="vm",phase="detect"})"), "0.02");
  EXPECT_EQ(value(text, "upkeep_journal_errors_total"), "1");
  EXPECT_EQ(value(text, "upkeep_http_handler_errors_total"), "1");
  EXPECT_EQ(value(text, R"(upkeep_source_unparsed_total{source="drbd"})"), "1");
}

TEST_F(InstrumentsTest, KeepTheTimeOfTheLastGoodConfiguration) {
  instruments.config_loaded(true, WallTime(100s));
  instruments.config_loaded(false, WallTime(200s));
  const std::string text = written();
  EXPECT_EQ(value(text, "upkeep_config_last_reload_successful"), "0");
  EXPECT_EQ(value(text, "upkeep_config_last_reload_success_timestamp_seconds"), "100");
}

TEST_F(InstrumentsTest, CountAVmsStateChanges) {
  instruments.look(with({vm("web1", VmState::running, VmReason::booted)}));
  const std::string crashed =
      R"(upkeep_vm_transitions_total{cause="crashed",to="shut_off",vm="web1"})";
  const std::string booted =
      R"(upkeep_vm_transitions_total{cause="booted",to="running",vm="web1"})";
  EXPECT_EQ(value(written(), crashed), "0");
  EXPECT_EQ(value(written(), booted), "0") << "it ran before anybody looked";

  const auto off = with({vm("web1", VmState::shut_off, VmReason::crashed)});
  instruments.look(off);
  instruments.look(off);
  instruments.look(with({vm("web1", VmState::shut_off, VmReason::crashed)}));
  EXPECT_EQ(value(written(), crashed), "1") << "a state is not a change";

  instruments.look(with({vm("web1", VmState::running, VmReason::booted)}));
  instruments.look(with({vm("web1", VmState::shut_off, VmReason::crashed)}));
  EXPECT_EQ(value(written(), crashed), "2");
  EXPECT_EQ(value(written(), booted), "1");
}

TEST_F(InstrumentsTest, CountNoChangeAcrossABlindTime) {
  instruments.look(with({vm("web1", VmState::running, VmReason::booted)}));
  Snapshot blind;
  instruments.look(blind);
  instruments.look(with({vm("web1", VmState::unknown, VmReason::unknown)}));
  instruments.look(with({vm("web1", VmState::running, VmReason::booted)}));
  EXPECT_EQ(
      value(written(), R"(upkeep_vm_transitions_total{cause="booted",to="running",vm="web1"})"),
      "0");
  EXPECT_EQ(count(written(), R"(upkeep_vm_transitions_total{cause="unknown")"), 0);
}

TEST_F(InstrumentsTest, DropTheSeriesOfVmsThatAreGone) {
  instruments.look(with({vm("web1", VmState::running, VmReason::booted),
                         vm("web2", VmState::running, VmReason::booted)}));
  const auto of = [&](const std::string& name) {
    const std::string text = written();
    int lines = 0;
    for (auto at = text.find("vm=\"" + name); at != std::string::npos;
         at = text.find("vm=\"" + name, at + 1)) {
      ++lines;
    }
    return lines;
  };
  EXPECT_GT(of("web1"), 5);
  EXPECT_GT(of("web2"), 5);
  instruments.look(with({vm("web2", VmState::running, VmReason::booted)}));
  EXPECT_EQ(of("web1"), 0);
  EXPECT_GT(of("web2"), 5);
  // One goes and another comes at once.
  instruments.look(with({vm("web3", VmState::running, VmReason::booted)}));
  EXPECT_EQ(of("web2"), 0);
  EXPECT_GT(of("web3"), 5);
}

TEST_F(InstrumentsTest, CountConnectionChangesAndDropGoneConnections) {
  Snapshot snapshot;
  snapshot.drbd = example::read_at(kNow, example::drbd());
  instruments.look(snapshot);
  const std::string series =
      R"(upkeep_drbd_connection_transitions_total{peer="node2",resource="r0",to="NetworkFailure"})";
  EXPECT_EQ(value(written(), series), "0");
  DrbdEvent event{.kind = DrbdEvent::Kind::connection_changed,
                  .resource = {"r0"},
                  .peer = {"node2"},
                  .from = "Connected",
                  .to = "NetworkFailure"};
  instruments.drbd_event(event);
  event.initial = true;
  instruments.drbd_event(event);
  event.initial = false;
  event.kind = DrbdEvent::Kind::role_changed;
  instruments.drbd_event(event);
  EXPECT_EQ(value(written(), series), "1");
  EXPECT_EQ(count(written(), "upkeep_drbd_connection_transitions_total{"), 20);

  snapshot.drbd = example::read_at(kNow, Drbd{});
  instruments.look(snapshot);
  EXPECT_EQ(count(written(), "upkeep_drbd_connection_transitions_total{"), 0);
}

TEST_F(InstrumentsTest, CountABootOfAPeerOnceItToldOfAnotherBefore) {
  Snapshot snapshot;
  snapshot.peers = {{.name = {"node2"}}, {.name = {"node3"}}};
  instruments.look(snapshot);
  const std::string node2 = R"(upkeep_peer_boots_total{peer="node2"})";
  EXPECT_EQ(value(written(), node2), "0") << "before it ever answered";
  const auto tells = [&](const std::string& boot) {
    snapshot.peers[0].facts.reading =
        PeerFacts{.boot_id = {boot}, .boot_time = {}, .active_vms = {}};
    instruments.look(snapshot);
    return value(written(), node2);
  };
  EXPECT_EQ(tells("boot-1"), "0") << "a first sight is no boot";
  EXPECT_EQ(tells("boot-1"), "0");
  EXPECT_EQ(tells("boot-2"), "1");
  EXPECT_EQ(tells("boot-2"), "1") << "counted once";
  EXPECT_EQ(tells(""), "1") << "it does not say which";
  EXPECT_EQ(tells("boot-2"), "1");
  snapshot.peers[0].facts.reading = fail(Errc::unavailable, "silent");
  instruments.look(snapshot);
  EXPECT_EQ(tells("boot-3"), "2") << "it was silent while it booted";
  EXPECT_EQ(value(written(), R"(upkeep_peer_boots_total{peer="node3"})"), "0");
}

TEST_F(InstrumentsTest, CountFromManyThreads) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([this, i] {
        for (int j = 0; j < 500; ++j) {
          instruments.journal_failed();
          if (j % 50 == 0) {
            instruments.look(with({vm("web" + std::to_string(i), VmState::running, {})}));
            (void)written();
          }
        }
      });
    }
  }
  EXPECT_EQ(value(written(), "upkeep_journal_errors_total"), "2000");
}

}  // namespace
}  // namespace upkeep
