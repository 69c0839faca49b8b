#include "remediation/gates/storage_gate.h"

#include <gtest/gtest.h>

#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::TestWorld;

Vm web1() { return a_vm("web1").off(VmReason::crashed).on_drbd(1); }

std::expected<StorageClearance, Held> judge(TestWorld world, const Vm& vm = web1()) {
  return storage_gate(vm, world.with(vm).view());
}

/// The Hold that closes the gate, or nothing when it is open.
std::optional<Hold> closed_by(TestWorld world, const Vm& vm = web1()) {
  const auto clearance = judge(std::move(world), vm);
  if (clearance) return std::nullopt;
  return clearance.error().reason;
}

TestWorld with(const DrbdResource& resource) { return TestWorld().with(resource); }

auto r0() { return a_resource("r0", 1); }

TEST(StorageGate, IsOpenForNodeLocalDisksAndForNoneAtAll) {
  EXPECT_FALSE(closed_by({}, a_vm("web1").off()));
  Vm diskless = a_vm("web1").off();
  diskless.disks.clear();
  EXPECT_FALSE(closed_by({}, diskless));
}

TEST(StorageGate, CannotJudgeWhatItCannotRead) {
  EXPECT_EQ(closed_by({}, a_vm("web1").off().definition_unknown()), Hold::disk_unknown);
  EXPECT_EQ(closed_by({}, a_vm("web1").off().disk("vda", DiskBacking::unknown)),
            Hold::disk_unknown);
}

TEST(StorageGate, WaitsForAMissingDiskUnlessItIsOptional) {
  const auto missing = judge({}, a_vm("web1").off().disk("vdb", DiskBacking::missing));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, Hold::disk_missing);
  EXPECT_NE(missing.error().detail.find("vdb"), std::string::npos);
  const auto vdb = [](DiskBacking backing) {
    return VmDisk{.target = {"vdb"}, .source = "/x", .backing = backing, .optional_at_start = true};
  };
  EXPECT_FALSE(closed_by({}, a_vm("web1").off().disk(vdb(DiskBacking::missing))));
  // It would be used if it is there after all.
  EXPECT_EQ(closed_by({}, a_vm("web1").off().disk(vdb(DiskBacking::unknown))), Hold::disk_unknown);
}

TEST(StorageGate, JudgesOnlyWhatTheDefinitionStartsWith) {
  const VmDisk hot_plugged{
      .target = {"vdb"}, .backing = DiskBacking::unknown, .in_definition = false};
  EXPECT_FALSE(closed_by({}, a_vm("web1").off().disk(hot_plugged)));
}

// (a): nobody else can have written since.

TEST(StorageGateLastWriter, OpensForThePrimaryAlsoWhenThePeerIsGone) {
  EXPECT_FALSE(closed_by(with(r0().role(DrbdRole::primary).peer_gone())));
  EXPECT_FALSE(closed_by(with(r0().role(DrbdRole::primary).stand_alone())));
}

TEST(StorageGateLastWriter, OpensForWhoWasPrimaryAloneInThisBoot) {
  TestWorld world = with(r0().peer_gone());
  EXPECT_EQ(closed_by(world), Hold::peer_not_connected);
  world.history.resources[{"r0"}].primary_alone = true;
  EXPECT_FALSE(closed_by(world));
}

TEST(StorageGateLastWriter, APeerConnectedNowEndsThatWhateverIsOnRecord) {
  TestWorld world =
      with(r0().peer_gone().second_peer("node3", DrbdConnection::connected, DrbdRole::secondary));
  world.history.resources[{"r0"}].primary_alone = true;
  EXPECT_EQ(closed_by(world), Hold::peer_not_connected);
}

