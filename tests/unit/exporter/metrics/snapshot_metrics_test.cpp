#include "exporter/metrics/snapshot_metrics.h"

#include <gtest/gtest.h>

#include "tests/unit/exporter/metrics/example.h"

namespace upkeep {
namespace {

using example::count;
using example::kNow;
using example::value;
using namespace std::chrono_literals;

constexpr auto kAbsent = std::nullopt;

std::string written(const Snapshot& snapshot, const LastKnown& known, Tick now = kNow) {
  Exposition out;
  write_snapshot(out, snapshot, known, Freshness{}, now);
  return out.text();
}

std::string written(const Snapshot& snapshot, Tick now = kNow) {
  return written(snapshot, remembered({}, snapshot), now);
}

TEST(SourceMetrics, SayWhichSourceIsUpAndSinceWhen) {
  const std::string text = written(example::snapshot());
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="libvirt"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="drbd"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="node"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="vm_stats"})"), kAbsent) << "never asked";
  // Read 0.5 s before the snapshot at 1772334764.125.
  EXPECT_EQ(value(text, R"(upkeep_source_last_success_timestamp_seconds{source="libvirt"})"),
            "1772334763.625");
}

TEST(SourceMetrics, KeepTheLastSuccessOfASourceThatFails) {
  Snapshot snapshot = example::snapshot();
  const LastKnown known = remembered({}, snapshot);
  snapshot.vms = {fail(Errc::unavailable, "libvirtd is gone"), kNow + 1s};
  snapshot.at = kNow + 1s;
  snapshot.wall += 1s;
  const std::string text = written(snapshot, remembered(known, snapshot), kNow + 1s);
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="libvirt"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_source_last_success_timestamp_seconds{source="libvirt"})"),
            "1772334763.625");
}

TEST(NodeMetrics, SayWhenTheNodeBooted) {
  EXPECT_EQ(value(written(example::snapshot()), "upkeep_node_boot_time_seconds"), "1772334590");
}

TEST(NodeMetrics, AreAbsentWhenTheNodeCannotBeRead) {
  Snapshot snapshot = example::snapshot();
  snapshot.node = {fail(Errc::failed, "no /proc"), kNow};
  const std::string text = written(snapshot);
  EXPECT_EQ(value(text, "upkeep_node_boot_time_seconds"), kAbsent);
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="node"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_up{vm="web1"})"), "1") << "others stay";
}

TEST(PeerMetrics, TellAnAnswerFromSilence) {
  const std::string text = written(example::snapshot());
  EXPECT_EQ(value(text, R"(upkeep_peer_up{peer="node2"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_peer_boot_time_seconds{peer="node2"})"), "1772000000");
  EXPECT_EQ(value(text, R"(upkeep_peer_up{peer="node3"})"), "0") << "its last question failed";
}

TEST(VmMetrics, SayWhatEachVmDoes) {
  const std::string text = written(example::snapshot());
  EXPECT_EQ(value(text, R"(upkeep_vm_up{vm="web1"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_up{vm="db1"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_up{vm="io \"1\""})"), "0") << "paused is not up";
  EXPECT_EQ(value(text, R"(upkeep_vm_up{vm="odd"})"), kAbsent) << "unknown is not down";
  EXPECT_EQ(value(text, R"(upkeep_vm_state{vm="web1",state="running"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_state{vm="web1",state="unknown"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_state{vm="db1",state="shut_off"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_state{vm="odd",state="unknown"})"), "1");
  EXPECT_EQ(count(text, "upkeep_vm_state{"), 4 * 7);
  EXPECT_EQ(value(text, R"(upkeep_vm_info{vm="web1",uuid="11111111-1111-1111-1111-111111111111"})"),
            "1");
}

