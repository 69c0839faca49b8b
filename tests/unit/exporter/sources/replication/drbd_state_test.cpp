#include "exporter/sources/replication/drbd_state.h"

#include <gtest/gtest.h>

#include <random>

#include "exporter/sources/replication/events2_parser.h"
#include "transcript.h"

namespace upkeep {
namespace {

using Kind = DrbdEvent::Kind;

// Feeds lines; returns every event.
std::vector<DrbdEvent> feed(DrbdState& state, const std::vector<std::string>& lines) {
  std::vector<DrbdEvent> events;
  for (const std::string& line : lines) {
    for (DrbdEvent& event : state.apply(line, {}).events) events.push_back(std::move(event));
  }
  return events;
}

const std::vector<std::string> kUp84 = {
    "exists resource name:r0 role:Primary suspended:no write-ordering:flush",
    "exists connection name:r0 peer-node-id:0 conn-name:peer connection:Connected role:Secondary "
    "congested:no",
    "exists device name:r0 volume:0 minor:10 disk:UpToDate size:262100 read:14336 written:5 "
    "al-writes:8 bm-writes:0 upper-pending:0 lower-pending:0 al-suspended:no blocked:no",
    "exists peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 replication:Established "
    "peer-disk:UpToDate resync-suspended:no received:3 sent:2 out-of-sync:1 pending:6 unacked:0",
    "exists -"};

TEST(Events2Parser, TakesTheNewOfOldAndNewButLeavesNamesAlone) {
  const Events2Line line = parse_events2_line(
      "change device name:a->b volume:0 minor:10 backing_dev:none->/dev/x:1 "
      "disk:Attaching->UpToDate");
  EXPECT_EQ(line.verb, Events2Verb::change);
  EXPECT_EQ(line.object, Events2Object::device);
  EXPECT_EQ(line.value("name"), "a->b");
  EXPECT_EQ(line.value("backing_dev"), "/dev/x:1") << "only the first ':' separates";
  EXPECT_EQ(line.value("disk"), "UpToDate");
  EXPECT_EQ(line.value("quorum"), std::nullopt);
  EXPECT_TRUE(line.unknown.empty());
}

TEST(Events2Parser, ReadsTimestampsMarkersAndUnknownWords) {
  const Events2Line dump = parse_events2_line("2026-11-22T12:43:21.712019+00:00 exists -");
  EXPECT_EQ(dump.object, Events2Object::end_of_dump);
  EXPECT_EQ(dump.timestamp, "2026-11-22T12:43:21.712019+00:00");
  EXPECT_EQ(parse_events2_line("- skipped 17").object, Events2Object::skipped);
  const Events2Line unknown = parse_events2_line("change device name:r0 volume:0 shiny:yes naked");
  EXPECT_EQ(unknown.unknown, (std::vector<std::string_view>{"shiny", "naked"}));
  EXPECT_EQ(parse_events2_line("explode resource name:r0").verb, Events2Verb::other);
  EXPECT_EQ(parse_events2_line("change planet name:r0").object, Events2Object::other);
}

TEST(DrbdState, ReadsADumpWithKibibytesAsBytes) {
  DrbdState state("8.4.11");
  EXPECT_FALSE(state.complete());
  const auto events = feed(state, kUp84);
  EXPECT_TRUE(state.complete());
  const Drbd drbd = state.drbd();
  EXPECT_TRUE(drbd.module_loaded);
  ASSERT_EQ(drbd.resources.size(), 1U);
  const DrbdResource& r0 = drbd.resources[0];
  EXPECT_TRUE(r0.in_kernel);
  EXPECT_EQ(r0.role, DrbdRole::primary);
  EXPECT_EQ(r0.devices.at(0).minor.value, 10U);
  EXPECT_EQ(r0.devices.at(0).size->count, 268390400U);  // 262100 KiB
  EXPECT_EQ(r0.devices.at(0).read->count, 14680064U);   // 14336 KiB
  EXPECT_EQ(r0.devices.at(0).written->count, 5120U);
  EXPECT_EQ(r0.devices.at(0).client, std::nullopt);
  const DrbdPeerDevice& peer = r0.peers.at(0).devices.at(0);
  EXPECT_EQ(peer.received->count, 3072U);
  EXPECT_EQ(peer.sent->count, 2048U);
  EXPECT_EQ(peer.out_of_sync->count, 1024U);
  EXPECT_EQ(r0.peers[0].congested, false);
  ASSERT_EQ(events.size(), 3U);  // Role, connection, disk.
  for (const DrbdEvent& event : events) EXPECT_TRUE(event.initial);
}

TEST(DrbdState, ReadsProgressOf9AndForgetsItWhenTheResyncEnds) {
  DrbdState state("9.2.18");
  feed(state, {"exists -", "create resource name:r0 role:Primary suspended:no may_promote:no",
               "create connection name:r0 peer-node-id:1 conn-name:beta connection:Connected "
               "role:Secondary",
               "create peer-device name:r0 peer-node-id:1 conn-name:beta volume:0 "
               "replication:SyncSource peer-disk:Inconsistent peer-client:no resync-suspended:no "
               "done:30.86 received:0 sent:81920 out-of-sync:181204 pending:1 unacked:1 dbdt1:8.50 "
               "eta:20"});
  const DrbdPeerDevice device = state.drbd().resources.at(0).peers.at(0).devices.at(0);
  EXPECT_NEAR(*device.resync_done_ratio, 0.3086, 1e-9);
  EXPECT_DOUBLE_EQ(*device.resync_bytes_per_second, 8912896);  // 8.5 MiB/s
  EXPECT_DOUBLE_EQ(device.resync_eta->count(), 20);
  feed(state, {"change peer-device name:r0 peer-node-id:1 conn-name:beta volume:0 done:40.00 "
               "dbdt1:0.00 eta:nan"});
  EXPECT_EQ(state.drbd().resources[0].peers[0].devices[0].resync_eta, std::nullopt);
  feed(state, {"change peer-device name:r0 peer-node-id:1 conn-name:beta volume:0 "
               "replication:Established peer-disk:UpToDate"});
  const DrbdPeerDevice done = state.drbd().resources[0].peers[0].devices[0];
  EXPECT_FALSE(done.resync_done_ratio || done.resync_bytes_per_second || done.resync_eta);
}

// drbd-utils 9.22, print_peer_device_statistics(): while a verify runs, `done` and `eta` are its
// own (of ov_left) and out-of-sync is what it has found.
TEST(DrbdState, ReadsProgressOfAVerifyOf9) {
  DrbdState state("9.2.18");
  feed(state, {"exists -", "create resource name:r0 role:Primary suspended:no may_promote:no",
               "create connection name:r0 peer-node-id:1 conn-name:beta connection:Connected "
               "role:Secondary",
               "create peer-device name:r0 peer-node-id:1 conn-name:beta volume:0 "
               "replication:VerifyS peer-disk:UpToDate peer-client:no resync-suspended:no "
               "done:12.50 received:0 sent:0 out-of-sync:20 pending:0 unacked:0 dbdt1:2.00 eta:7"});
  const DrbdPeerDevice device = state.drbd().resources.at(0).peers.at(0).devices.at(0);
  EXPECT_NEAR(*device.resync_done_ratio, 0.125, 1e-9);
  EXPECT_DOUBLE_EQ(*device.resync_bytes_per_second, 2097152);
  EXPECT_DOUBLE_EQ(device.resync_eta->count(), 7);
  EXPECT_EQ(device.out_of_sync->count, 20480U);
}

TEST(DrbdState, ReadsWhatOnly9Says) {
  DrbdState state("9.2.18");
  feed(state, {"exists resource name:r0 role:Secondary suspended:user,quorum may_promote:yes",
               "exists device name:r0 volume:1 minor:7 backing_dev:none disk:Diskless client:yes "
               "open:no quorum:yes",
               "exists device name:r0 volume:0 minor:6 backing_dev:/dev/vg/r0 disk:UpToDate "
               "client:no open:unknown quorum:no",
               "exists -"});
  const DrbdResource r0 = state.drbd().resources.at(0);
  EXPECT_EQ(r0.suspended, "user,quorum");
  EXPECT_EQ(r0.may_promote, true);
  ASSERT_EQ(r0.devices.size(), 2U);
  EXPECT_EQ(r0.devices[0].volume.value, 0U) << "by volume";
  EXPECT_EQ(r0.devices[0].backing_device, "/dev/vg/r0");
  EXPECT_EQ(r0.devices[0].open, std::nullopt);
  EXPECT_EQ(r0.devices[0].quorum, false);
  EXPECT_EQ(r0.devices[1].backing_device, "");
  EXPECT_EQ(r0.devices[1].client, true);
  EXPECT_EQ(r0.devices[1].open, false);
  EXPECT_TRUE(r0.peers.empty()) << "only 8.4 hides a StandAlone link";
}

TEST(DrbdState, AMissingLinkOf84IsStandAlone) {
  DrbdState state("8.4.11");
  feed(state, kUp84);
  const auto events =
      feed(state, {"change connection name:r0 peer-node-id:0 conn-name:peer connection:StandAlone",
                   "destroy peer-device name:r0 peer-node-id:0 conn-name:peer volume:0",
                   "destroy connection name:r0 peer-node-id:0 conn-name:peer"});
  ASSERT_EQ(events.size(), 1U) << "StandAlone is told once";
  EXPECT_EQ(events[0].kind, Kind::connection_changed);
  EXPECT_EQ(events[0].from, "Connected");
  EXPECT_EQ(events[0].to, "StandAlone");
  const DrbdPeer peer = state.drbd().resources.at(0).peers.at(0);
  EXPECT_EQ(peer.name.value, "peer");
  EXPECT_EQ(peer.connection, DrbdConnection::stand_alone);
  EXPECT_EQ(peer.role, DrbdRole::unknown);
  EXPECT_EQ(peer.devices.at(0).peer_disk, DrbdDisk::dunknown);
  EXPECT_EQ(peer.devices.at(0).replication, DrbdReplication::off);
}

TEST(DrbdState, AConnectionWithoutNameIsTheSameConnection) {
  DrbdState state("8.4.11");
  feed(state, {"exists resource name:r0 role:Primary suspended:no",
               "exists connection name:r0 peer-node-id:0 connection:StandAlone role:Unknown",
               "exists peer-device name:r0 peer-node-id:0 volume:0 replication:Off "
               "peer-disk:DUnknown resync-suspended:no",
               "exists -",
               "change connection name:r0 peer-node-id:0 conn-name:peer connection:Connecting"});
  ASSERT_EQ(state.drbd().resources.at(0).peers.size(), 1U);
  EXPECT_EQ(state.drbd().resources[0].peers[0].name.value, "peer");
}

TEST(DrbdState, ADestroyedConnectionOf9TakesItsPeerDevicesAlong) {
  DrbdState state("9.2.18");
  feed(state, {"exists resource name:r0 role:Secondary suspended:no",
               "exists connection name:r0 peer-node-id:1 conn-name:b connection:Connected "
               "role:Secondary",
               "exists peer-device name:r0 peer-node-id:1 conn-name:b volume:0 "
               "replication:Established peer-disk:UpToDate",
               "exists -", "destroy connection name:r0 peer-node-id:1 conn-name:b",
               "create connection name:r0 peer-node-id:1 conn-name:b connection:StandAlone "
               "role:Unknown"});
  EXPECT_TRUE(state.drbd().resources.at(0).peers.at(0).devices.empty());
}

TEST(DrbdState, LinesThatNameAnObjectOnlyChangeNothing) {
  DrbdState state("8.4.11");
  feed(state, kUp84);
  const Drbd before = state.drbd();
  EXPECT_TRUE(feed(state, {"change connection name:r0 peer-node-id:0 conn-name:peer",
                           "change peer-device name:r0 peer-node-id:0 conn-name:peer volume:0",
                           "change device name:r0 volume:0 minor:10", ""})
                  .empty());
  EXPECT_EQ(state.drbd(), before);
}

TEST(DrbdState, AChangeOfSomethingUnknownIsALossOnlyAfterTheDump) {
  DrbdState state("8.4.11");
  EXPECT_FALSE(state.apply("change device name:r0 volume:0 minor:1 disk:UpToDate", {}).resync);
  (void)state.apply("exists -", {});
  EXPECT_FALSE(state.apply("change device name:r0 volume:0 minor:1 disk:Failed", {}).resync);
  EXPECT_TRUE(state.apply("change device name:r0 volume:1 minor:2 disk:Failed", {}).resync);
  EXPECT_TRUE(state.apply("change resource name:r1 role:Primary", {}).resync);
  EXPECT_TRUE(state.apply("change connection name:r0 peer-node-id:3 role:Primary", {}).resync);
}

TEST(DrbdState, SkippedMessagesAskForEverythingAgain) {
  DrbdState state("8.4.11");
  feed(state, kUp84);
  const AppliedLine applied = state.apply("- skipped 5", {});
  EXPECT_TRUE(applied.resync);
  EXPECT_EQ(applied.unparsed.size(), 1U);
}

TEST(DrbdState, ARebuildDropsWhatIsGoneAndTellsOnlyRealChanges) {
  DrbdState state("9.2.18");
  const std::string r1 = "exists resource name:r1 role:Secondary suspended:no";
  feed(state, {"exists resource name:r0 role:Secondary suspended:no", r1,
               "exists device name:r1 volume:0 minor:1 disk:UpToDate", "exists -"});
  state.begin_dump();
  EXPECT_FALSE(state.complete());
  const auto events =
      feed(state, {"exists resource name:r1 role:Primary suspended:no",
                   "exists device name:r1 volume:0 minor:1 disk:UpToDate", "exists -"});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, Kind::role_changed);
  EXPECT_EQ(events[0].from, "Secondary");
  EXPECT_FALSE(events[0].initial);
  EXPECT_EQ(events[1].kind, Kind::resource_destroyed);
  EXPECT_EQ(events[1].resource.value, "r0");
  EXPECT_EQ(state.drbd().resources.size(), 1U);
}

TEST(DrbdState, ADumpThatBrokeOffIsForgotten) {
  DrbdState state("9.2.18");
  feed(state, {"exists resource name:r0 role:Secondary suspended:no", "exists -"});
  state.begin_dump();
  feed(state, {"exists resource name:ghost role:Secondary suspended:no"});
  state.begin_dump();
  const auto events =
      feed(state, {"exists resource name:r0 role:Secondary suspended:no", "exists -"});
  EXPECT_TRUE(events.empty());
  ASSERT_EQ(state.drbd().resources.size(), 1U);
  EXPECT_EQ(state.drbd().resources[0].name.value, "r0");
}

TEST(DrbdState, ALinkOf84LostWhileNobodyListenedIsToldAsStandAlone) {
  DrbdState state("8.4.11");
  feed(state, kUp84);
  state.begin_dump();
  const auto events =
      feed(state, {"exists resource name:r0 role:Primary suspended:no",
                   "exists device name:r0 volume:0 minor:10 disk:UpToDate", "exists -"});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].from, "Connected");
  EXPECT_EQ(events[0].to, "StandAlone");
}

