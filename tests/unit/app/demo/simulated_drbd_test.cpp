#include "app/demo/simulated_drbd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

const ResourceName kDb1{"db1"};
const ResourceName kDb2{"db2"};

class Listener final : public SourceListener {
 public:
  void published(SourceKind /*source*/) override {
    const std::scoped_lock lock(mutex_);
    changed_.notify_all();
  }
  void vm_event(const VmEvent& /*event*/) override { ADD_FAILURE(); }
  void drbd_event(const DrbdEvent& event) override {
    const std::scoped_lock lock(mutex_);
    events_.push_back(event);
  }
  void read_finished(SourceKind /*source*/, Duration /*took*/, bool /*succeeded*/) override {}
  void unparsed(SourceKind /*source*/, std::string_view what) override { ADD_FAILURE() << what; }

  /// Waits, a publication at a time, until `done`.
  [[nodiscard]] bool wait_until(const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, done);
  }
  [[nodiscard]] std::vector<DrbdEvent> events() {
    const std::scoped_lock lock(mutex_);
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<DrbdEvent> events_;
};

class SimulatedDrbdTest : public testing::Test {
 protected:
  SimulatedDrbdTest() { drbd_.start(); }

  DrbdResource db1() {
    const auto reading = drbd_.read_now();
    const auto& resources = (*reading)->resources;
    return *std::ranges::find(resources, kDb1, &DrbdResource::name);
  }
  /// As `latest` has it.
  [[nodiscard]] bool seen_db1(const std::function<bool(const DrbdResource&)>& is_so) {
    return listener_.wait_until([&] {
      const auto latest = drbd_.latest();
      if (!latest.reading) return false;
      const auto found = std::ranges::find((*latest.reading)->resources, kDb1, &DrbdResource::name);
      return found != (*latest.reading)->resources.end() && is_so(*found);
    });
  }
  [[nodiscard]] bool seen_connected() {
    return seen_db1([](const DrbdResource& resource) {
      return !resource.peers.empty() &&
             resource.peers.front().connection == DrbdConnection::connected;
    });
  }

  SystemClock clock_;
  Listener listener_;
  SimulatedDrbd drbd_{{.resources = {{kDb1, {0}}, {kDb2, {1}}},
                       .connect_after = 20ms,
                       .resync_for = 20ms,
                       .reread_every = 20ms},
                      clock_,
                      listener_};
};

TEST_F(SimulatedDrbdTest, BeginsAsAHealthyPairAndSaysThatItIsNotReal) {
  ASSERT_TRUE(seen_connected());
  const auto reading = drbd_.read_now();
  ASSERT_TRUE(reading);
  EXPECT_TRUE((*reading)->simulated);
  EXPECT_EQ((*reading)->kernel_version, "8.4.11");
  EXPECT_EQ(db1().role, DrbdRole::primary);
  EXPECT_EQ(db1().configured, true);
  EXPECT_EQ(db1().devices.at(0).disk, DrbdDisk::up_to_date);
  EXPECT_EQ(db1().peers.at(0).name.value, "node2") << "as if from its configuration";
  EXPECT_THAT(listener_.events(), IsEmpty());
}

TEST_F(SimulatedDrbdTest, ReadingsStayFresh) {
  ASSERT_TRUE(seen_connected());
  const Tick first = drbd_.latest().at;
  EXPECT_TRUE(listener_.wait_until([&] { return drbd_.latest().at > first; }));
}

TEST_F(SimulatedDrbdTest, AfterAPowerCutResourcesAreConfiguredAndDown) {
  drbd_.power_cut();
  EXPECT_FALSE(db1().in_kernel);
  EXPECT_EQ(db1().configured, true);
  EXPECT_TRUE(seen_db1([](const DrbdResource& resource) { return !resource.in_kernel; }));
}

TEST_F(SimulatedDrbdTest, ComesUpTheWayARealOneDoes) {
  drbd_.power_cut();
  const auto commands = drbd_.dry_run_adjust(kDb1, AdjustScope::everything, 1s);
  ASSERT_TRUE(commands);
  EXPECT_THAT(
      *commands,
      ElementsAre(StartsWith("drbdsetup-84 new-resource db1"),
                  StartsWith("drbdsetup-84 new-minor db1 0"), StartsWith("drbdmeta 0 v08"),
                  StartsWith("drbdsetup-84 attach 0"), StartsWith("drbdsetup-84 connect db1")));
  ASSERT_TRUE(drbd_.adjust(kDb1, AdjustScope::everything, 1s));
  EXPECT_TRUE(db1().in_kernel);
  EXPECT_EQ(db1().role, DrbdRole::secondary);
  EXPECT_TRUE(seen_connected()) << "the other node answers by itself";
  EXPECT_TRUE(seen_db1([](const DrbdResource& resource) {
    const auto& peer = resource.peers.at(0);
    return !peer.devices.empty() && peer.devices[0].replication == DrbdReplication::established;
  })) << "and what the crash left behind is resynced";
  EXPECT_EQ(drbd_.dry_run_adjust(kDb1, AdjustScope::everything, 1s), std::vector<std::string>{});

  ASSERT_TRUE(drbd_.promote(kDb1, 1s));
  EXPECT_EQ(db1().role, DrbdRole::primary);
  ASSERT_TRUE(drbd_.demote(kDb1, 1s));
  EXPECT_EQ(db1().role, DrbdRole::secondary);
}

TEST_F(SimulatedDrbdTest, ACutLinkStaysCutUntilItIsMended) {
  ASSERT_TRUE(drbd_.cut_link(kDb1));
  EXPECT_EQ(db1().peers.at(0).connection, DrbdConnection::connecting);
  ASSERT_FALSE(listener_.events().empty());
  EXPECT_EQ(listener_.events().front().peer.value, "node2");
  EXPECT_FALSE(drbd_.cut_link(kDb1));
  ASSERT_TRUE(drbd_.mend_link(kDb1));
  EXPECT_TRUE(seen_connected());
  EXPECT_FALSE(drbd_.mend_link(kDb1));
}

TEST_F(SimulatedDrbdTest, KnowsItsResourcesOnly) {
  const ResourceName nope{"nope"};
  EXPECT_EQ(drbd_.adjust(nope, AdjustScope::everything, 1s).error().code, Errc::not_found);
  EXPECT_EQ(drbd_.dry_run_adjust(nope, AdjustScope::everything, 1s).error().code, Errc::not_found);
  EXPECT_EQ(drbd_.cut_link(nope).error().code, Errc::not_found);
  EXPECT_EQ(drbd_.mend_link(nope).error().code, Errc::not_found);
}

}  // namespace
}  // namespace upkeep