TEST(VmMetrics, SayWhatElseIsKnownAndNothingMore) {
  const std::string text = written(example::snapshot());
  // 1772334764.125 - 1.125.
  EXPECT_EQ(value(text, R"(upkeep_vm_last_start_timestamp_seconds{vm="web1"})"), "1772334763");
  EXPECT_EQ(count(text, "upkeep_vm_last_start_timestamp_seconds{"), 1);
  EXPECT_EQ(value(text, R"(upkeep_vm_monitor_stuck{vm="web1"})"), "1") << "61 s";
  EXPECT_EQ(value(text, R"(upkeep_vm_monitor_stuck{vm="io \"1\""})"), "0") << "just 60 s";
  EXPECT_EQ(value(text, R"(upkeep_vm_monitor_stuck{vm="db1"})"), kAbsent);
  EXPECT_EQ(value(text, R"(upkeep_vm_libvirt_autostart{vm="web1"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_libvirt_autostart{vm="db1"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_libvirt_autostart{vm="odd"})"), kAbsent);
  EXPECT_EQ(value(text, R"(upkeep_vm_disk_attached{vm="web1",target="vda"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_disk_attached{vm="web1",target="vdb"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_disk_attached{vm="db1",target="vda"})"), kAbsent) << "off";
  EXPECT_EQ(value(text, R"(upkeep_vm_disk_error{vm="io \"1\"",target="sda"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_disk_error{vm="io \"1\"",target="sdb"})"), "0");
  EXPECT_EQ(count(text, "upkeep_vm_disk_error{"), 2) << "the others' errors were not read";
}

TEST(VmMetrics, SayWhichGuestsAreHealthyAsFarAsTheyWereAskedLately) {
  Snapshot snapshot = example::snapshot();
  EXPECT_EQ(count(written(snapshot), "upkeep_vm_healthy"), 0) << "no VM has a check";
  const auto says = [&](VmHealth health) {
    VmHealths healths;
    for (const Vm& vm : **snapshot.vms.reading) healths[vm.uuid] = health;
    snapshot.health = std::make_shared<const VmHealths>(std::move(healths));
    return written(snapshot);
  };
  const std::string good = says({.healthy = true, .at = kNow});
  EXPECT_EQ(value(good, R"(upkeep_vm_healthy{vm="web1"})"), "1");
  EXPECT_EQ(count(good, "upkeep_vm_healthy{"), 1) << "the others don't run";
  const std::string bad = says({.healthy = false, .detail = "x", .at = kNow - 30s});
  EXPECT_EQ(value(bad, R"(upkeep_vm_healthy{vm="web1"})"), "0");
  const std::string old = says({.healthy = true, .at = kNow - 30s - 1ms, .verified = kNow - 1h});
  EXPECT_EQ(value(old, R"(upkeep_vm_healthy{vm="web1"})"), kAbsent) << "three checks were due";
  const std::string silent = says({.healthy = false, .detail = "can't be asked"});
  EXPECT_EQ(value(silent, R"(upkeep_vm_healthy{vm="web1"})"), kAbsent) << "never answered";
  static_cast<void>(says({.healthy = true, .at = kNow}));
  snapshot.vms = {fail(Errc::unavailable, "libvirtd is gone"), kNow};
  EXPECT_EQ(count(written(snapshot, remembered({}, example::snapshot())), "upkeep_vm_healthy{"), 0);
}

TEST(VmMetrics, AreUnknownNotDownWhenLibvirtFails) {
  const Snapshot good = example::snapshot();
  Snapshot blind = good;
  blind.vms = {fail(Errc::unavailable, "libvirtd is gone"), kNow};
  const std::string text = written(blind, remembered({}, good));
  EXPECT_EQ(value(text, R"(upkeep_vm_state{vm="web1",state="unknown"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_vm_state{vm="web1",state="running"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_state{vm="db1",state="shut_off"})"), "0");
  EXPECT_EQ(count(text, "upkeep_vm_state{"), 4 * 7);
  EXPECT_EQ(count(text, "upkeep_vm_up{"), 0);
  EXPECT_EQ(count(text, "upkeep_vm_disk_attached{"), 0);
  EXPECT_EQ(count(text, "upkeep_vm_info{"), 4) << "who a VM is doesn't go stale";
  EXPECT_EQ(value(text, R"(upkeep_drbd_connected{resource="r0",peer="node2"})"), "1");
}

TEST(VmMetrics, AreUnknownWhenTheReadingIsTooOld) {
  const Snapshot snapshot = example::snapshot();
  const Tick fresh_until = snapshot.vms.at + Freshness{}.vms;
  EXPECT_EQ(value(written(snapshot, fresh_until), R"(upkeep_vm_up{vm="web1"})"), "1");
  const std::string late = written(snapshot, fresh_until + 1ms);
  EXPECT_EQ(value(late, R"(upkeep_vm_up{vm="web1"})"), kAbsent);
  EXPECT_EQ(value(late, R"(upkeep_vm_state{vm="web1",state="unknown"})"), "1");
  EXPECT_EQ(value(late, R"(upkeep_source_up{source="libvirt"})"), "0");
  EXPECT_EQ(value(late, R"(upkeep_source_up{source="drbd"})"), "1");
}

TEST(VmMetrics, AreEmptyOnlyWhenLibvirtHasNone) {
  Snapshot snapshot = example::snapshot();
  const LastKnown known = remembered({}, snapshot);
  snapshot.vms = example::read_at(kNow, Vms{});
  const std::string text = written(snapshot, remembered(known, snapshot));
  EXPECT_EQ(count(text, "upkeep_vm_"), 0);
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="libvirt"})"), "1");
}