TEST(DrbdState, UnknownStatesAreKeptShownAndReported) {
  DrbdState state("9.2.18");
  const AppliedLine applied = state.apply(
      "exists device name:r0 volume:0 minor:1 disk:Sparkling quorum:maybe size:big", {});
  EXPECT_EQ(applied.unparsed.size(), 3U);
  (void)state.apply("exists -", {});
  const DrbdDevice device = state.drbd().resources.at(0).devices.at(0);
  EXPECT_EQ(device.disk, DrbdDisk::other);
  EXPECT_EQ(device.disk.text, "Sparkling");
  EXPECT_EQ(device.quorum, std::nullopt);
  EXPECT_EQ(device.size, std::nullopt);
}

TEST(DrbdState, ReportsLinesItCannotUse) {
  DrbdState state("9.2.18");
  for (const char* line : {"garbage", "explode resource name:r0", "change planet name:r0",
                           "exists resource role:Primary", "exists device name:r0 disk:UpToDate",
                           "exists connection name:r0 connection:Connected",
                           "exists peer-device name:r0 volume:0", "call helper name:r0",
                           "rename resource name:r0", "exists device name:r0 volume:x minor:1"}) {
    EXPECT_FALSE(state.apply(line, {}).unparsed.empty()) << line;
  }
  EXPECT_FALSE(
      state.apply("exists device name:r0 volume:0 minor:1 new-key:1", {}).unparsed.empty());
}