TEST(StorageGateLastWriter, NeedsLocalDataThatIsUpToDate) {
  for (const DrbdDisk disk :
       {DrbdDisk::diskless, DrbdDisk::attaching, DrbdDisk::failed, DrbdDisk::negotiating,
        DrbdDisk::inconsistent, DrbdDisk::outdated, DrbdDisk::dunknown, DrbdDisk::consistent}) {
    TestWorld world = with(r0().role(DrbdRole::primary).disk(disk).peer_gone());
    world.history.resources[{"r0"}].primary_alone = true;
    EXPECT_EQ(closed_by(world), Hold::storage_not_up_to_date) << static_cast<int>(disk);
  }
}

TEST(StorageGateLastWriter, AWordThatIsNotKnownIsNotUpToDate) {
  DrbdResource resource = r0().role(DrbdRole::primary).peer_gone();
  resource.devices.front().disk = stated(kDrbdDisks, "UpToDateish");
  EXPECT_EQ(closed_by(with(resource)), Hold::storage_not_up_to_date);
}

// (b): everybody who may write is here and doesn't.

TEST(StorageGatePeers, OpensWhenThePeerIsConnectedAndSecondary) {
  EXPECT_FALSE(closed_by(with(r0())));
}

TEST(StorageGatePeers, SilenceIsNeverGone) {
  for (const DrbdConnection connection :
       {DrbdConnection::stand_alone, DrbdConnection::disconnecting, DrbdConnection::unconnected,
        DrbdConnection::timeout, DrbdConnection::broken_pipe, DrbdConnection::network_failure,
        DrbdConnection::protocol_error, DrbdConnection::tear_down, DrbdConnection::connecting}) {
    EXPECT_EQ(closed_by(with(r0().peer(connection, DrbdRole::unknown))), Hold::peer_not_connected);
    EXPECT_EQ(closed_by(with(r0().peer(connection, DrbdRole::secondary))),
              Hold::peer_not_connected);
  }
}

TEST(StorageGatePeers, EveryDiskfulPeerMustBeThere) {
  EXPECT_EQ(
      closed_by(with(r0().second_peer("node3", DrbdConnection::connecting, DrbdRole::unknown))),
      Hold::peer_not_connected);
  EXPECT_FALSE(
      closed_by(with(r0().second_peer("node3", DrbdConnection::connected, DrbdRole::secondary))));
}

TEST(StorageGatePeers, AnIntendedClientMayBeAway) {
  DrbdResource resource = r0().second_peer("node3", DrbdConnection::connecting, DrbdRole::unknown);
  resource.peers.back().devices.front().peer_client = true;
  EXPECT_FALSE(closed_by(with(resource)));
}

TEST(StorageGatePeers, NoPeerAtAllIsNotEveryPeer) {
  EXPECT_EQ(closed_by(with(r0().no_peers())), Hold::peer_not_connected);
}

TEST(StorageGatePeers, AConnectedPeerWhoseRoleIsNotKnownKeepsItClosed) {
  EXPECT_EQ(closed_by(with(r0().peer(DrbdConnection::connected, DrbdRole::unknown))),
            Hold::storage_unknown);
}

TEST(StorageGatePeers, OpensForASyncTargetOfAnUpToDatePeer) {
  const auto target = [] {
    return r0()
        .disk(DrbdDisk::inconsistent)
        .peer_disk(DrbdDisk::up_to_date, DrbdReplication::sync_target);
  };
  EXPECT_FALSE(closed_by(with(target())));
  EXPECT_EQ(
      closed_by(with(target().peer_disk(DrbdDisk::inconsistent, DrbdReplication::sync_target))),
      Hold::storage_not_up_to_date);
  EXPECT_EQ(closed_by(with(target().peer_disk(DrbdDisk::up_to_date, DrbdReplication::established))),
            Hold::storage_not_up_to_date);
}

TEST(StorageGatePeers, OpensForAnIntendedClientOfAnUpToDatePeer) {
  EXPECT_FALSE(closed_by(with(r0().client())));
  EXPECT_EQ(closed_by(with(r0().disk(DrbdDisk::diskless))), Hold::storage_not_up_to_date);
  EXPECT_EQ(closed_by(with(r0().client().peer_gone())), Hold::storage_not_up_to_date);
}

