#include "app/daemon/fact_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/unit/app/daemon/fake_host.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

const Target kWeb1{Target::Kind::vm, "web1"};
const Target kR0{Target::Kind::resource, "r0"};

class HostFactReaderTest : public testing::Test {
 protected:
  HostFactReaderTest() {
    host_.said_vms = {
        .reading = list_of({vm_named("db1", VmState::running), vm_named("web1", VmState::running)}),
        .at = clock_.now()};
    host_.said_drbd = {.reading = drbd_with("old"), .at = clock_.now()};
    host_.fresh_drbd = [] { return drbd_with("r0"); };
    fresh_vm_is(vm_named("web1", VmState::shut_off));
    Snapshot snapshot;
    snapshot.generation = 7;
    snapshots_->set(std::make_shared<const Snapshot>(snapshot));
    clock_.advance(3s);
  }

  void fresh_vm_is(Vm vm) {
    host_.fresh_vm = [vm = std::move(vm)] { return vm; };
  }

  std::shared_ptr<TestClock> shared_clock_ = std::make_shared<TestClock>();
  std::shared_ptr<FakeHost> shared_host_ = std::make_shared<FakeHost>();
  std::shared_ptr<Latest<Snapshot>> snapshots_ = std::make_shared<Latest<Snapshot>>();
  TestClock& clock_ = *shared_clock_;
  FakeHost& host_ = *shared_host_;
  HostFactReader reader_{shared_clock_, shared_host_, snapshots_};
};

TEST_F(HostFactReaderTest, ReadsTheVmAgainAndKeepsTheOthers) {
  const auto facts = reader_.reread(kWeb1, 10s);
  ASSERT_TRUE(facts);
  EXPECT_EQ(host_.asked_vms, std::vector{VmUuid{"uuid-of-web1"}});
  EXPECT_EQ(find_vm(**facts, VmName{"web1"})->state, VmState::shut_off);
  EXPECT_EQ(find_vm(**facts, VmName{"db1"})->state, VmState::running);
  EXPECT_EQ((*facts)->vms.at, clock_.now());
  EXPECT_EQ((*facts)->at, clock_.now());
}

TEST_F(HostFactReaderTest, SettlesASplitBrainWithTheHostAndNotBefore) {
  const auto settle = reader_.split_brain_settler({"r0"});
  EXPECT_TRUE(host_.settled.empty());
  settle();
  EXPECT_EQ(host_.settled, std::vector{ResourceName{"r0"}});
}

TEST_F(HostFactReaderTest, LeavesThePublishedReadingsAlone) {
  ASSERT_TRUE(reader_.reread(kWeb1, 10s));
  EXPECT_EQ((**host_.said_vms.reading)[1].state, VmState::running);
}

TEST_F(HostFactReaderTest, DoesNotAskDrbdForAVmThatIsNotOnIt) {
  const auto facts = reader_.reread(kWeb1, 10s);
  ASSERT_TRUE(facts);
  EXPECT_EQ(host_.asked_drbd, 0);
  EXPECT_EQ((*facts)->drbd.at, host_.said_drbd.at);
}

TEST_F(HostFactReaderTest, AsksDrbdForWhatIsOrMayBeOnIt) {
  fresh_vm_is(vm_named("web1", VmState::shut_off, DiskBacking::drbd));
  auto facts = reader_.reread(kWeb1, 10s);
  ASSERT_TRUE(facts);
  EXPECT_NE(find_resource(**facts, ResourceName{"r0"}), nullptr);
  EXPECT_EQ((*facts)->drbd.at, clock_.now());

  fresh_vm_is(vm_named("web1", VmState::shut_off, DiskBacking::unknown));
  ASSERT_TRUE(reader_.reread(kWeb1, 10s));
  EXPECT_EQ(host_.asked_drbd, 2);

  Vm unknown = vm_named("web1", VmState::shut_off);
  unknown.definition_known = false;
  unknown.disks.clear();
  fresh_vm_is(unknown);
  ASSERT_TRUE(reader_.reread(kWeb1, 10s));
  EXPECT_EQ(host_.asked_drbd, 3);
}