TEST(DrbdState, ARenamedResourceKeepsItsState) {
  DrbdState state("9.2.18");
  feed(state, {"exists resource name:a role:Primary suspended:no",
               "exists device name:a volume:0 minor:1 disk:UpToDate", "exists -",
               "rename resource name:a new_name:b"});
  ASSERT_EQ(state.drbd().resources.size(), 1U);
  EXPECT_EQ(state.drbd().resources[0].name.value, "b");
  EXPECT_EQ(state.drbd().resources[0].devices.size(), 1U);
}

TEST(DrbdState, HelperStatusIsSigned) {
  DrbdState state("9.2.18");
  const auto events = feed(
      state, {"call helper name:r0 peer-node-id:1 conn-name:b volume:0 minor:1 helper:fence-peer",
              "response helper name:r0 peer-node-id:1 conn-name:b volume:0 minor:1 "
              "helper:fence-peer status:4294967294"});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].to, "fence-peer");
  EXPECT_EQ(events[0].status, std::nullopt);
  EXPECT_EQ(events[1].status, -2);
  EXPECT_EQ(events[1].peer.value, "b");
}

// T3 of the recordings: detected, not resolved, connection dropped; then tried again in vain.
const std::vector<std::string> kSplitBrain = {
    "change connection name:r0 peer-node-id:0 conn-name:peer connection:Connected",
    "call helper name:r0 peer-node-id:0 conn-name:peer volume:0 minor:10 "
    "helper:initial-split-brain",
    "response helper name:r0 peer-node-id:0 conn-name:peer volume:0 minor:10 "
    "helper:initial-split-brain status:0",
    "call helper name:r0 peer-node-id:0 conn-name:peer volume:0 minor:10 helper:split-brain",
    "change connection name:r0 peer-node-id:0 conn-name:peer connection:NetworkFailure",
    "response helper name:r0 peer-node-id:0 conn-name:peer volume:0 minor:10 helper:split-brain "
    "status:0",
    "change connection name:r0 peer-node-id:0 conn-name:peer connection:Disconnecting",
    "change connection name:r0 peer-node-id:0 conn-name:peer connection:StandAlone",
    "destroy peer-device name:r0 peer-node-id:0 conn-name:peer volume:0",
    "destroy connection name:r0 peer-node-id:0 conn-name:peer"};