// (c): DRBD 9 guards itself.

TEST(StorageGateQuorum, OpensWithAConfiguredQuorumThatHolds) {
  EXPECT_FALSE(closed_by(with(r0().peer_gone().quorum(true, true, true))));
}

TEST(StorageGateQuorum, NeedsAllThreeSigns) {
  EXPECT_EQ(closed_by(with(r0().peer_gone().quorum(false, true, true))), Hold::peer_not_connected);
  EXPECT_EQ(closed_by(with(r0().peer_gone().quorum(true, false, true))), Hold::peer_not_connected);
  EXPECT_EQ(closed_by(with(r0().peer_gone().quorum(true, true, false))), Hold::peer_not_connected);
  DrbdResource unknown = r0().peer_gone().quorum(true, true, true);
  unknown.quorum_configured.reset();
  EXPECT_EQ(closed_by(with(unknown)), Hold::peer_not_connected);
}

TEST(StorageGateQuorum, IsNothingThatAnOlderDrbdHas) {
  EXPECT_EQ(closed_by(with(r0().peer_gone().quorum(true, true, true)).drbd_version("8.4.11")),
            Hold::peer_not_connected);
}

TEST(StorageGateQuorum, IsNeededByThePrimaryToo) {
  const auto lonely = [] { return r0().role(DrbdRole::primary).peer_gone(); };
  EXPECT_FALSE(closed_by(with(lonely())));
  EXPECT_FALSE(closed_by(with(lonely().quorum(true, true, false))));
  EXPECT_EQ(closed_by(with(lonely().quorum(true, false, false))), Hold::quorum_lost);
  DrbdResource unread = lonely().quorum(true, false, false);
  unread.quorum_configured.reset();
  EXPECT_EQ(closed_by(with(unread)), Hold::quorum_lost) << "the kernel says no";
}

TEST(StorageGateQuorum, IsNeededByWhoWasPrimaryAloneInThisBoot) {
  TestWorld world = with(r0().peer_gone().quorum(true, false, false));
  world.history.resources[{"r0"}].primary_alone = true;
  EXPECT_EQ(closed_by(world), Hold::quorum_lost);
}

TEST(StorageGateQuorum, IsNeededAlsoWithTheOnlyDiskfulPeerConnected) {
  EXPECT_EQ(closed_by(with(r0().quorum(true, false, false))), Hold::quorum_lost);
}

TEST(StorageGateQuorum, ALostOneIsNamedWithTheIoThatItSuspends) {
  const auto frozen = [](const std::string& reasons) {
    return with(
        r0().role(DrbdRole::primary).peer_gone().quorum(true, false, false).suspended(reasons));
  };
  EXPECT_EQ(closed_by(frozen("quorum")), Hold::quorum_lost);
  EXPECT_EQ(closed_by(frozen("user,quorum")), Hold::storage_not_up_to_date)
      << "a quorum alone does not end that";
}

TEST(StorageGateQuorum, SaysWhichPeersAreMissingAndHowToConnectThem) {
  const auto lonely = [] { return r0().role(DrbdRole::primary).quorum(true, false, false); };
  const auto held_by = [](const DrbdResource& resource) {
    const auto clearance = storage_gate(a_vm("web1").off().on_drbd(1), with(resource).view());
    return clearance ? Held{} : clearance.error();
  };
  const Held gone = held_by(
      lonely().peer_gone().second_peer("node3", DrbdConnection::connected, DrbdRole::secondary));
  EXPECT_EQ(gone.detail,
            "disk vda on DRBD resource r0: it comes back with enough of its peers: node2 "
            "(Connecting)");
  EXPECT_EQ(gone.opens_with, "") << "DRBD connects by itself";
  const Held given_up = held_by(
      lonely().stand_alone().second_peer("node3", DrbdConnection::connecting, DrbdRole::unknown));
  EXPECT_EQ(given_up.detail,
            "disk vda on DRBD resource r0: it comes back with enough of its peers: node2 "
            "(StandAlone), node3 (Connecting)");
  EXPECT_EQ(given_up.opens_with, "drbdadm connect r0");
}