TEST_F(HostFactReaderTest, TheFreshDefinitionDecidesNotTheCachedOne) {
  host_.said_vms.reading = list_of({vm_named("web1", VmState::running, DiskBacking::local)});
  fresh_vm_is(vm_named("web1", VmState::shut_off, DiskBacking::drbd));
  ASSERT_TRUE(reader_.reread(kWeb1, 10s));
  EXPECT_EQ(host_.asked_drbd, 1);
}

TEST_F(HostFactReaderTest, ReadsDrbdAloneForAResource) {
  const auto facts = reader_.reread(kR0, 10s);
  ASSERT_TRUE(facts);
  EXPECT_TRUE(host_.asked_vms.empty());
  EXPECT_NE(find_resource(**facts, ResourceName{"r0"}), nullptr);
}

TEST_F(HostFactReaderTest, TakesNodeAndPeersAsLastSaidWithTheirAge) {
  const Tick before = clock_.now() - 2s;
  Node node;
  node.shutting_down = true;
  host_.said_node = {.reading = node, .at = before};
  host_.said_peers.push_back({.name = NodeName{"node2"}});
  const auto facts = reader_.reread(kWeb1, 10s);
  ASSERT_TRUE(facts);
  EXPECT_TRUE((*facts)->node.reading->shutting_down);
  EXPECT_EQ((*facts)->node.at, before);
  EXPECT_EQ((*facts)->peers.size(), 1U);
}

TEST_F(HostFactReaderTest, AFailedReadIsAnErrorAndNeverTheOldFacts) {
  host_.fresh_vm = {};
  const auto facts = reader_.reread(kWeb1, 10s);
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code, Errc::unavailable);
  EXPECT_EQ(facts.error().message, "read VM 'web1' again: libvirt is gone");

  fresh_vm_is(vm_named("web1", VmState::shut_off, DiskBacking::drbd));
  host_.fresh_drbd = {};
  const auto without_drbd = reader_.reread(kWeb1, 10s);
  ASSERT_FALSE(without_drbd);
  EXPECT_THAT(without_drbd.error().message, HasSubstr("DRBD is gone"));
}

TEST_F(HostFactReaderTest, AVmThatIsGoneOrRenamedIsNotMistakenForAnother) {
  host_.said_vms.reading = list_of({vm_named("db1", VmState::running)});
  EXPECT_EQ(reader_.reread(kWeb1, 10s).error().code, Errc::not_found);

  host_.said_vms.reading = list_of({vm_named("web1", VmState::running)});
  fresh_vm_is(vm_named("web9", VmState::shut_off));
  EXPECT_EQ(reader_.reread(kWeb1, 10s).error().code, Errc::conflict);

  host_.said_vms.reading = fail(Errc::unavailable, "no libvirtd");
  EXPECT_THAT(reader_.reread(kWeb1, 10s).error().message, StartsWith("read VM 'web1' again: no"));
}

TEST_F(HostFactReaderTest, GivesTheSecondReadOnlyTheTimeThatIsLeft) {
  host_.fresh_vm = [this] {
    clock_.advance(4s);
    return vm_named("web1", VmState::shut_off, DiskBacking::drbd);
  };
  ASSERT_TRUE(reader_.reread(kWeb1, 10s));
  EXPECT_EQ(host_.drbd_deadline, 6s);

  const auto late = reader_.reread(kWeb1, 4s);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timed_out);
}

TEST_F(HostFactReaderTest, KnowsNothingBeforeTheFirstSnapshot) {
  HostFactReader reader(shared_clock_, shared_host_, std::make_shared<Latest<Snapshot>>());
  EXPECT_EQ(reader.reread(kWeb1, 10s).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace upkeep