const std::vector<std::string> kConnecting = {
    "create connection name:r0 peer-node-id:0 conn-name:peer connection:StandAlone role:Unknown",
    "create peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 replication:Off "
    "peer-disk:DUnknown resync-suspended:no",
    "change connection name:r0 peer-node-id:0 conn-name:peer connection:Unconnected",
    "change connection name:r0 peer-node-id:0 conn-name:peer connection:Connecting"};

TEST(SplitBrainEvidence, LastsUntilTheHandshakeIsPassed) {
  DrbdState state("8.4.11");
  feed(state, {"exists resource name:r0 role:Primary suspended:no",
               "exists device name:r0 volume:0 minor:10 disk:UpToDate", "exists -"});
  feed(state, kConnecting);
  EXPECT_TRUE(state.evidence().empty());
  feed(state, kSplitBrain);
  ASSERT_EQ(state.evidence().size(), 1U);
  EXPECT_EQ(state.evidence().begin()->second.what, "helper split-brain");
  feed(state, kConnecting);
  feed(state, {kSplitBrain.front()});
  EXPECT_EQ(state.evidence().size(), 1U) << "Connected before the handshake proves nothing";
  state.begin_dump();
  feed(state, {"exists -"});
  EXPECT_EQ(state.evidence().size(), 1U)
      << "taking the resource down or a new stream solves nothing";
  feed(state, {"create resource name:r0 role:Primary suspended:no"});
  feed(state, kConnecting);
  feed(state, {kSplitBrain.front(),
               "change peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 "
               "replication:SyncTarget peer-disk:UpToDate"});
  EXPECT_TRUE(state.evidence().empty());
}