TEST(VmMetrics, AreAbsentBeforeTheFirstReading) {
  const Snapshot nothing;
  const std::string text = written(nothing);
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="libvirt"})"), "0");
  EXPECT_EQ(count(text, "upkeep_vm_"), 0);
  EXPECT_EQ(count(text, "upkeep_drbd_"), 0);
}

TEST(VmStatistics, AreWrittenAsTheyWereReported) {
  Snapshot snapshot = example::snapshot();
  VmStats stats;
  stats.cpu_time = Seconds(12.25);
  stats.vcpus = 4;
  stats.memory_rss = kibibytes(2);
  stats.blocks[{"vda"}] = {.read_requests = 7, .read = Bytes{4096}};
  stats.interfaces["vnet0"] = {.received = Bytes{100}, .sent_drops = 3};
  snapshot.vm_stats = example::read_at(kNow, VmStatsByName{{VmName{"web1"}, stats}});
  const std::string text = written(snapshot);
  EXPECT_EQ(value(text, R"(upkeep_vm_cpu_seconds_total{vm="web1"})"), "12.25");
  EXPECT_EQ(value(text, R"(upkeep_vm_vcpus{vm="web1"})"), "4");
  EXPECT_EQ(value(text, R"(upkeep_vm_memory_rss_bytes{vm="web1"})"), "2048");
  EXPECT_EQ(value(text, R"(upkeep_vm_memory_maximum_bytes{vm="web1"})"), kAbsent);
  EXPECT_EQ(value(text, R"(upkeep_vm_block_read_requests_total{vm="web1",target="vda"})"), "7");
  EXPECT_EQ(value(text, R"(upkeep_vm_block_read_bytes_total{vm="web1",target="vda"})"), "4096");
  EXPECT_EQ(value(text, R"(upkeep_vm_block_write_requests_total{vm="web1",target="vda"})"),
            kAbsent);
  EXPECT_EQ(value(text, R"(upkeep_vm_interface_received_bytes_total{vm="web1",interface="vnet0"})"),
            "100");
  EXPECT_EQ(value(text, R"(upkeep_vm_interface_sent_drops_total{vm="web1",interface="vnet0"})"),
            "3");
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="vm_stats"})"), "1");
  EXPECT_EQ(count(written(snapshot, kNow + 61s), "upkeep_vm_cpu_seconds_total"), 0) << "too old";
}

