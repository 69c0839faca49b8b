#include "exporter/sources/replication/drbd_config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "fake_drbd.h"
#include "transcript.h"

namespace upkeep {
namespace {

std::string fixture(const std::string& name) {
  std::ifstream file(std::filesystem::path(UPKEEP_FIXTURES) / "drbd-config" / name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

TEST(DrbdConfig, ListsResourcesOfBothVersions) {
  EXPECT_EQ(parse_sh_resources("r0 vm1\n").size(), 2U);       // 8.4
  EXPECT_EQ(parse_sh_resources("r0\nvm1\nr2\n").size(), 3U);  // 9
  EXPECT_EQ(parse_sh_resources("\n").size(), 0U);
}

TEST(DrbdConfig, ReadsOptionsOf9WithCommonAndConnectionSections) {
  const auto resources = parse_dump_xml(fixture("dump-xml-9.xml"), "alpha");
  ASSERT_TRUE(resources) << resources.error().message;
  ASSERT_EQ(resources->size(), 3U);
  const auto& r0 = resources->at(ResourceName{"r0"});
  EXPECT_EQ(r0.after_sb_all_disconnect, false);
  EXPECT_EQ(r0.quorum_configured, true) << "from the common section";
  EXPECT_EQ(r0.file, "/etc/drbd.d/lab9.res");
  EXPECT_EQ(resources->at(ResourceName{"r1"}).after_sb_all_disconnect, false) << "common";
  EXPECT_EQ(resources->at(ResourceName{"r2"}).after_sb_all_disconnect, false)
      << "the resource outside its one connection still says otherwise";
}

TEST(DrbdConfig, ReadsOptionsOf84) {
  const auto resources = parse_dump_xml(fixture("dump-xml-8.xml"), "alpha");
  ASSERT_TRUE(resources);
  EXPECT_EQ(resources->at(ResourceName{"r0"}).after_sb_all_disconnect, false);
  EXPECT_EQ(resources->at(ResourceName{"r0"}).quorum_configured, false);
}

TEST(DrbdConfig, DefaultsAreDisconnectAndNoQuorum) {
  const auto resources = parse_dump_xml(
      R"(<config><resource name="a"/><resource name="b"><section name="net">
         <option name="after-sb-0pri" value="disconnect"/></section><section name="options">
         <option name="quorum" value="off"/></section></resource></config>)",
      "alpha");
  ASSERT_TRUE(resources);
  for (const auto& [name, options] : *resources) {
    EXPECT_EQ(options.after_sb_all_disconnect, true) << name.value;
    EXPECT_EQ(options.quorum_configured, false) << name.value;
  }
}

TEST(DrbdConfig, AConnectionMayDifferFromItsResource) {
  const auto resources = parse_dump_xml(
      R"(<config><resource name="a"><connection><section name="net">
         <option name="after-sb-2pri" value="violently-as0p"/></section></connection>
         </resource></config>)",
      "alpha");
  ASSERT_TRUE(resources);
  EXPECT_EQ(resources->at(ResourceName{"a"}).after_sb_all_disconnect, false);
}

TEST(DrbdConfig, ReadsTheRecordedDumpOfOneResource) {
  std::string xml;
  for (const auto& line : transcript::read(transcript::folder() / "drbd84-commands-and-proc.txt")) {
    if (line.text.starts_with("<resource")) xml.clear();
    xml += line.text + "\n";
    if (line.text == "</resource>") break;
  }
  const auto resources = parse_dump_xml(xml, "alpha");
  ASSERT_TRUE(resources) << resources.error().message;
  EXPECT_EQ(resources->at(ResourceName{"r0"}).after_sb_all_disconnect, true);
  EXPECT_EQ(resources->at(ResourceName{"r0"}).file, "/etc/drbd.d/r0.res");
}

TEST(DrbdConfig, BrokenXmlIsAnError) {
  EXPECT_FALSE(parse_dump_xml("<config><resource name=", "alpha"));
  EXPECT_FALSE(parse_dump_xml("drbdadm: something else", "alpha"));
}

DrbdConfigRequest request(const FakeDrbd& fake) {
  return {fake.options().root, fake.options().drbdadm, std::chrono::seconds(5)};
}

TEST(DrbdConfig, KnowsTheOtherHostWhereThereIsExactlyOne) {
  const auto resources = parse_dump_xml(fixture("dump-xml-8-hosts.xml"), "alpha");
  ASSERT_TRUE(resources) << resources.error().message;
  const auto peer = [&](const char* name) {
    const auto& known = resources->at(ResourceName{name}).peer;
    return known ? known->value : "";
  };
  EXPECT_EQ(peer("low"), "beta");
  EXPECT_EQ(peer("fqdn"), "beta.example.org") << "as the configuration words it";
  EXPECT_EQ(peer("up"), "") << "stacked: alpha and beta on one side";
  EXPECT_EQ(peer("fl"), "") << "an address is no name";
  EXPECT_EQ(peer("two"), "") << "beta or gamma";
  EXPECT_EQ(peer("own2"), "") << "omega may be there in alpha's place";
  EXPECT_EQ(peer("ign"), "") << "not alpha's";
}

TEST(DrbdConfig, KnowsThisHostsBackingDevices) {
  const auto resources = parse_dump_xml(fixture("dump-xml-8-hosts.xml"), "alpha");
  ASSERT_TRUE(resources) << resources.error().message;
  const auto backing = [&](const char* name) { return resources->at(ResourceName{name}).backing; };
  using Backing = std::map<VolumeNumber, std::string>;
  EXPECT_EQ(backing("low"), (Backing{{{0}, "/dev/ram1"}}));
  EXPECT_EQ(backing("up"), (Backing{{{0}, "/dev/drbd10"}})) << "stacked: of two hosts at once";
  EXPECT_EQ(backing("fl"), Backing{}) << "nobody can tell whose it is";
}

TEST(DrbdConfig, TheOtherHostDependsOnWhoAsks) {
  const auto resources = parse_dump_xml(fixture("dump-xml-8.xml"), "beta");
  ASSERT_TRUE(resources);
  EXPECT_EQ(resources->at(ResourceName{"r0"}).peer, NodeName{"alpha"});
  EXPECT_EQ(resources->at(ResourceName{"r1"}).peer, NodeName{"gamma"});
}

TEST(DrbdConfig, RunsOnlyCommandsThatLeaveTheModuleAlone) {
  const FakeDrbd fake;
  fake.write("dump", fixture("dump-xml-9.xml"));
  fake.drbdadm("case $1 in sh-resources) printf 'r0\\nr2\\n';; dump-xml) cat $D/dump;; esac");
  const DrbdConfig config = read_drbd_config(request(fake), {});
  ASSERT_TRUE(config.resources);
  EXPECT_EQ(config.resources->size(), 2U) << "r1 is for other hosts";
  EXPECT_EQ(config.resources->at(ResourceName{"r0"}).quorum_configured, true);
  EXPECT_EQ(fake.calls("drbdadm"),
            (std::vector<std::string>{"sh-resources", "dump-xml", "--version"}));
}

TEST(DrbdConfig, KnowsTheVersionOfTheTools) {
  // drbdadm --version, drbd-utils 9.22.0 with 8.4.11 loaded.
  EXPECT_EQ(parse_utils_version("DRBDADM_BUILDTAG=GIT-hash:\\ 409097fe\nDRBDADM_API_VERSION=1\n"
                                "DRBD_KERNEL_VERSION_CODE=0x08040b\n"
                                "DRBDADM_VERSION_CODE=0x091600\nDRBDADM_VERSION=9.22.0\n"),
            "9.22.0");
  EXPECT_EQ(parse_utils_version("MY_DRBDADM_VERSION=1\n"), "");
  EXPECT_EQ(parse_utils_version(""), "");
  const FakeDrbd fake;
  fake.drbdadm("case $1 in --version) echo DRBDADM_VERSION=9.22.0;; esac");
  Drbd drbd;
  merge(read_drbd_config(request(fake), {}), drbd);
  EXPECT_EQ(drbd.utils_version, "9.22.0");
}

TEST(DrbdConfig, TellsAFailureFromNothing) {
  const FakeDrbd fake;
  DrbdConfig config = read_drbd_config(request(fake), {});
  EXPECT_FALSE(config.resources);
  EXPECT_TRUE(config.drbdadm_missing);
  fake.drbdadm("exit 10");
  config = read_drbd_config(request(fake), {});
  EXPECT_FALSE(config.resources);
  EXPECT_FALSE(config.drbdadm_missing);
  fake.drbdadm("exit 0");
  config = read_drbd_config(request(fake), {});
  ASSERT_TRUE(config.resources);
  EXPECT_TRUE(config.resources->empty());
}

DrbdResource in_kernel(const std::string& name, std::uint32_t minor) {
  DrbdResource resource;
  resource.name = ResourceName{name};
  resource.in_kernel = true;
  resource.devices.push_back({.minor = DeviceMinor{minor}});
  return resource;
}

const DrbdResource& named(const Drbd& drbd, const std::string& name) {
  return *std::ranges::find(drbd.resources, ResourceName{name}, &DrbdResource::name);
}

TEST(DrbdConfig, MergesConfiguredAndManagedResources) {
  const FakeDrbd fake;
  fake.write("var/lib/linstor.d/pvc-1.res", "resource pvc-1 {}");
  fake.write("etc/drbd-reactor.d/ha.toml",
             "[[promoter]]\n[promoter.resources.\"vm.db\"]\nstart = [\"mysql\"] # vm1\n");
  fake.write("etc/drbd-reactor.d/prom.toml", "[[prometheus]]\nenums = true # r0\n");
  fake.write("etc/drbd-reactor.d/old.toml.disabled", "[[promoter]]\n[promoter.resources.vm1]\n");
  fake.drbdadm("[ $1 = sh-resources ] && echo down pvc-1 r0 vm.db vm1 resource3");
  const DrbdConfig config = read_drbd_config(request(fake), {});
  Drbd drbd;
  drbd.resources = {in_kernel("pvc-1", 1), in_kernel("r0", 2), in_kernel("resource3", 3),
                    in_kernel("resource7", 7), in_kernel("resource9", 1)};
  merge(config, drbd);
  EXPECT_TRUE(std::ranges::is_sorted(drbd.resources, {}, &DrbdResource::name));
  EXPECT_EQ(named(drbd, "down").in_kernel, false);
  EXPECT_EQ(named(drbd, "down").configured, true);
  EXPECT_EQ(named(drbd, "down").other_manager, "");
  EXPECT_EQ(named(drbd, "pvc-1").other_manager, "linstor");
  EXPECT_EQ(named(drbd, "vm.db").other_manager, "drbd-reactor");
  EXPECT_EQ(named(drbd, "vm1").other_manager, "") << "a comment, and a snippet that is disabled";
  EXPECT_EQ(named(drbd, "r0").other_manager, "");
  EXPECT_EQ(named(drbd, "resource3").other_manager, "") << "somebody configured it by that name";
  EXPECT_EQ(named(drbd, "resource7").other_manager, "ganeti");
  EXPECT_EQ(named(drbd, "resource7").configured, false);
  EXPECT_EQ(named(drbd, "resource9").other_manager, "") << "not its minor";
}

TEST(DrbdConfig, NamesThePeersThat84LeavesNameless) {
  DrbdConfig config;
  config.peers = {{ResourceName{"r0"}, NodeName{"beta"}}, {ResourceName{"r9"}, NodeName{"beta"}}};
  Drbd drbd;
  drbd.resources = {in_kernel("r0", 1), in_kernel("r1", 2), in_kernel("r9", 9)};
  drbd.resources[0].peers.push_back({.name = NodeName{"peer"}});
  drbd.resources[1].peers.push_back({.name = NodeName{"peer"}});
  drbd.resources[2].peers = {{.name = NodeName{"beta"}}, {.name = NodeName{"gamma"}}};
  merge(config, drbd);
  EXPECT_EQ(drbd.resources[0].peers[0].name.value, "beta");
  EXPECT_EQ(drbd.resources[1].peers[0].name.value, "peer") << "nothing is known of it";
  EXPECT_EQ(drbd.resources[2].peers[1].name.value, "gamma") << "9 knows better";
  DrbdEvent event;
  event.resource = ResourceName{"r0"};
  event.peer = NodeName{"peer"};
  name_peer(config, event);
  EXPECT_EQ(event.peer.value, "beta");
  name_peer(DrbdConfig{}, event);
  EXPECT_EQ(event.peer.value, "beta");
  DrbdEvent of_nobody;
  of_nobody.resource = ResourceName{"r0"};
  name_peer(config, of_nobody);
  EXPECT_EQ(of_nobody.peer.value, "") << "a role belongs to no peer";
}

TEST(DrbdConfig, UnknownConfigurationLeavesConfiguredOpen) {
  Drbd drbd;
  drbd.resources = {in_kernel("r0", 1), in_kernel("resource7", 7)};
  merge(DrbdConfig{}, drbd);
  EXPECT_EQ(drbd.resources[0].configured, std::nullopt);
  EXPECT_EQ(drbd.resources[1].other_manager, "ganeti");
}

}  // namespace
}  // namespace upkeep
