#include "exporter/sources/hypervisor/disk_backing.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "exporter/sources/hypervisor/mounts.h"
#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;

/// A host made of a sysfs tree in a temporary folder, a mountinfo and a table of paths.
class DiskBackingTest : public testing::Test {
 protected:
  DiskBackingTest() {
    std::string pattern = testing::TempDir() + "backing.XXXXXX";
    root_ = mkdtemp(pattern.data());
    mount("8:1 / /", "ext4 /dev/sda1 rw");
    disk("8:0", "devices/pci0000:00/ata1/host0/target0:0:0/0:0:0:0/block/sda");
    disk("8:1", "devices/pci0000:00/ata1/host0/target0:0:0/0:0:0:0/block/sda/sda1");
    write(place("8:1") / "partition", "1");
  }
  ~DiskBackingTest() override { fs::remove_all(root_); }

  static void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  }

  void mount(const std::string& device_and_point, const std::string& rest) {
    fs::create_directories(root_ / "proc/self");
    std::ofstream file(root_ / "proc/self/mountinfo", std::ios::app);
    file << "21 20 " << device_and_point << " rw,relatime shared:1 - " << rest << "\n";
  }

  [[nodiscard]] fs::path place(const std::string& number) const {
    return root_ / places_.at(number);
  }

  void disk(const std::string& number, const std::string& where,
            const std::vector<std::string>& slaves = {}) {
    const fs::path device = root_ / "sys" / where;
    places_[number] = fs::path("sys") / where;
    write(device / "dev", number);
    fs::create_directories(root_ / "sys/dev/block");
    fs::create_directory_symlink(device, root_ / "sys/dev/block" / number);
    fs::create_directories(device / "slaves");
    for (const std::string& slave : slaves) {
      fs::create_directory_symlink(place(slave), device / "slaves" / place(slave).filename());
    }
  }

  void block(const std::string& path, std::uint32_t major, std::uint32_t minor) {
    paths_[path] = {FileStatus::Kind::block_device, major, minor};
  }
  void file(const std::string& path, std::uint32_t major, std::uint32_t minor) {
    paths_[path] = {FileStatus::Kind::file, major, minor};
  }

  [[nodiscard]] Backing backing_of(const std::string& path) {
    return BackingFinder(root_,
                         [this](const std::string& asked) -> std::expected<FileStatus, int> {
                           touched_.insert(asked);
                           const auto found = paths_.find(asked);
                           if (found == paths_.end()) return std::unexpected(error_);
                           return found->second;
                         })
        .backing_of(path);
  }

  static Backing drbd(std::initializer_list<std::uint32_t> minors) {
    Backing backing{DiskBacking::drbd, {}};
    for (const std::uint32_t minor : minors) backing.drbd.push_back({minor});
    return backing;
  }

  fs::path root_;
  std::map<std::string, fs::path> places_;
  std::map<std::string, FileStatus> paths_;
  std::set<std::string> touched_;
  int error_ = ENOENT;
};

const Backing kLocal{DiskBacking::local, {}};
const Backing kShared{DiskBacking::shared, {}};
const Backing kUnknown{DiskBacking::unknown, {}};
const Backing kMissing{DiskBacking::missing, {}};

TEST_F(DiskBackingTest, ADrbdDeviceIsKnownByItsMajorNumber) {
  block("/dev/drbd/by-res/r0/0", 147, 7);
  EXPECT_EQ(backing_of("/dev/drbd/by-res/r0/0"), drbd({7}));
}

TEST_F(DiskBackingTest, AFileOnTheNodesOwnDiskIsLocal) {
  file("/var/lib/libvirt/images/web1.img", 8, 1);
  EXPECT_EQ(backing_of("/var/lib/libvirt/images/web1.img"), kLocal);
}

TEST_F(DiskBackingTest, ALocalPartitionAndALocalDiskAreLocal) {
  block("/dev/sda1", 8, 1);
  block("/dev/sda", 8, 0);
  EXPECT_EQ(backing_of("/dev/sda1"), kLocal);
  EXPECT_EQ(backing_of("/dev/sda"), kLocal);
}