TEST(DrbdMetrics, SayTheStateOfEachPart) {
  const std::string text = written(example::snapshot());
  EXPECT_EQ(value(text, R"(upkeep_drbd_resource_role{resource="r0",role="Primary"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_drbd_resource_role{resource="r0",role="Secondary"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_drbd_resource_role{resource="r1",role="Primary"})"), kAbsent)
      << "the kernel doesn't know it";
  EXPECT_EQ(value(text, R"(upkeep_drbd_resource_configured{resource="r1"})"), "1");
  EXPECT_EQ(
      value(
          text,
          R"(upkeep_drbd_device_state{resource="r0",volume="0",device="drbd7",state="UpToDate"})"),
      "1");
  EXPECT_EQ(value(text, R"(upkeep_drbd_device_quorum{resource="r0",volume="0",device="drbd7"})"),
            "1");
  EXPECT_EQ(
      value(text, R"(upkeep_drbd_connection_state{resource="r0",peer="node2",state="Connected"})"),
      "1");
  EXPECT_EQ(
      value(text, R"(upkeep_drbd_connection_state{resource="r0",peer="node3",state="StandAlone"})"),
      "1");
  EXPECT_EQ(value(text, R"(upkeep_drbd_connected{resource="r0",peer="node2"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_drbd_connected{resource="r0",peer="node3"})"), "0");
  EXPECT_EQ(
      value(
          text,
          R"(upkeep_drbd_replication_state{resource="r0",peer="node2",volume="0",state="SyncSource"})"),
      "1");
  EXPECT_EQ(value(text, R"(upkeep_drbd_kernel_info{version="9.1.7"})"), "1");
}

TEST(DrbdMetrics, HaveExactlyOneStateThatIsTrue) {
  const std::string text = written(example::snapshot());
  EXPECT_EQ(count(text, R"(upkeep_drbd_connection_state{resource="r0",peer="node2")"), 11);
  const std::string set = R"(upkeep_drbd_peer_device_state{resource="r0",peer="node2",volume="0")";
  EXPECT_EQ(count(text, set), 12) << "ten words, unknown, and the one nobody knew";
  EXPECT_EQ(value(text, set + R"(,state="Melted"})"), "1");
  for (const auto& [kind, word] : kDrbdDisks) {
    EXPECT_EQ(value(text, set + ",state=\"" + std::string(word) + "\"}"), "0");
  }
  EXPECT_EQ(value(text, set + R"(,state="unknown"})"), "0");
}

TEST(DrbdMetrics, SayFigures) {
  const std::string text = written(example::snapshot());
  const std::string device = R"({resource="r0",volume="0",device="drbd7"})";
  EXPECT_EQ(value(text, "upkeep_drbd_device_read_bytes_total" + device), "3072");
  EXPECT_EQ(value(text, "upkeep_drbd_device_written_bytes_total" + device), "12345678901234567");
  const std::string link = R"({resource="r0",peer="node2",volume="0"})";
  EXPECT_EQ(value(text, "upkeep_drbd_out_of_sync_bytes" + link), "4096");
  EXPECT_EQ(value(text, "upkeep_drbd_peer_sent_bytes_total" + link), "10");
  EXPECT_EQ(value(text, "upkeep_drbd_peer_received_bytes_total" + link), kAbsent);
  EXPECT_EQ(value(text, "upkeep_drbd_resync_done_ratio" + link), "0.97");
  EXPECT_EQ(value(text, "upkeep_drbd_resync_speed_bytes" + link), "1536.5");
}

TEST(DrbdMetrics, SayWhoIsToHaveNoDiskWhereDrbdTells) {
  const std::string client =
      R"(upkeep_drbd_device_client{resource="r0",volume="0",device="drbd7"})";
  EXPECT_EQ(value(written(example::snapshot()), client), "0");
  const auto with = [](std::optional<bool> is_client) {
    Snapshot snapshot = example::snapshot();
    Drbd drbd = example::drbd();
    drbd.resources[0].devices[0].client = is_client;
    snapshot.drbd = example::read_at(kNow, drbd);
    return snapshot;
  };
  EXPECT_EQ(value(written(with(true)), client), "1");
  EXPECT_EQ(count(written(with(std::nullopt)), "upkeep_drbd_device_client{"), 0) << "8.4";
}

TEST(DrbdMetrics, SayWhyIoIsSuspended) {
  const std::string text = written(example::snapshot());
  EXPECT_EQ(value(text, R"(upkeep_drbd_suspended{resource="r0",reason="quorum"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_drbd_suspended{resource="r0",reason="user"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_drbd_suspended{resource="r0",reason="frozen-by-moon"})"), "1");
  EXPECT_EQ(count(text, "upkeep_drbd_suspended{"), 5);
  Snapshot calm = example::snapshot();
  Drbd drbd = example::drbd();
  drbd.resources[0].suspended = "no";
  calm.drbd = example::read_at(kNow, drbd);
  EXPECT_EQ(count(written(calm), "upkeep_drbd_suspended{"), 4);
}