TEST(SplitBrainEvidence, OneThatDrbdResolvedIsNone) {
  DrbdState state("8.4.11");
  feed(state, kUp84);
  feed(state, {kSplitBrain[1], kSplitBrain[2],
               "change peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 "
               "replication:SyncSource"});
  EXPECT_TRUE(state.evidence().empty());
}

// As print_connection_changes() of drbd-utils prints them, commit 022f579e (2026): a StandAlone
// link has `sync-state` after `role`, unless its sides can be synchronized.
const std::string kStandsAlone =
    "connection name:r0 peer-node-id:1 conn-name:b connection:StandAlone role:Unknown";
const std::string kStatistics = " congested:no ap-in-flight:0 rs-in-flight:0";

TEST(SplitBrainEvidence, AStandAloneLinkThatSaysSoIsAlsoOneToADaemonThatSawNothingOfIt) {
  DrbdState state("9.3.1");
  AppliedLine line;
  state.apply("exists resource name:r0 role:Primary suspended:no", {});
  line = state.apply("exists " + kStandsAlone + " sync-state:SplitBrain" + kStatistics,
                     {.at = {}, .wall = WallTime(std::chrono::seconds(5))});
  EXPECT_TRUE(line.unparsed.empty());
  EXPECT_TRUE(line.evidence);
  state.apply("exists -", {});
  ASSERT_EQ(state.evidence().size(), 1U);
  const SplitBrainEvidence first = state.evidence().begin()->second;
  EXPECT_EQ(first,
            (SplitBrainEvidence{"sync-state SplitBrain", WallTime(std::chrono::seconds(5))}));
  const auto loss = state.stories().at({"r0"}).at(1).loss();
  ASSERT_TRUE(loss);
  EXPECT_EQ(loss->cause, LinkLossCause::split_brain);
  state.apply("change " + kStandsAlone + " sync-state:SplitBrain" + kStatistics,
              {.at = {}, .wall = WallTime(std::chrono::seconds(9))});
  EXPECT_EQ(state.evidence().begin()->second, first) << "said again, it is no news";
  feed(state, {"change connection name:r0 peer-node-id:1 conn-name:b connection:Connected "
               "role:Secondary",
               "create peer-device name:r0 peer-node-id:1 conn-name:b volume:0 "
               "replication:Established peer-disk:UpToDate"});
  EXPECT_TRUE(state.evidence().empty());
}

