#include "remediation/gates/storage_gate.h"

#include <gtest/gtest.h>

#include <algorithm>

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

// Promotion.

TEST(StorageGatePromotion, Drbd84MustBeToldAnd9Promotes) {
  EXPECT_TRUE(judge(with(r0()))->promote.empty());
  EXPECT_EQ(judge(with(r0()).drbd_version("8.4.11"))->promote, (std::vector<ResourceName>{{"r0"}}));
  EXPECT_TRUE(judge(with(r0().role(DrbdRole::primary)).drbd_version("8.4.11"))->promote.empty());
}

TEST(StorageGatePromotion, NamesEachResourceOnceInOrder) {
  const Vm vm = a_vm("web1").off().on_drbd(2, "vda").on_drbd(1, "vdb").on_drbd(1, "vdc");
  TestWorld world = with(r0());
  world.with(a_resource("a9", 2)).drbd_version("8.4.11");
  EXPECT_EQ(judge(world, vm)->promote, (std::vector<ResourceName>{{"a9"}, {"r0"}}));
}

// Shared storage.

Vm on_shared() { return a_vm("web1").off().disk("vda", DiskBacking::shared); }

TEST(StorageGateShared, NeedsEveryPeersNo) {
  TestWorld world;
  world.peer("node2").peer("node3", {"other"});
  EXPECT_FALSE(closed_by(world, on_shared()));
}

TEST(StorageGateShared, ASilentPeerKeepsItClosed) {
  TestWorld world;
  world.peer("node2").peer("node3");
  TestWorld failed = world;
  failed.snapshot.peers.back().facts.reading = fail(Errc::timed_out, "no answer");
  EXPECT_EQ(closed_by(failed, on_shared()), Hold::may_run_elsewhere);
  TestWorld never_asked = world;
  never_asked.snapshot.peers.pop_back();
  EXPECT_EQ(closed_by(never_asked, on_shared()), Hold::may_run_elsewhere);
  TestWorld old = world;
  old.snapshot.peers.back().facts.at -= 16s;
  EXPECT_EQ(closed_by(old, on_shared()), Hold::stale_peers);
}

TEST(StorageGateShared, WithoutPeersNobodyCanSayNo) {
  EXPECT_EQ(closed_by({}, on_shared()), Hold::may_run_elsewhere);
}

TEST(StorageGateShared, ExclusiveSaysThatNobodyElseUsesIt) {
  TestWorld world;
  world.vm_policy({.match = "web*", .exclusive = true});
  EXPECT_FALSE(closed_by(world, on_shared()));
  world.peer("node2", {"web1"});
  EXPECT_EQ(closed_by(world, on_shared()), Hold::runs_elsewhere);
}

// What a person is told.

TEST(StorageGateWords, NameDiskResourceAndPeerAndTheCommandThatOpens) {
  const Held gone = judge(with(r0().peer_gone())).error();
  EXPECT_EQ(gone.detail, "disk vda on DRBD resource r0: node2 is not connected (Connecting)");
  EXPECT_EQ(gone.opens_with, "");  // It may be about to come back.
  EXPECT_EQ(judge(with(r0().stand_alone())).error().opens_with, "drbdadm connect r0");
  EXPECT_EQ(judge(with(r0().down())).error().opens_with, "drbdadm adjust r0");
  const Held outdated = judge(with(r0().disk(DrbdDisk::outdated).peer_gone())).error();
  EXPECT_EQ(outdated.detail, "disk vda on DRBD resource r0: the local copy is Outdated");
  EXPECT_EQ(outdated.opens_with, "");
}

TEST(StorageGateWords, DoNotDependOnTheOrderOfDisksAndPeers) {
  Vm vm = a_vm("web1").off().on_drbd(1, "vda").on_drbd(2, "vdb");
  TestWorld world =
      with(r0().peer_gone().second_peer("node1", DrbdConnection::unconnected, DrbdRole::unknown));
  world.with(a_resource("r1", 2).disk(DrbdDisk::failed));
  const Held first = judge(world, vm).error();
  std::ranges::reverse(vm.disks);
  DrbdResource turned =
      r0().peer_gone().second_peer("node1", DrbdConnection::unconnected, DrbdRole::unknown);
  std::ranges::reverse(turned.peers);
  EXPECT_EQ(judge(world.with(turned), vm).error(), first);
  EXPECT_NE(first.detail.find("node1"), std::string::npos);
}

}  // namespace
}  // namespace upkeep
