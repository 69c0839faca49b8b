#include "exporter/sources/replication/proc_drbd.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

// Recorded with 8.4.11 (kernel 6.1.0-56).
constexpr std::string_view kResync = R"(version: 8.4.11 (api:1/proto:86-101)
srcversion: F73C670A7EC572DB9CF3E5B 

10: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----
    ns:0 nr:33280 dw:33281 dr:7 al:8 bm:0 lo:1 pe:19 ua:0 ap:0 ep:1 wo:f oos:228820
	[=>..................] sync'ed: 14.1% (228820/262100)K
	finish: 0:00:47 speed: 4,752 (4,752) want: 8,192 K/sec
11: cs:Connected ro:Secondary/Secondary ds:Inconsistent/Inconsistent C r-----
    ns:5 nr:0 dw:0 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:131032
)";

TEST(ProcDrbd, ReadsCountersInBytesAndProgress) {
  const ProcDrbd proc = parse_proc_drbd(kResync);
  EXPECT_TRUE(proc.unparsed.empty()) << proc.unparsed.front();
  EXPECT_EQ(proc.version, "8.4.11");
  ASSERT_EQ(proc.devices.size(), 2U);
  const ProcDrbdDevice& r0 = proc.devices[0];
  EXPECT_EQ(r0.minor.value, 10U);
  EXPECT_EQ(r0.connection, DrbdConnection::connected);
  EXPECT_EQ(r0.replication, DrbdReplication::sync_target);
  EXPECT_EQ(r0.role, DrbdRole::secondary);
  EXPECT_EQ(r0.peer_role, DrbdRole::primary);
  EXPECT_EQ(r0.disk, DrbdDisk::inconsistent);
  EXPECT_EQ(r0.peer_disk, DrbdDisk::up_to_date);
  EXPECT_EQ(r0.sent->count, 0U);
  EXPECT_EQ(r0.received->count, 34078720U);      // 33280 KiB
  EXPECT_EQ(r0.written->count, 34079744U);       // 33281 KiB
  EXPECT_EQ(r0.read->count, 7168U);              // 7 KiB
  EXPECT_EQ(r0.out_of_sync->count, 234311680U);  // 228820 KiB
  EXPECT_NEAR(*r0.done_ratio, 33280.0 / 262100, 1e-12);
  EXPECT_DOUBLE_EQ(*r0.bytes_per_second, 4866048);  // 4752 KiB/s
  EXPECT_DOUBLE_EQ(r0.eta->count(), 47);
  const ProcDrbdDevice& vm1 = proc.devices[1];
  EXPECT_EQ(vm1.replication, DrbdReplication::established);
  EXPECT_EQ(vm1.sent->count, 5120U);
  EXPECT_FALSE(vm1.done_ratio || vm1.bytes_per_second || vm1.eta);
}

TEST(ProcDrbd, ReadsHoursMegabytesAndAStalledVerify) {
  const ProcDrbd proc = parse_proc_drbd(
      "version: 8.4.11 (api:1/proto:86-101)\n"
      " 3: cs:VerifyS ro:Secondary/Primary ds:UpToDate/UpToDate C r---d-\n"
      "    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0\n"
      "\t[===>................] verified: 25.0% (768000/1024000)M\n"
      "\tfinish: 12:03:04 speed: 1,234,567 (680) want: 960 K/sec (stalled)\n");
  ASSERT_EQ(proc.devices.size(), 1U);
  EXPECT_TRUE(proc.unparsed.empty());
  EXPECT_DOUBLE_EQ(*proc.devices[0].done_ratio, 0.25);
  EXPECT_DOUBLE_EQ(proc.devices[0].eta->count(), 43384);  // 12 h 3 min 4 s
  EXPECT_DOUBLE_EQ(*proc.devices[0].bytes_per_second, 1234567.0 * 1024);
}

TEST(ProcDrbd, NothingToCopyIsAllDone) {
  const ProcDrbd proc = parse_proc_drbd(
      " 0: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----\n"
      "\t[===================>] sync'ed:100.0% (0/0)K\n");
  EXPECT_DOUBLE_EQ(*proc.devices.at(0).done_ratio, 1.0);
}

TEST(ProcDrbd, TranslatesConnectionStatesAsEvents2Does) {
  const auto read = [](const std::string& cs) {
    return parse_proc_drbd(" 0: cs:" + cs + " ro:Secondary/Unknown ds:UpToDate/DUnknown C r-----\n")
        .devices.at(0);
  };
  EXPECT_EQ(read("WFConnection").connection, DrbdConnection::connecting);
  EXPECT_EQ(read("WFConnection").replication, DrbdReplication::off);
  EXPECT_EQ(read("WFReportParams").connection, DrbdConnection::connected);
  EXPECT_EQ(read("WFReportParams").replication, DrbdReplication::off);
  EXPECT_EQ(read("NetworkFailure").connection, DrbdConnection::network_failure);
  EXPECT_EQ(read("PausedSyncT").connection, DrbdConnection::connected);
  EXPECT_EQ(read("PausedSyncT").replication, DrbdReplication::paused_sync_t);
}

