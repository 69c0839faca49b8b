#include "exporter/sources/hypervisor/disk_prober.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <memory>
#include <semaphore>
#include <set>
#include <string>
#include <thread>

namespace upkeep {
namespace {

using std::chrono::seconds;

const Backing kShared{DiskBacking::shared, {}};
const Backing kMissing{DiskBacking::missing, {}};
constexpr Duration kLong = seconds(10);

/// /hang… blocks until released; /missing is missing; everything else is shared.
struct World {
  std::promise<void> release;
  std::shared_future<void> released{release.get_future()};
  std::atomic<int> probes{0};
  std::atomic<int> hanging{0};
};

/// The finder owns its world: a stuck thread outlives its prober, and its test.
BackingFinder finder_in(std::shared_ptr<World> world) {
  return BackingFinder("/nowhere",
                       [world](const std::string& path) -> std::expected<FileStatus, int> {
                         ++world->probes;
                         if (path.starts_with("/hang")) {
                           ++world->hanging;
                           world->released.wait();
                         }
                         if (path == "/missing") return std::unexpected(ENOENT);
                         return FileStatus{FileStatus::Kind::block_device, 43, 0};
                       });
}

void wait_for_hanging(const World& world, int count) {
  while (world.hanging < count) std::this_thread::yield();
}

TEST(DiskProber, APathIsUnknownUntilItWasLookedAt) {
  const auto world = std::make_shared<World>();
  DiskProber prober(finder_in(world), [] {});
  EXPECT_EQ(prober.backing_of("/dev/nbd0"), Backing{});
  prober.watch({"/dev/nbd0", "/missing"}, Tick{});
  prober.settle(kLong);
  EXPECT_EQ(prober.backing_of("/dev/nbd0"), kShared);
  EXPECT_EQ(prober.backing_of("/missing"), kMissing);
}

TEST(DiskProber, NewsAreToldOnceAndAnAnswerIsLookedAtAgainWhenItIsOld) {
  const auto world = std::make_shared<World>();
  std::counting_semaphore<10> told(0);
  DiskProber prober(finder_in(world), [&told] { told.release(); });
  prober.watch({"/dev/nbd0"}, Tick{});
  ASSERT_TRUE(told.try_acquire_for(kLong));
  prober.watch({"/dev/nbd0"}, Tick{} + seconds(1));
  prober.watch({"/dev/nbd0", "/missing"}, Tick{} + DiskProber::kMaxAge);
  ASSERT_TRUE(told.try_acquire_for(kLong)) << "of /missing";
  EXPECT_EQ(world->probes, 3) << "/dev/nbd0 twice, once in its time";
  EXPECT_FALSE(told.try_acquire()) << "nothing new about /dev/nbd0";
}

TEST(DiskProber, AHangingPathIsUnknownAndHoldsUpNoOther) {
  const auto world = std::make_shared<World>();
  DiskProber prober(finder_in(world), [] {});
  prober.watch({"/hang"}, Tick{});
  wait_for_hanging(*world, 1);
  const Tick later = Tick{} + DiskProber::kPatience + seconds(1);
  prober.watch({"/dev/nbd0", "/hang"}, later);
  prober.settle(kLong);
  EXPECT_EQ(prober.backing_of("/dev/nbd0"), kShared);
  EXPECT_EQ(prober.backing_of("/hang"), Backing{});
  prober.watch({"/dev/nbd0", "/hang", "/missing"}, later + seconds(600));
  prober.settle(kLong);
  EXPECT_EQ(prober.backing_of("/missing"), kMissing);
  EXPECT_EQ(world->hanging, 1) << "nobody else gets stuck on the same path";
  world->release.set_value();
}

TEST(DiskProber, APathThatStopsHangingIsKnownAgain) {
  const auto world = std::make_shared<World>();
  std::counting_semaphore<10> told(0);
  DiskProber prober(finder_in(world), [&told] { told.release(); });
  prober.watch({"/hang"}, Tick{});
  wait_for_hanging(*world, 1);
  prober.watch({"/hang"}, Tick{} + DiskProber::kPatience + seconds(1));
  EXPECT_EQ(prober.backing_of("/hang"), Backing{});
  world->release.set_value();
  ASSERT_TRUE(told.try_acquire_for(kLong));
  EXPECT_EQ(prober.backing_of("/hang"), kShared);
}

TEST(DiskProber, WithTooManyPathsHangingOldAnswersAreForgotten) {
  const auto world = std::make_shared<World>();
  DiskProber prober(finder_in(world), [] {});
  std::set<std::string> paths{"/dev/nbd0"};
  Tick now{};
  prober.watch(paths, now);
  prober.settle(kLong);
  for (int i = 1; i <= DiskProber::kMaxStuck + 1; ++i) {
    now += DiskProber::kPatience + std::chrono::milliseconds(1);
    paths.insert("/hang" + std::to_string(i));
    prober.watch(paths, now);
    wait_for_hanging(*world, i);
  }
  EXPECT_EQ(prober.backing_of("/dev/nbd0"), kShared);
  now += DiskProber::kForgetAfter + seconds(1);
  prober.watch(paths, now);
  EXPECT_EQ(prober.backing_of("/dev/nbd0"), Backing{});
  world->release.set_value();
}

TEST(DiskProber, IsGoneAtOnceWhileAPathHangs) {
  const auto world = std::make_shared<World>();
  const auto before = std::chrono::steady_clock::now();
  {
    DiskProber prober(finder_in(world), [] {});
    prober.watch({"/hang"}, Tick{});
    wait_for_hanging(*world, 1);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(5));
  world->release.set_value();
}

}  // namespace
}  // namespace upkeep
