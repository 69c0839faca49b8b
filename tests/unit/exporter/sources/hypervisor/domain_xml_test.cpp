#include "exporter/sources/hypervisor/domain_xml.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

DomainDefinition parsed(std::string_view xml) {
  auto definition = parse_domain(xml);
  EXPECT_TRUE(definition.has_value()) << definition.error().message;
  return definition.value_or(DomainDefinition{});
}

DefinedDisk only_disk(const std::string& disk) {
  const auto definition = parsed("<domain><devices>" + disk + "</devices></domain>");
  EXPECT_EQ(definition.disks.size(), 1U);
  return definition.disks.empty() ? DefinedDisk{} : definition.disks.front();
}

TEST(DomainXml, ReadsTheDisksAGuestWritesToAndLeavesOutTheDrives) {
  // virsh dumpxml, libvirt 9.0.0, shortened.
  const auto definition = parsed(R"(<domain type='kvm' id='3'>
    <name>web1</name>
    <devices>
      <disk type='block' device='disk'>
        <driver name='qemu' type='raw' cache='none'/>
        <source dev='/dev/drbd0' index='2'/><backingStore/>
        <target dev='vda' bus='virtio'/><alias name='virtio-disk0'/>
      </disk>
      <disk type='file' device='disk'>
        <source file='/var/lib/libvirt/images/web1 &amp; more.qcow2' startupPolicy='optional'/>
        <target dev='vdb' bus='virtio'/>
      </disk>
      <disk type='file' device='cdrom'>
        <source file='/srv/iso/debian.iso'/><target dev='sda' bus='sata'/>
      </disk>
      <disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>
    </devices></domain>)");
  ASSERT_EQ(definition.disks.size(), 2U);
  EXPECT_EQ(definition.disks[0].target.value, "vda");
  EXPECT_EQ(definition.disks[0].source.kind, DiskSource::Kind::path);
  EXPECT_EQ(definition.disks[0].source.text, "/dev/drbd0");
  EXPECT_FALSE(definition.disks[0].optional_at_start);
  EXPECT_EQ(definition.disks[1].source.text, "/var/lib/libvirt/images/web1 & more.qcow2");
  EXPECT_TRUE(definition.disks[1].optional_at_start);
}

TEST(DomainXml, ADiskWithoutADeviceAttributeIsAHardDisk) {
  EXPECT_EQ(only_disk("<disk type='block'><source dev='/dev/sdb'/><target dev='vda'/></disk>")
                .source.text,
            "/dev/sdb");
}

TEST(DomainXml, NetworkDisksAreNamedByProtocolAndImage) {
  const auto rbd = only_disk(
      "<disk type='network' device='disk'><source protocol='rbd' name='vms/web1'>"
      "<host name='mon1' port='6789'/></source><target dev='vda'/></disk>");
  EXPECT_EQ(rbd.source.kind, DiskSource::Kind::network);
  EXPECT_EQ(rbd.source.text, "rbd:vms/web1");
  const auto nbd = only_disk(
      "<disk type='network' device='disk'><source protocol='nbd'><host name='10.0.0.2'/></source>"
      "<target dev='vda'/></disk>");
  EXPECT_EQ(nbd.source.text, "nbd:10.0.0.2");
}

TEST(DomainXml, AVolumeKeepsItsPoolApart) {
  const auto disk = only_disk(
      "<disk type='volume' device='disk'><source pool='vg0' volume='web1'/><target dev='vda'/>"
      "</disk>");
  EXPECT_EQ(disk.source.kind, DiskSource::Kind::volume);
  EXPECT_EQ(disk.source.text, "vg0/web1");
  EXPECT_EQ(disk.source.pool, "vg0");
  EXPECT_EQ(disk.source.volume, "web1");
}

TEST(DomainXml, ADiskWithoutASourceHasNoneAndAnUnknownTypeIsNoPath) {
  EXPECT_EQ(only_disk("<disk type='file' device='disk'><target dev='vda'/></disk>").source.kind,
            DiskSource::Kind::none);
  EXPECT_EQ(only_disk("<disk type='nvme' device='disk'><source type='pci'/><target dev='vda'/>"
                      "</disk>")
                .source.kind,
            DiskSource::Kind::other);
  EXPECT_EQ(only_disk("<disk type='vhostvdpa' device='disk'><source dev='/dev/vhost-vdpa-0'/>"
                      "<target dev='vda'/></disk>")
                .source.kind,
            DiskSource::Kind::other);
}

TEST(DomainXml, NetworksBridgesAndHostDevicesAreEachNamedOnce) {
  const auto definition = parsed(R"(<domain><devices>
    <interface type='network'><source network='default' bridge='virbr0'/></interface>
    <interface type='bridge'><source bridge='br0'/></interface>
    <interface type='bridge'><source bridge='br0'/></interface>
    <interface type='direct'><source dev='eno1' mode='bridge'/></interface>
    <interface type='user'/>
    <interface type='hostdev'/>
    </devices></domain>)");
  EXPECT_EQ(definition.networks,
            (std::vector<DefinedNetwork>{{"default", false}, {"br0", true}, {"eno1", true}}));
}

TEST(DomainXml, RecognisesOtherManagersByTheirNamespace) {
  EXPECT_EQ(parsed("<domain><metadata><nova:instance "
                   "xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'/></metadata></domain>")
                .other_manager,
            "nova");
  EXPECT_EQ(parsed("<domain><metadata><ovirt-vm:vm xmlns:ovirt-vm='http://ovirt.org/vm/1.0'/>"
                   "</metadata></domain>")
                .other_manager,
            "ovirt");
  EXPECT_EQ(parsed("<domain xmlns:one='http://opennebula.org/xmlns/libvirt/1.0'>"
                   "<metadata><one:vm/></metadata></domain>")
                .other_manager,
            "opennebula");
}

TEST(DomainXml, MetadataThatOnlyDescribesIsNoManager) {
  // virt-manager's, on every VM it made.
  EXPECT_EQ(parsed("<domain><metadata><libosinfo:libosinfo "
                   "xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'/></metadata>"
                   "</domain>")
                .other_manager,
            "");
}

TEST(DomainXml, WhatIsNoDomainIsAnErrorAndNoDomainWithoutDisks) {
  for (const char* text : {"", "<network/>", "<domain><devices>", "\xff\xfe"}) {
    const auto definition = parse_domain(text);
    ASSERT_FALSE(definition.has_value()) << text;
    EXPECT_EQ(definition.error().code, Errc::invalid);
  }
}

}  // namespace
}  // namespace upkeep
