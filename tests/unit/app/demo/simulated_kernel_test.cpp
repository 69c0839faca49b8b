#include "app/demo/simulated_kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "exporter/sources/replication/drbd_state.h"

namespace upkeep {
namespace {

using testing::IsEmpty;

const ResourceName kDb1{"db1"};

/// The kernel, read by the parser that reads real ones.
class SimulatedKernelTest : public testing::Test {
 protected:
  SimulatedKernelTest() {
    state_.begin_dump();
    read(kernel_.dump());
  }

  void read(const SimulatedKernel::Lines& lines) {
    for (const std::string& line : lines) {
      const AppliedLine applied = state_.apply(line, {});
      EXPECT_THAT(applied.unparsed, IsEmpty()) << line;
    }
  }
  void read(const Result<SimulatedKernel::Lines>& lines) {
    ASSERT_TRUE(lines);
    read(*lines);
  }
  DrbdResource db1() {
    const Drbd drbd = state_.drbd();
    const auto found = std::ranges::find(drbd.resources, kDb1, &DrbdResource::name);
    return found == drbd.resources.end() ? DrbdResource{} : *found;
  }

  SimulatedKernel kernel_{{{.name = kDb1, .minor = {7}}}};
  DrbdState state_{"8.4.11"};
};

TEST_F(SimulatedKernelTest, BeginsWithNothingUp) {
  EXPECT_TRUE(state_.complete());
  EXPECT_THAT(state_.drbd().resources, IsEmpty());
  EXPECT_FALSE(kernel_.is_up(kDb1));
}

TEST_F(SimulatedKernelTest, ComesUpWaitsForThePeerAndConnects) {
  read(kernel_.adjust(kDb1));
  EXPECT_TRUE(db1().in_kernel);
  EXPECT_EQ(db1().role, DrbdRole::secondary);
  ASSERT_EQ(db1().devices.size(), 1U);
  EXPECT_EQ(db1().devices[0].minor, DeviceMinor{7});
  EXPECT_EQ(db1().devices[0].disk, DrbdDisk::up_to_date);
  ASSERT_EQ(db1().peers.size(), 1U);
  EXPECT_EQ(db1().peers[0].connection, DrbdConnection::connecting);

  read(kernel_.connected(kDb1));
  EXPECT_EQ(db1().peers[0].connection, DrbdConnection::connected);
  EXPECT_EQ(db1().peers[0].role, DrbdRole::secondary);
  EXPECT_EQ(db1().peers[0].devices.at(0).peer_disk, DrbdDisk::up_to_date);
  EXPECT_FALSE(kernel_.is_resyncing(kDb1));
}

TEST_F(SimulatedKernelTest, AdjustChangesNothingThatIsUp) {
  read(kernel_.adjust(kDb1));
  const auto again = kernel_.adjust(kDb1);
  ASSERT_TRUE(again);
  EXPECT_THAT(*again, IsEmpty());
}

TEST_F(SimulatedKernelTest, ACrashedPrimaryResyncsItsPeerFirst) {
  read(kernel_.adjust(kDb1));
  read(kernel_.connected(kDb1));
  read(kernel_.promote(kDb1));
  EXPECT_EQ(db1().role, DrbdRole::primary);

  kernel_.power_cut();
  EXPECT_FALSE(kernel_.is_up(kDb1));
  state_ = DrbdState("8.4.11");
  state_.begin_dump();
  read(kernel_.dump());
  EXPECT_THAT(state_.drbd().resources, IsEmpty());

  read(kernel_.adjust(kDb1));
  EXPECT_EQ(db1().role, DrbdRole::secondary);
  read(kernel_.connected(kDb1));
  EXPECT_EQ(db1().peers[0].devices.at(0).replication, DrbdReplication::sync_source);
  EXPECT_GT(db1().peers[0].devices.at(0).out_of_sync.value_or(Bytes{}), Bytes{});
  read(kernel_.resynced(kDb1));
  EXPECT_EQ(db1().peers[0].devices.at(0).replication, DrbdReplication::established);
  EXPECT_EQ(db1().peers[0].devices.at(0).out_of_sync, Bytes{0});
}

TEST_F(SimulatedKernelTest, ACutLinkWaitsForThePeer) {
  read(kernel_.adjust(kDb1));
  EXPECT_FALSE(kernel_.cut_link(kDb1)) << "it is not connected yet";
  read(kernel_.connected(kDb1));
  read(kernel_.cut_link(kDb1));
  EXPECT_EQ(db1().peers[0].connection, DrbdConnection::connecting);
  EXPECT_TRUE(kernel_.is_connecting(kDb1));
}

TEST_F(SimulatedKernelTest, RefusesWhatARealOneRefuses) {
  EXPECT_EQ(kernel_.adjust(ResourceName{"nope"}).error().code, Errc::not_found);
  EXPECT_FALSE(kernel_.promote(kDb1)) << "it is down";
  EXPECT_FALSE(kernel_.demote(kDb1)) << "it is down";
  EXPECT_THAT(kernel_.connected(kDb1), IsEmpty()) << "it is down";
}

TEST_F(SimulatedKernelTest, DumpsWhatIsUp) {
  read(kernel_.adjust(kDb1));
  read(kernel_.connected(kDb1));
  read(kernel_.promote(kDb1));
  const DrbdResource before = db1();
  state_.begin_dump();
  read(kernel_.dump());
  EXPECT_EQ(db1(), before);
}

}  // namespace
}  // namespace upkeep
