#include "remediation/effects/disk_element.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

// Shortened from `virsh dumpxml --inactive` of libvirt 9.0.
constexpr const char* kDomain = R"(<domain type='kvm'><name>web1</name><devices>
  <disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
  <disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/drbd10'/>
    <target dev='vdb' bus='virtio'/><alias name='ua-data'/>
    <address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/></disk>
  </devices></domain>)";

TEST(DiskElement, IsTheOneOfThatTarget) {
  const auto element = disk_element(kDomain, DiskTarget{"vdb"});
  ASSERT_TRUE(element);
  EXPECT_TRUE(element->starts_with("<disk type=\"block\"")) << *element;
  EXPECT_NE(element->find("/dev/drbd10"), std::string::npos);
  EXPECT_NE(element->find("<address"), std::string::npos);
  EXPECT_EQ(element->find("sda"), std::string::npos);
}

TEST(DiskElement, IsNothingForATargetThatIsNotThere) {
  EXPECT_FALSE(disk_element(kDomain, DiskTarget{"vdc"}));
  EXPECT_FALSE(disk_element("<domain", DiskTarget{"vdb"}));
}

TEST(DiskElement, LosesItsAddressAndAliasOnly) {
  const std::string bare = without_address(*disk_element(kDomain, DiskTarget{"vdb"}));
  EXPECT_EQ(bare.find("<address"), std::string::npos);
  EXPECT_EQ(bare.find("<alias"), std::string::npos);
  EXPECT_NE(bare.find("/dev/drbd10"), std::string::npos);
  EXPECT_NE(bare.find("vdb"), std::string::npos);
}

}  // namespace
}  // namespace upkeep
