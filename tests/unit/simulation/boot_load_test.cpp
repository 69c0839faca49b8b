#include "simulation/boot_load.h"

#include <gtest/gtest.h>

#include <cmath>

#include "simulation/node_clock.h"

namespace upkeep::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Hardware kHardware{.cores = 4, .knee = 8, .decay = 0.5, .boot_cpu = 0.1};

TEST(BootLoad, UpToTheKneeNobodyIsHeldUp) {
  EXPECT_DOUBLE_EQ(strain_of(1, kHardware).speed, 1);
  EXPECT_DOUBLE_EQ(strain_of(8, kHardware).speed, 1);
  EXPECT_DOUBLE_EQ(strain_of(4, kHardware).io_full, 0.2);
  EXPECT_DOUBLE_EQ(strain_of(8, kHardware).io_full, 0.4);
}

TEST(BootLoad, BeyondTheKneeTheDisksDoLessInAll) {
  // Twice the knee: two thirds of the throughput for twice the boots.
  EXPECT_NEAR(strain_of(16, kHardware).speed, 1.0 / 3, 1e-9);
  EXPECT_NEAR(strain_of(16, kHardware).io_full, 0.8, 1e-9);
  EXPECT_NEAR(24 * strain_of(24, kHardware).speed, 4, 1e-9);
}

TEST(BootLoad, ProcessorsAreShared) {
  constexpr Hardware kSlow{.cores = 2, .knee = 100, .decay = 0.5, .boot_cpu = 1};
  EXPECT_DOUBLE_EQ(strain_of(2, kSlow).speed, 1);
  EXPECT_DOUBLE_EQ(strain_of(4, kSlow).speed, 0.5);
  EXPECT_DOUBLE_EQ(strain_of(4, kSlow).cpu_some, 0.75);
}

TEST(BootLoad, ABootTakesItsTimeAloneAndLongerInACrowd) {
  BootLoad load(kHardware, kBegin);
  load.begin({"a"}, 30s);
  EXPECT_EQ(load.next_end(), kBegin + 30s);
  EXPECT_TRUE(load.advance(kBegin + 10s).empty());
  for (int i = 0; i < 15; ++i) load.begin({"crowd" + std::to_string(i)}, 300s);
  // Twenty seconds of work at a third of the speed.
  const auto end = load.next_end();
  ASSERT_TRUE(end.has_value());
  EXPECT_NEAR(Seconds(*end - kBegin).count(), 70, 1e-6);
  EXPECT_EQ(load.advance(*end), std::vector<VmUuid>{{"a"}});
  EXPECT_EQ(load.boots(), 15U);
}

TEST(BootLoad, PressureFollowsAsTheKernelsAverageDoes) {
  BootLoad load(kHardware, kBegin);
  for (int i = 0; i < 8; ++i) load.begin({std::to_string(i)}, 1h);
  load.advance(kBegin + 10s);
  EXPECT_NEAR(*load.pressure().io_full, 0.4 * (1 - std::exp(-1)), 1e-9);
  load.advance(kBegin + 2min);
  EXPECT_NEAR(*load.pressure().io_full, 0.4, 1e-4);
  load.clear();
  load.advance(kBegin + 4min);
  EXPECT_NEAR(*load.pressure().io_full, 0, 1e-4);
}

}  // namespace
}  // namespace upkeep::simulation