TEST_F(DiskBackingTest, LvmOnLuksOnDrbdIsDrbd) {
  disk("147:3", "devices/virtual/block/drbd3");
  disk("253:0", "devices/virtual/block/dm-0", {"147:3"});
  disk("253:1", "devices/virtual/block/dm-1", {"253:0"});
  block("/dev/vg0/web1", 253, 1);
  EXPECT_EQ(backing_of("/dev/vg0/web1"), drbd({3}));
}

TEST_F(DiskBackingTest, AVolumeGroupOverSeveralDrbdDevicesNamesThemAll) {
  disk("147:9", "devices/virtual/block/drbd9");
  disk("147:3", "devices/virtual/block/drbd3");
  disk("253:0", "devices/virtual/block/dm-0", {"147:9", "147:3"});
  block("/dev/vg0/web1", 253, 0);
  EXPECT_EQ(backing_of("/dev/vg0/web1"), drbd({3, 9}));
}

TEST_F(DiskBackingTest, AFileOnAFileSystemOnDrbdIsDrbd) {
  disk("147:3", "devices/virtual/block/drbd3");
  mount("147:3 / /srv/vm", "ext4 /dev/drbd3 rw");
  file("/srv/vm/web1.qcow2", 147, 3);
  EXPECT_EQ(backing_of("/srv/vm/web1.qcow2"), drbd({3}));
}

TEST_F(DiskBackingTest, APartitionOfADrbdDeviceIsDrbd) {
  disk("147:3", "devices/virtual/block/drbd3");
  disk("259:0", "devices/virtual/block/drbd3/drbd3p1");
  write(place("259:0") / "partition", "1");
  block("/dev/drbd3p1", 259, 0);
  EXPECT_EQ(backing_of("/dev/drbd3p1"), drbd({3}));
}

TEST_F(DiskBackingTest, ALoopDeviceIsWhatItsFileIs) {
  disk("147:3", "devices/virtual/block/drbd3");
  mount("147:3 / /srv/vm", "ext4 /dev/drbd3 rw");
  file("/srv/vm/web1.img", 147, 3);
  disk("7:0", "devices/virtual/block/loop0");
  write(place("7:0") / "loop/backing_file", "/srv/vm/web1.img");
  block("/dev/loop0", 7, 0);
  EXPECT_EQ(backing_of("/dev/loop0"), drbd({3}));
}

TEST_F(DiskBackingTest, IscsiAndFibreChannelDisksAreSharedAlsoBelowMultipathAndLvm) {
  disk("8:16", "devices/platform/host3/session1/target3:0:0/3:0:0:0/block/sdb");
  disk("8:32", "devices/pci0000:00/0000:00:03.0/host1/rport-1:0-0/target1:0:0/block/sdc");
  disk("253:0", "devices/virtual/block/dm-0", {"8:16"});
  disk("253:1", "devices/virtual/block/dm-1", {"8:32"});
  disk("253:2", "devices/virtual/block/dm-2", {"253:1"});
  block("/dev/mapper/mpatha", 253, 0);
  block("/dev/vg0/web1", 253, 2);
  EXPECT_EQ(backing_of("/dev/mapper/mpatha"), kShared);
  EXPECT_EQ(backing_of("/dev/vg0/web1"), kShared);
}

TEST_F(DiskBackingTest, NetworkBlockDevicesAreShared) {
  disk("251:0", "devices/rbd/0/block/rbd0");
  block("/dev/rbd0", 251, 0);
  block("/dev/nbd0", 43, 0);
  EXPECT_EQ(backing_of("/dev/rbd0"), kShared);
  EXPECT_EQ(backing_of("/dev/nbd0"), kShared);
}