TEST(ProcDrbd, UnconfiguredIsStandAloneAndDiskless) {
  const auto device = parse_proc_drbd("10: cs:Unconfigured\n").devices.at(0);
  EXPECT_EQ(device.connection, DrbdConnection::stand_alone);
  EXPECT_EQ(device.disk, DrbdDisk::diskless);
  EXPECT_EQ(device.role, DrbdRole::secondary);
  EXPECT_FALSE(device.out_of_sync);
}

TEST(ProcDrbd, KeepsAndReportsWhatItDoesNotKnow) {
  const ProcDrbd proc = parse_proc_drbd(
      " 0: cs:Teleporting ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n"
      "    ns:x zz:1 oos:99999999999999999999\n"
      "what is this\n");
  ASSERT_EQ(proc.devices.size(), 1U);
  EXPECT_EQ(proc.devices[0].connection, DrbdConnection::other);
  EXPECT_EQ(proc.devices[0].connection.text, "Teleporting");
  EXPECT_FALSE(proc.devices[0].sent);
  EXPECT_FALSE(proc.devices[0].out_of_sync);
  EXPECT_EQ(proc.unparsed.size(), 5U);
}

TEST(ProcDrbd, Version9HasNothingButItsVersion) {
  const ProcDrbd proc = parse_proc_drbd(
      "version: 9.2.18 (api:2/proto:118-123)\nGIT-hash: a7afc67e build by x\n"
      "Transports (api:21): tcp (9.2.18)\n");
  EXPECT_EQ(proc.version, "9.2.18");
  EXPECT_TRUE(proc.devices.empty());
  EXPECT_TRUE(proc.unparsed.empty());
}

TEST(ProcDrbd, SurvivesAnyBytes) {
  const std::string whole(kResync);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    (void)parse_proc_drbd(whole.substr(0, cut));
    std::string damaged = whole;
    damaged[cut] = static_cast<char>(cut * 37);
    (void)parse_proc_drbd(damaged);
  }
  EXPECT_TRUE(parse_proc_drbd("").version.empty());
  EXPECT_EQ(parse_proc_drbd(std::string(3, '\0') + "(/):[]").unparsed.size(), 1U);
}

Drbd streamed() {
  Drbd drbd;
  drbd.kernel_version = "8.4.11";
  DrbdResource r0;
  r0.name = ResourceName{"r0"};
  r0.role = stated(kDrbdRoles, "Secondary");
  DrbdDevice device;
  device.minor = DeviceMinor{10};
  device.disk = stated(kDrbdDisks, "Inconsistent");
  device.read = kibibytes(1);
  r0.devices.push_back(device);
  DrbdPeer peer;
  peer.connection = stated(kDrbdConnections, "Connected");
  peer.role = stated(kDrbdRoles, "Primary");
  DrbdPeerDevice peer_device;
  peer_device.replication = stated(kDrbdReplications, "SyncTarget");
  peer_device.peer_disk = stated(kDrbdDisks, "UpToDate");
  peer.devices.push_back(peer_device);
  r0.peers.push_back(peer);
  drbd.resources.push_back(r0);
  return drbd;
}

TEST(ProcDrbd, FillsInWhatIsNotStreamed) {
  Drbd drbd = streamed();
  merge(parse_proc_drbd(kResync), drbd);
  EXPECT_EQ(drbd.resources[0].devices[0].read->count, 7168U);
  const DrbdPeerDevice& device = drbd.resources[0].peers[0].devices[0];
  EXPECT_EQ(device.received->count, 34078720U);
  EXPECT_EQ(device.out_of_sync->count, 234311680U);
  EXPECT_TRUE(device.resync_done_ratio && device.resync_bytes_per_second && device.resync_eta);
}

TEST(ProcDrbd, SaysWhereStreamAndFileDisagree) {
  const std::string one(kResync.substr(0, kResync.find("11: ")));
  const ProcDrbd proc = parse_proc_drbd(one);
  EXPECT_EQ(disagreement(proc, streamed()), std::nullopt);
  EXPECT_TRUE(disagreement(parse_proc_drbd(kResync), streamed())) << "a minor nobody told of";
  EXPECT_TRUE(disagreement(parse_proc_drbd("version: 8.4.11 (x)\n"), streamed()));
  Drbd other = streamed();
  other.resources[0].role = stated(kDrbdRoles, "Primary");
  EXPECT_TRUE(disagreement(proc, other));
  other = streamed();
  other.resources[0].devices[0].disk = stated(kDrbdDisks, "UpToDate");
  EXPECT_TRUE(disagreement(proc, other));
  other = streamed();
  other.resources[0].peers[0].connection = stated(kDrbdConnections, "Connecting");
  EXPECT_TRUE(disagreement(proc, other));
  other = streamed();
  other.resources[0].peers[0].role = stated(kDrbdRoles, "Secondary");
  EXPECT_TRUE(disagreement(proc, other));
  other = streamed();
  other.resources[0].peers[0].devices[0].replication = stated(kDrbdReplications, "Established");
  EXPECT_TRUE(disagreement(proc, other));
}

}  // namespace
}  // namespace upkeep