TEST(DrbdMetrics, AreUnknownWhenDrbdCannotBeAsked) {
  const Snapshot good = example::snapshot();
  Snapshot blind = good;
  blind.drbd = {fail(Errc::unavailable, "drbdsetup: exited with 20"), kNow};
  const std::string text = written(blind, remembered({}, good));
  const std::string set = R"(upkeep_drbd_connection_state{resource="r0",peer="node2")";
  EXPECT_EQ(value(text, set + R"(,state="unknown"})"), "1");
  EXPECT_EQ(value(text, set + R"(,state="Connected"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_drbd_resource_role{resource="r0",role="unknown"})"), "1");
  EXPECT_EQ(value(text, R"(upkeep_drbd_resource_role{resource="r0",role="Unknown"})"), "0")
      << "DRBD's own word";
  for (const char* gone :
       {"upkeep_drbd_connected", "upkeep_drbd_device_client", "upkeep_drbd_out_of_sync_bytes",
        "upkeep_drbd_kernel_info", "upkeep_drbd_suspended", "upkeep_drbd_resource_configured"}) {
    EXPECT_EQ(count(text, gone), 0) << gone;
  }
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="drbd"})"), "0");
  EXPECT_EQ(value(text, R"(upkeep_vm_up{vm="web1"})"), "1") << "others stay";
}

TEST(DrbdMetrics, AreUnknownWhenTheReadingIsTooOld) {
  const Snapshot snapshot = example::snapshot();
  const std::string text = written(snapshot, snapshot.drbd.at + Freshness{}.drbd + 1ms);
  EXPECT_EQ(
      value(text, R"(upkeep_drbd_connection_state{resource="r0",peer="node2",state="unknown"})"),
      "1");
  EXPECT_EQ(count(text, "upkeep_drbd_connected"), 0);
}

TEST(DrbdMetrics, AreAbsentWhereThereIsNoDrbd) {
  Snapshot snapshot = example::snapshot();
  snapshot.drbd_in_use = false;
  const std::string text = written(snapshot);
  EXPECT_EQ(count(text, "upkeep_drbd_"), 0);
  EXPECT_EQ(value(text, R"(upkeep_source_up{source="drbd"})"), kAbsent);
}

TEST(DrbdMetrics, SayWhetherTheKernelLogIsKnown) {
  Snapshot snapshot = example::snapshot();
  EXPECT_EQ(value(written(snapshot), "upkeep_drbd_kernel_log_known"), "1");
  Drbd drbd = example::drbd();
  drbd.kernel_log_problem = "open /dev/kmsg: Permission denied";
  snapshot.drbd = example::read_at(kNow, drbd);
  EXPECT_EQ(value(written(snapshot), "upkeep_drbd_kernel_log_known"), "0");
  snapshot.drbd = example::read_at(kNow, Drbd{});
  EXPECT_EQ(value(written(snapshot), "upkeep_drbd_kernel_log_known"), kAbsent)
      << "without the module nothing was logged";
}

TEST(DrbdMetrics, SayThatAPairIsSimulated) {
  Snapshot snapshot = example::snapshot();
  Drbd drbd = example::drbd();
  drbd.simulated = true;
  drbd.kernel_version = "8.4.11";
  snapshot.drbd = example::read_at(kNow, drbd);
  EXPECT_EQ(value(written(snapshot), R"x(upkeep_drbd_kernel_info{version="8.4.11 (simulated)"})x"),
            "1");
}

TEST(DrbdMetrics, OfAWordThatIsMissingAreUnknown) {
  Snapshot snapshot = example::snapshot();
  Drbd drbd = example::drbd();
  drbd.resources[0].peers[0].connection = {};
  snapshot.drbd = example::read_at(kNow, drbd);
  const std::string text = written(snapshot);
  EXPECT_EQ(
      value(text, R"(upkeep_drbd_connection_state{resource="r0",peer="node2",state="unknown"})"),
      "1");
  EXPECT_EQ(value(text, R"(upkeep_drbd_connected{resource="r0",peer="node2"})"), kAbsent);
}

}  // namespace
}  // namespace upkeep