// Whatever else is true.

TEST(StorageGateAlways, ClosesOnSplitBrainEvidence) {
  const auto best = [] { return r0().role(DrbdRole::primary).quorum(true, true, true); };
  EXPECT_EQ(closed_by(with(best().split_brain("helper split-brain"))), Hold::split_brain);
  TestWorld remembered = with(best());
  remembered.history.resources[{"r0"}].split_brain = SplitBrainEvidence{.what = "helper"};
  EXPECT_EQ(closed_by(remembered), Hold::split_brain);
}

TEST(StorageGateAlways, ClosesWhenAPeerIsPrimary) {
  EXPECT_EQ(closed_by(with(r0().role(DrbdRole::primary)
                               .quorum(true, true, true)
                               .peer(DrbdConnection::connected, DrbdRole::primary))),
            Hold::peer_primary);
}

TEST(StorageGateAlways, ClosesWhenAPeerRunsTheVmAlsoByAnOldAnswer) {
  TestWorld world = with(r0());
  world.peer("node2", {"web1"});
  EXPECT_EQ(closed_by(world), Hold::runs_elsewhere);
  world.snapshot.peers.front().facts.at -= 1h;
  EXPECT_EQ(closed_by(world), Hold::runs_elsewhere);
  EXPECT_EQ(closed_by(world, a_vm("web1").off()), Hold::runs_elsewhere);
  EXPECT_FALSE(closed_by(world, a_vm("web2").off()));
}

TEST(StorageGateAlways, ClosesWhileItsIoIsSuspended) {
  EXPECT_EQ(closed_by(with(r0().role(DrbdRole::primary).suspended("quorum"))),
            Hold::storage_not_up_to_date);
}

TEST(StorageGateAlways, ClosesWithoutAFreshReadingOfDrbd) {
  TestWorld stale = with(r0());
  stale.snapshot.drbd.at -= 11s;
  EXPECT_EQ(closed_by(stale), Hold::stale_drbd);
  TestWorld failed = with(r0());
  failed.snapshot.drbd.reading = fail(Errc::unavailable, "no");
  EXPECT_EQ(storage_gate(web1(), failed.view()).error().reason, Hold::stale_drbd);
}

TEST(StorageGateAlways, ClosesWhenTheResourceIsNotKnownOrNotUp) {
  EXPECT_EQ(closed_by({}), Hold::storage_unknown);
  EXPECT_EQ(closed_by(with(r0().down())), Hold::storage_unknown);
  EXPECT_EQ(closed_by(with(r0()).drbd_version("")), Hold::storage_unknown);
  TestWorld off = with(r0());
  off.snapshot.drbd_in_use = false;
  EXPECT_EQ(closed_by(off), Hold::storage_unknown);
  Vm nameless = web1();
  nameless.disks.front().drbd.clear();
  EXPECT_EQ(closed_by(with(r0()), nameless), Hold::storage_unknown);
}

TEST(StorageGateAlways, OneClosedDiskClosesIt) {
  const Vm vm =
      a_vm("web1").off().on_drbd(1, "vda").on_drbd(2, "vdb").disk("vdc", DiskBacking::local);
  TestWorld world = with(r0());
  world.with(a_resource("r1", 2).peer_gone());
  EXPECT_EQ(closed_by(world, vm), Hold::peer_not_connected);
  EXPECT_FALSE(closed_by(world.with(a_resource("r1", 2)), vm));
}

}  // namespace
}  // namespace upkeep
