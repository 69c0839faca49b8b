#include "platform/device_probe.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;

class DeviceProbeTest : public ::testing::Test {
 protected:
  std::string file_of(std::size_t size) {
    const auto path = folder_.path() / "device";
    std::ofstream(path) << std::string(size, 'x');
    return path.string();
  }

  test::TempDir folder_;
};

TEST_F(DeviceProbeTest, ReadsBothEnds) {
  const auto probed = probe_device(file_of(10 * 4096 + 17), 10s);
  EXPECT_TRUE(probed) << probed.error().message;
}

TEST_F(DeviceProbeTest, WhatIsTooSmallForADiskIsStorageTrouble) {
  const auto probed = probe_device(file_of(100), 10s);
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().code, Errc::storage);
}

TEST_F(DeviceProbeTest, WhatIsNotThereIsNotFound) {
  const auto probed = probe_device((folder_.path() / "nothing").string(), 10s);
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().code, Errc::not_found);
}

TEST_F(DeviceProbeTest, WhatIsNoDeviceIsInvalidAndDoesNotBlock) {
  const auto path = (folder_.path() / "fifo").string();
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const auto probed = probe_device(path, 10s);
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().code, Errc::invalid);
}

}  // namespace
}  // namespace upkeep