TEST_F(DiskBackingTest, AnNvmeNamespaceIsSharedWhenAControllerIsReachedOverAFabric) {
  disk("259:1", "devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
  write(place("259:1").parent_path() / "nvme0" / "transport", "pcie");
  disk("259:2", "devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1");
  write(place("259:2").parent_path() / "nvme1" / "transport", "tcp");
  disk("259:3", "devices/virtual/nvme-subsystem/nvme-subsys2/nvme2n1");
  block("/dev/nvme0n1", 259, 1);
  block("/dev/nvme1n1", 259, 2);
  block("/dev/nvme2n1", 259, 3);
  EXPECT_EQ(backing_of("/dev/nvme0n1"), kLocal);
  EXPECT_EQ(backing_of("/dev/nvme1n1"), kShared);
  EXPECT_EQ(backing_of("/dev/nvme2n1"), kUnknown) << "nobody said how it is attached";
}

TEST_F(DiskBackingTest, AMirrorOfALocalAndARemoteDiskIsWhatTheRemoteOneIs) {
  disk("8:16", "devices/platform/host3/session1/target3:0:0/3:0:0:0/block/sdb");
  disk("9:0", "devices/virtual/block/md0", {"8:0", "8:16"});
  block("/dev/md0", 9, 0);
  EXPECT_EQ(backing_of("/dev/md0"), kShared);
}

TEST_F(DiskBackingTest, AMixtureOfDrbdAndSharedCannotBeJudged) {
  disk("8:16", "devices/platform/host3/session1/target3:0:0/3:0:0:0/block/sdb");
  disk("147:3", "devices/virtual/block/drbd3");
  disk("253:0", "devices/virtual/block/dm-0", {"8:16", "147:3"});
  block("/dev/vg0/web1", 253, 0);
  EXPECT_EQ(backing_of("/dev/vg0/web1"), kUnknown);
}

TEST_F(DiskBackingTest, AFileOnANetworkFileSystemIsSharedWithoutBeingTouched) {
  for (const char* type : {"nfs4", "nfs", "cifs", "ceph", "fuse.glusterfs", "ocfs2", "gfs2"}) {
    mount("0:77 / /mnt/" + std::string(type), std::string(type) + " somewhere rw");
    EXPECT_EQ(backing_of("/mnt/" + std::string(type) + "/web1.qcow2"), kShared) << type;
  }
  EXPECT_TRUE(touched_.empty()) << "a dead server would have blocked this";
}

TEST_F(DiskBackingTest, ALinkThatLeadsToANetworkFileSystemIsShared) {
  mount("0:77 / /mnt/nfs", "nfs4 server:/vm rw");
  file("/var/lib/libvirt/images/web1.img", 0, 77);
  EXPECT_EQ(backing_of("/var/lib/libvirt/images/web1.img"), kShared);
}

TEST_F(DiskBackingTest, AClusterFileSystemOnDrbdIsShared) {
  disk("147:3", "devices/virtual/block/drbd3");
  mount("147:3 / /srv/vm", "ocfs2 /dev/drbd3 rw");
  file("/srv/vm/web1.img", 147, 3);
  EXPECT_EQ(backing_of("/srv/vm/web1.img"), kShared);
}

TEST_F(DiskBackingTest, WhatDoesNotExistIsMissing) {
  EXPECT_EQ(backing_of("/dev/drbd99"), kMissing);
  error_ = ENOTDIR;
  EXPECT_EQ(backing_of("/dev/null/x"), kMissing);
}

TEST_F(DiskBackingTest, WhatMayNotBeLookedAtIsUnknownAndNotMissing) {
  error_ = EACCES;
  EXPECT_EQ(backing_of("/srv/secret.img"), kUnknown);
  error_ = EIO;
  EXPECT_EQ(backing_of("/srv/broken.img"), kUnknown);
}

TEST_F(DiskBackingTest, ADeviceThatSysfsDoesNotKnowIsUnknown) {
  block("/dev/odd", 240, 0);
  EXPECT_EQ(backing_of("/dev/odd"), kUnknown);
}

TEST_F(DiskBackingTest, NoMountinfoLeavesFilesUnknown) {
  fs::remove(root_ / "proc/self/mountinfo");
  file("/var/lib/libvirt/images/web1.img", 8, 1);
  EXPECT_EQ(backing_of("/var/lib/libvirt/images/web1.img"), kUnknown);
}

TEST_F(DiskBackingTest, ZfsHidesItsDevicesAndStaysUnknown) {
  mount("0:50 / /tank", "zfs tank/vm rw");
  file("/tank/web1.img", 0, 50);
  block("/dev/zd0", 230, 0);
  EXPECT_EQ(backing_of("/tank/web1.img"), kUnknown);
  EXPECT_EQ(backing_of("/dev/zd0"), kUnknown);
}

TEST_F(DiskBackingTest, BtrfsOverSeveralDevicesIsWhatAllOfThemAre) {
  disk("147:3", "devices/virtual/block/drbd3");
  mount("0:40 / /srv/vm", "btrfs /dev/sda rw");
  block("/dev/sda", 8, 0);
  file("/srv/vm/sub/web1.img", 0, 41);
  EXPECT_EQ(backing_of("/srv/vm/sub/web1.img"), kLocal);

  const fs::path devices = root_ / "sys/fs/btrfs/5f2d/devices";
  fs::create_directories(devices);
  fs::create_directory_symlink(place("8:0"), devices / "sda");
  fs::create_directory_symlink(place("147:3"), devices / "drbd3");
  EXPECT_EQ(backing_of("/srv/vm/sub/web1.img"), drbd({3}));
}

TEST_F(DiskBackingTest, MemoryAndOverlaysAreThisNodesOwn) {
  mount("0:30 / /dev/shm", "tmpfs tmpfs rw");
  mount("0:31 / /merged", "overlay overlay rw,lowerdir=/l,upperdir=/gone,workdir=/w");
  file("/dev/shm/web1.img", 0, 30);
  file("/merged/web1.img", 0, 31);
  EXPECT_EQ(backing_of("/dev/shm/web1.img"), kLocal);
  EXPECT_EQ(backing_of("/merged/web1.img"), kLocal);
}

TEST_F(DiskBackingTest, AnOverlayWhoseUpperLayerIsOnDrbdIsDrbd) {
  disk("147:3", "devices/virtual/block/drbd3");
  mount("147:3 / /srv/vm", "ext4 /dev/drbd3 rw");
  mount("0:31 / /merged", "overlay overlay rw,lowerdir=/l,upperdir=/srv/vm/upper,workdir=/w");
  paths_["/srv/vm/upper"] = {FileStatus::Kind::directory, 147, 3};
  file("/merged/web1.img", 0, 31);
  EXPECT_EQ(backing_of("/merged/web1.img"), drbd({3}));
}

TEST_F(DiskBackingTest, DevicesThatHoldEachOtherDoNotHangIt) {
  disk("253:0", "devices/virtual/block/dm-0");
  disk("253:1", "devices/virtual/block/dm-1", {"253:0"});
  fs::create_directory_symlink(place("253:1"), place("253:0") / "slaves" / "dm-1");
  block("/dev/dm-0", 253, 0);
  EXPECT_EQ(backing_of("/dev/dm-0"), kUnknown);
}

TEST_F(DiskBackingTest, CharacterDevicesAndRelativePathsAreUnknown) {
  paths_["/dev/sg0"] = {FileStatus::Kind::other, 8, 1};
  EXPECT_EQ(backing_of("/dev/sg0"), kUnknown);
  EXPECT_EQ(backing_of("images/web1.img"), kUnknown);
  EXPECT_EQ(backing_of(""), kUnknown);
}

TEST_F(DiskBackingTest, MountPointsWithSpacesAreRead) {
  mount("0:77 / /mnt/my\\040vms", "nfs4 server:/vm rw");
  EXPECT_EQ(backing_of("/mnt/my vms/web1.img"), kShared);
  EXPECT_EQ(backing_of("/mnt/my vmsX/web1.img"), kMissing) << "another folder";
}

TEST(DiskBacking, ThisMachinesOwnStatIsRead) {
  const auto here = status_of("/");
  ASSERT_TRUE(here.has_value());
  EXPECT_EQ(here->kind, FileStatus::Kind::directory);
  const auto null = status_of("/dev/null");
  ASSERT_TRUE(null.has_value());
  EXPECT_EQ(null->kind, FileStatus::Kind::other);
  // As /dev/drbd/by-res/r0/0 leads to /dev/drbd7.
  const test::TempDir dir;
  std::filesystem::create_symlink("/dev/null", dir / "drbd7");
  std::filesystem::create_symlink(dir / "drbd7", dir / "by-res");
  const auto led_to = status_of((dir / "by-res").string());
  ASSERT_TRUE(led_to.has_value());
  EXPECT_EQ(led_to->kind, FileStatus::Kind::other);
  EXPECT_EQ(std::pair(led_to->major, led_to->minor), std::pair(null->major, null->minor));
  const auto missing = status_of("/does/not/exist");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error(), ENOENT);
}

}  // namespace
}  // namespace upkeep
