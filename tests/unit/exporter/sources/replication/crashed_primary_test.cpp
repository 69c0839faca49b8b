#include "exporter/sources/replication/crashed_primary.h"

#include <gtest/gtest.h>

#include <atomic>

#include "fake_drbd.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;

// drbdadm get-gi, 8.4.11 and drbd-utils 9.22; the flag set by hand.
const std::string kClean84 =
    "44B61F2A22BD34B9:0000000000000000:0C6E35D90CBB740D:0C6D35D90CBB740D:1:1:1:1:0:0:0\n";
const std::string kCrashed84 =
    "44B61F2A22BD34B9:0000000000000000:0C6E35D90CBB740D:0C6D35D90CBB740D:1:1:0:0:0:0:1\n";
// drbdadm show-gi, 9.2.18 and drbd-utils 9.22; the flag set by hand.
const std::string kClean9 =
    "ACE05B77F8F907E7:0000000000000000:DF8C591D9DEDBB1A:51B8E415AE8C2AEC:1:1:1:0:0:0:0:1:0:0:0:1";
const std::string kCrashed9 =
    "ACE05B77F8F907E7:0000000000000000:DF8C591D9DEDBB1A:51B8E415AE8C2AEC:1:1:1:1:0:0:0:1:0:0:0:1";

TEST(CrashedPrimary, IsTheLastFlagOf84AndTheFourthOf9) {
  EXPECT_EQ(parse_crashed_primary(kClean84, true), false);
  EXPECT_EQ(parse_crashed_primary(kCrashed84, true), true);
  EXPECT_EQ(parse_crashed_primary(kClean9, false), false);
  EXPECT_EQ(parse_crashed_primary(kCrashed9, false), true);
}

TEST(CrashedPrimary, AnotherFormIsNotKnown) {
  EXPECT_FALSE(parse_crashed_primary(kClean84, false)) << "flags of another version";
  EXPECT_FALSE(parse_crashed_primary(kClean9, true));
  for (const char* text :
       {"", "r0: No such resource", "The get-gi command requires the --node-id option",
        "44B61F2A22BD34B9:0:0:0:1:1:0:0:0:0:1", "::::::::::",
        "44B61F2A22BD34B9:0000000000000000:0C6E35D90CBB740D:0C6D35D90CBB740D:1:1:0:0:0:0:2"}) {
    EXPECT_FALSE(parse_crashed_primary(text, true)) << text;
  }
}

Drbd waiting(const std::string& connection = "Connecting", const std::string& role = "Secondary",
             const std::string& disk = "UpToDate") {
  Drbd drbd;
  drbd.module_loaded = true;
  drbd.kernel_version = "8.4.11";
  DrbdResource r0;
  r0.name = ResourceName{"r0"};
  r0.in_kernel = true;
  r0.role = stated(kDrbdRoles, role);
  DrbdDevice device;
  device.minor = DeviceMinor{10};
  device.disk = stated(kDrbdDisks, disk);
  r0.devices.push_back(device);
  DrbdPeer peer;
  peer.connection = stated(kDrbdConnections, connection);
  r0.peers.push_back(peer);
  drbd.resources.push_back(r0);
  return drbd;
}

class CrashedPrimaryWatchTest : public ::testing::Test {
 protected:
  CrashedPrimaryWatchTest() {
    fake_.write("proc/drbd", "version: 8.4.11 (api:1/proto:86-101)\n");
    fake_.write("gi", kCrashed84);
    fake_.drbdsetup("exit 1");
  }
  std::optional<bool> known(const Drbd& drbd) const {
    Drbd copy = drbd;
    watch_.complete(copy);
    return copy.resources[0].devices[0].crashed_primary;
  }
  void wait_for(int answers) {
    for (int seen = answers_.load(); seen < answers; seen = answers_.load()) answers_.wait(seen);
  }
  [[nodiscard]] std::vector<std::string> asked() const { return fake_.calls("get-gi"); }

  FakeDrbd fake_;
  std::atomic<int> answers_ = 0;
  CrashedPrimaryWatch watch_{fake_.options(), [this] {
                               ++answers_;
                               answers_.notify_all();
                             }};
};

TEST_F(CrashedPrimaryWatchTest, AsksOnceForEachState) {
  watch_.look(waiting());
  wait_for(1);
  EXPECT_EQ(known(waiting()), true);
  watch_.look(waiting());
  fake_.write("gi", kClean84);
  watch_.look(waiting("Connecting", "Secondary", "Outdated"));
  wait_for(2);
  EXPECT_EQ(known(waiting("Connecting", "Secondary", "Outdated")), false);
  EXPECT_EQ(asked(), (std::vector<std::string>{"get-gi 10", "get-gi 10"}));
}

TEST_F(CrashedPrimaryWatchTest, SaysNothingOfAStateItWasNotAskedAbout) {
  watch_.look(waiting());
  wait_for(1);
  EXPECT_FALSE(known(waiting("Connected")));
  EXPECT_FALSE(known(waiting("Connecting", "Primary")));
  EXPECT_FALSE(known(waiting("Connecting", "Secondary", "Inconsistent")));
}

TEST_F(CrashedPrimaryWatchTest, AsksOnlyWhereItMatters) {
  watch_.look(waiting("Connected"));
  watch_.look(waiting("Connecting", "Primary"));
  watch_.look(waiting("Connecting", "Secondary", "Diskless"));
  Drbd down = waiting();
  down.resources[0].in_kernel = false;
  watch_.look(down);
  watch_.look(waiting("StandAlone"));
  wait_for(1);
  EXPECT_EQ(asked().size(), 1U) << "only the last";
}

TEST_F(CrashedPrimaryWatchTest, Asks9ByResourcePeerAndVolume) {
  fake_.write("gi", kCrashed9);
  Drbd drbd = waiting();
  drbd.kernel_version = "9.2.18";
  drbd.resources[0].peers[0].node_id = 1;
  watch_.look(drbd);
  wait_for(1);
  EXPECT_EQ(asked(), std::vector<std::string>{"get-gi r0 1 0"});
  EXPECT_EQ(known(drbd), true);
}

}  // namespace
}  // namespace upkeep