TEST(SplitBrainEvidence, WhatAHelperToldStaysAndAStandAloneLinkWithoutAWordIsNone) {
  DrbdState state("9.3.1");
  feed(state,
       {"exists resource name:r0 role:Primary suspended:no", "exists " + kStandsAlone, "exists -"});
  EXPECT_TRUE(state.evidence().empty()) << "older tools say nothing, whatever is the case";
  feed(state, {"change connection name:r0 peer-node-id:1 conn-name:b connection:Connecting",
               "call helper name:r0 peer-node-id:1 conn-name:b volume:0 minor:1 helper:split-brain",
               "change connection name:r0 peer-node-id:1 conn-name:b connection:Disconnecting",
               "change " + kStandsAlone + " sync-state:SplitBrain"});
  ASSERT_EQ(state.evidence().size(), 1U);
  EXPECT_EQ(state.evidence().begin()->second.what, "helper split-brain");
  feed(state, {"change " + kStandsAlone});
  EXPECT_EQ(state.evidence().size(), 1U) << "nothing said solves nothing";
}

TEST(SplitBrainEvidence, UnrelatedDataAreNoSplitBrainAndAnotherWordIsToldOf) {
  DrbdState state("9.3.1");
  feed(state, {"exists resource name:r0 role:Primary suspended:no",
               "exists " + kStandsAlone + " sync-state:Unrelated", "exists -"});
  EXPECT_TRUE(state.evidence().empty());
  const auto loss = state.stories().at({"r0"}).at(1).loss();
  ASSERT_TRUE(loss);
  EXPECT_EQ(loss->cause, LinkLossCause::unrelated_data);
  EXPECT_EQ(state.apply("change " + kStandsAlone + " sync-state:Odd", {}).unparsed,
            std::vector<std::string>{"unknown value sync-state:Odd"});
  EXPECT_TRUE(state.evidence().empty());
}

TEST(SplitBrainEvidence, AnotherPeerOf9DoesNotClearIt) {
  DrbdState state("9.2.18");
  feed(state, {"exists resource name:r0 role:Primary suspended:no", "exists -",
               "call helper name:r0 peer-node-id:1 conn-name:b volume:0 minor:1 helper:split-brain",
               "create connection name:r0 peer-node-id:2 conn-name:c connection:Connected "
               "role:Secondary",
               "create peer-device name:r0 peer-node-id:2 conn-name:c volume:0 "
               "replication:Established peer-disk:UpToDate"});
  EXPECT_EQ(state.evidence().size(), 1U);
}

TEST(DrbdState, SurvivesDamagedLines) {
  std::mt19937 random(20261122);
  std::vector<std::string> lines;
  for (const auto& line : transcript::read(transcript::folder() / "drbd92-06-standalone.txt")) {
    if (line.kind == transcript::Line::Kind::event) lines.push_back(line.text);
  }
  ASSERT_GT(lines.size(), 100U);
  for (const char* version : {"8.4.11", "9.2.18"}) {
    DrbdState state(version);
    for (int i = 0; i < 20000; ++i) {
      std::string line = lines[random() % lines.size()];
      for (int damage = static_cast<int>(random() % 4); damage > 0 && !line.empty(); --damage) {
        const std::size_t at = random() % line.size();
        switch (random() % 3) {
          case 0: line[at] = static_cast<char>(random() % 256); break;
          case 1: line.erase(at, random() % 20); break;
          default: line.insert(at, lines[random() % lines.size()].substr(0, random() % 30)); break;
        }
      }
      if (random() % 500 == 0) state.begin_dump();
      (void)state.apply(line, {});
    }
    const Drbd drbd = state.drbd();
    EXPECT_FALSE(drbd.resources.empty());
  }
}

}  // namespace
}  // namespace upkeep
