#include "exporter/sources/replication/missing_backing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_drbd.h"

namespace upkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

DrbdResource down() {
  DrbdResource resource;
  resource.name = {"r0"};
  resource.configured = true;
  return resource;
}

DrbdResource with_disk(std::string_view state) {
  DrbdResource resource = down();
  resource.in_kernel = true;
  DrbdDevice device;
  device.disk = stated(kDrbdDisks, state);
  resource.devices = {device};
  return resource;
}

class MissingBackingTest : public ::testing::Test {
 protected:
  MissingBackingTest() {
    DrbdResourceOptions options;
    options.backing = {{{0}, "/dev/vg0/r0"}};
    config_.resources = DrbdResourceOptionsByName{{{"r0"}, options}};
  }
  std::vector<MissingBacking> missing_of(const DrbdResource& resource) {
    Drbd drbd;
    drbd.resources = {resource};
    note_missing_backing(config_, fake_.options().root, drbd);
    return drbd.resources.front().missing_backing;
  }
  void configure(const std::string& path) { config_.resources->at({"r0"}).backing = {{{0}, path}}; }

  FakeDrbd fake_;
  DrbdConfig config_;
};

const MissingBacking kMissing{.volume = {0}, .path = "/dev/vg0/r0"};

TEST_F(MissingBackingTest, IsSeenUntilTheDeviceIsThere) {
  const DrbdResource diskless = with_disk("Diskless");
  EXPECT_THAT(missing_of(diskless), ElementsAre(kMissing));
  fake_.write("dev/vg0/r0", "");
  EXPECT_THAT(missing_of(diskless), IsEmpty());
}

TEST_F(MissingBackingTest, IsSeenOfAResourceThatIsNotUp) {
  EXPECT_THAT(missing_of(down()), ElementsAre(kMissing));
}

TEST_F(MissingBackingTest, IsALinkThatLeadsNowhere) {
  std::filesystem::create_directories(fake_.options().root / "dev/vg0");
  std::filesystem::create_symlink("../dm-7", fake_.options().root / "dev/vg0/r0");
  EXPECT_THAT(missing_of(down()), ElementsAre(kMissing));
  fake_.write("dev/dm-7", "");
  EXPECT_THAT(missing_of(down()), IsEmpty());
}

TEST_F(MissingBackingTest, IsNothingOfAnAttachedDisk) {
  EXPECT_THAT(missing_of(with_disk("UpToDate")), IsEmpty());
}

TEST_F(MissingBackingTest, IsNothingThatCannotBeTold) {
  const DrbdResource diskless = with_disk("Diskless");
  configure("none");
  EXPECT_THAT(missing_of(diskless), IsEmpty());
  configure("/srv/nfs/r0");
  EXPECT_THAT(missing_of(diskless), IsEmpty()) << "a file system may hang";
  fake_.write("dev/vg0", "a file");
  configure("/dev/vg0/r0");
  EXPECT_THAT(missing_of(diskless), ElementsAre(kMissing)) << "ENOTDIR is as good as ENOENT";
  config_.resources = fail(Errc::unavailable, "drbdadm does not answer");
  EXPECT_THAT(missing_of(diskless), IsEmpty());
}

}  // namespace
}  // namespace upkeep
