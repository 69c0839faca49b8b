#include "simulation/replication.h"

#include <gtest/gtest.h>

#include "simulation/node_clock.h"

namespace upkeep::simulation {
namespace {

using namespace std::chrono_literals;

const ResourceName kName{"r0"};

/// One resource between two nodes, up on both.
class ReplicationTest : public ::testing::Test {
 protected:
  void use(const std::string& version) {
    disks_ = Replication({.nodes = {{"node1"}, {"node2"}}, .version = version});
    disks_.add(kName, {10}, {0, 1});
    disks_.advance(kBegin, kBeginWall);
    ASSERT_TRUE(disks_.bring_up(0, kName));
    ASSERT_TRUE(disks_.bring_up(1, kName));
  }
  void SetUp() override { use("9.2.18"); }

  [[nodiscard]] DrbdResource seen(NodeIndex node) const {
    return disks_.reading(node).resources.at(0);
  }
  void pass(Duration time) { disks_.advance(kBegin + time, kBeginWall + time); }
  void crash_and_return(NodeIndex node) {
    disks_.node_down(node);
    ASSERT_TRUE(disks_.bring_up(node, kName));
  }

  Replication disks_{{.nodes = {}}};
};

TEST_F(ReplicationTest, TwoSidesThatAreUpAreConnected) {
  EXPECT_EQ(seen(0).peers.at(0).connection, DrbdConnection::connected);
  EXPECT_EQ(seen(1).peers.at(0).name.value, "node1");
  EXPECT_EQ(seen(1).devices.at(0).disk, DrbdDisk::up_to_date);
}

TEST_F(ReplicationTest, NineIsPromotedByItsGuestAndNeverTwice) {
  ASSERT_TRUE(disks_.open(0, kName));
  EXPECT_EQ(seen(1).peers.at(0).role, DrbdRole::primary);
  EXPECT_FALSE(disks_.open(1, kName));
  disks_.close(0, kName);
  EXPECT_EQ(seen(0).role, DrbdRole::secondary);
}

TEST_F(ReplicationTest, EightFourMustBePromotedFirstAndStaysSo) {
  use("8.4.11");
  EXPECT_FALSE(disks_.open(0, kName));
  ASSERT_TRUE(disks_.promote(0, kName));
  ASSERT_TRUE(disks_.open(0, kName));
  EXPECT_EQ(disks_.demote(0, kName).error().code, Errc::conflict);
  disks_.close(0, kName);
  EXPECT_EQ(seen(0).role, DrbdRole::primary);
  EXPECT_TRUE(disks_.demote(0, kName));
}

TEST_F(ReplicationTest, ACrashedPrimaryIsSyncedFrom) {
  ASSERT_TRUE(disks_.open(0, kName));
  disks_.node_down(0);
  EXPECT_FALSE(seen(0).in_kernel);
  EXPECT_EQ(seen(1).peers.at(0).connection, DrbdConnection::connecting);
  ASSERT_TRUE(disks_.bring_up(0, kName));
  EXPECT_EQ(seen(1).devices.at(0).disk, DrbdDisk::inconsistent);
  EXPECT_EQ(seen(0).peers.at(0).devices.at(0).replication, DrbdReplication::sync_source);
  ASSERT_EQ(disks_.next_end(), kBegin + 5s);
  pass(5s);
  EXPECT_EQ(seen(1).devices.at(0).disk, DrbdDisk::up_to_date);
}

TEST_F(ReplicationTest, BothWroteAloneIsASplitBrainUntilAPersonDecides) {
  ASSERT_TRUE(disks_.open(0, kName));
  disks_.cut(kName, true);
  ASSERT_TRUE(disks_.open(1, kName));
  disks_.cut(kName, false);
  EXPECT_EQ(seen(0).peers.at(0).connection, DrbdConnection::stand_alone);
  EXPECT_TRUE(seen(1).split_brain.has_value());
  disks_.close(1, kName);
  disks_.resolve(kName, 1);
  EXPECT_EQ(seen(1).devices.at(0).disk, DrbdDisk::inconsistent);
  pass(5s);
  EXPECT_EQ(seen(1).devices.at(0).disk, DrbdDisk::up_to_date);
  EXPECT_FALSE(seen(1).split_brain.has_value());
}

TEST_F(ReplicationTest, WhoMissedWritesIsSynced) {
  disks_.cut(kName, true);
  ASSERT_TRUE(disks_.open(1, kName));
  disks_.cut(kName, false);
  EXPECT_EQ(seen(0).devices.at(0).disk, DrbdDisk::inconsistent);
  crash_and_return(0);
  EXPECT_EQ(seen(0).devices.at(0).disk, DrbdDisk::inconsistent) << "half a resync is none";
  pass(10s);
  EXPECT_EQ(seen(0).devices.at(0).disk, DrbdDisk::up_to_date);
}

TEST_F(ReplicationTest, NothingUpIsAModuleThatIsNotLoaded) {
  disks_.node_down(0);
  EXPECT_FALSE(disks_.reading(0).module_loaded);
  EXPECT_TRUE(disks_.reading(0).kernel_version.empty());
}

}  // namespace
}  // namespace upkeep::simulation
