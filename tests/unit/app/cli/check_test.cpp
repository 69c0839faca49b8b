#include "app/cli/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/temp_dir.h"

namespace upkeep::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

auto line_with(Grade grade, const char* text) {
  return AllOf(Field("grade", &CheckLine::grade, grade),
               Field("text", &CheckLine::text, HasSubstr(text)));
}

class FakeLibvirt final : public LibvirtProbe {
 public:
  Result<Vms> list() override { return vms; }
  Result<void> may_act() override { return allowed; }

  Result<Vms> vms = Vms{};
  Result<void> allowed;
};

Vm vm_on(const char* name, DiskBacking backing) {
  Vm vm;
  vm.name = {name};
  vm.state = VmState::running;
  vm.autostart = false;
  VmDisk disk;
  disk.target = {"vda"};
  disk.backing = backing;
  vm.disks.push_back(disk);
  return vm;
}

class Check : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text, mode_t mode = 0644) {
    const fs::path file = root() / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
    ASSERT_EQ(chmod(file.c_str(), mode), 0);
  }
  [[nodiscard]] const fs::path& root() const { return dir_.path(); }

  test::TempDir dir_;
  CheckReport report_;
  Config config_;
  FakeLibvirt libvirt_;
};

// libvirt

TEST_F(Check, ReadsLibvirtsTestDriver) {
  SystemLibvirtProbe libvirt("test:///default", root(), std::chrono::seconds(10));
  const Result<Vms> vms = libvirt.list();
  ASSERT_TRUE(vms.has_value()) << vms.error().message;
  ASSERT_EQ(vms->size(), 1U);
  EXPECT_EQ(vms->front().name.value, "test");
  EXPECT_TRUE(libvirt.may_act().has_value());
}

TEST_F(Check, SaysWhatIsWrongWithLibvirt) {
  SystemLibvirtProbe libvirt("qemu+unix:///system?socket=" + (root() / "none").string(), root(),
                             std::chrono::seconds(10));
  check_libvirt(config_, libvirt, report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::error, "libvirt")));
  EXPECT_THAT(report_.front().fix, HasSubstr("virsh -c"));
}

TEST_F(Check, CountsVms) {
  libvirt_.vms = Vms{vm_on("web1", DiskBacking::local), vm_on("web2", DiskBacking::local)};
  libvirt_.vms->back().state = VmState::shut_off;
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::ok, "2 VMs, 1 running")));
}

TEST_F(Check, WarnsOfAutostartOnDrbdOnly) {
  libvirt_.vms = Vms{vm_on("web1", DiskBacking::drbd), vm_on("web2", DiskBacking::drbd),
                     vm_on("web3", DiskBacking::local), vm_on("web4", DiskBacking::drbd)};
  (*libvirt_.vms)[0].autostart = true;
  (*libvirt_.vms)[2].autostart = true;
  (*libvirt_.vms)[3].autostart = std::nullopt;
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::ok, "4 VMs"),
                                   line_with(Grade::warning, "web1 lies on DRBD")));
  EXPECT_EQ(report_.back().fix, "virsh autostart --disable web1");
}

TEST_F(Check, LeavesIgnoredVmsAlone) {
  libvirt_.vms = Vms{vm_on("web1", DiskBacking::drbd)};
  libvirt_.vms->front().autostart = true;
  config_.vms.push_back({.match = "web*", .keep = Keep::ignore});
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Not(Contains(Field(&CheckLine::grade, Grade::warning))));
}

TEST_F(Check, MissingPermissionMattersWhenItIsToAct) {
  libvirt_.allowed = fail(Errc::denied, "access denied");
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Contains(line_with(Grade::note, "access denied")));
  report_.clear();
  config_.mode = Mode::act;
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Contains(line_with(Grade::error, "access denied")));
}

TEST_F(Check, SaysWhatWillNeverBeStarted) {
  libvirt_.vms = Vms{vm_on("nfs1", DiskBacking::shared), vm_on("odd1", DiskBacking::unknown)};
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Contains(line_with(Grade::warning, "nfs1 lies on shared storage")));
  EXPECT_THAT(report_,
              Contains(line_with(Grade::warning, "odd1: can't find out what vda rests on")));

  report_.clear();
  config_.peers.push_back({{"node2"}, "http://node2"});
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Not(Contains(line_with(Grade::warning, "nfs1"))));

  report_.clear();
  config_.peers.clear();
  config_.vms.push_back({.match = "nfs*", .exclusive = true});
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Not(Contains(line_with(Grade::warning, "nfs1"))));
}

TEST_F(Check, DrbdSwitchedOffStopsItsVms) {
  libvirt_.vms = Vms{vm_on("web1", DiskBacking::drbd)};
  config_.drbd.enabled = DrbdUse::off;
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_,
              Contains(line_with(Grade::warning, "web1 lies on DRBD, which is switched off")));
}

TEST_F(Check, NamesTransientForeignAndUnmatched) {
  libvirt_.vms = Vms{vm_on("tmp1", DiskBacking::local), vm_on("nova1", DiskBacking::local)};
  (*libvirt_.vms)[0].persistent = false;
  (*libvirt_.vms)[1].other_manager = "nova";
  config_.vms.push_back({.match = "db*", .keep = Keep::up});
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Contains(line_with(Grade::note, "tmp1")));
  EXPECT_THAT(report_, Contains(line_with(Grade::note, "nova1 belongs to nova")));
  EXPECT_THAT(report_, Contains(line_with(Grade::note, "match = \"db*\" applies to no VM now")));
}

TEST_F(Check, NamesThatNobodyWaitsForAreToldOf) {
  libvirt_.vms = Vms{vm_on("web1", DiskBacking::local), vm_on("db1", DiskBacking::local)};
  config_.vms.push_back({.match = "web1", .after = {{"db1"}, {"dbl"}}});
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Contains(line_with(Grade::warning, "after names dbl, which libvirt does")));
  EXPECT_THAT(report_, Not(Contains(line_with(Grade::warning, "after names db1"))));
}

TEST_F(Check, LibvirtGuestsMustNotStartVms) {
  write("etc/default/libvirt-guests", "#ON_BOOT=start\nON_BOOT=ignore\n");
  check_libvirt_guests(root(), report_);
  EXPECT_THAT(report_, IsEmpty());
  write("etc/default/libvirt-guests", "ON_BOOT=ignore\n ON_BOOT=\"start\" # all of them\n");
  check_libvirt_guests(root(), report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::warning, "ON_BOOT=start")));
}

// files

TEST_F(Check, AJournalToBeMadeIsFine) {
  config_.journal = root() / "not/yet/upkeep.db";
  check_journal(config_, report_);
  EXPECT_THAT(report_, Contains(line_with(Grade::ok, "made at the first start")));
  EXPECT_FALSE(fs::exists(root() / "not"));
}

TEST_F(Check, ADamagedJournalIsAnError) {
  write("upkeep.db", std::string(8192, 'x'), 0600);
  config_.journal = root() / "upkeep.db";
  check_journal(config_, report_);
  EXPECT_THAT(report_, Contains(Field(&CheckLine::grade, Grade::error)));
}

TEST_F(Check, AJournalInMemoryIsForgotten) {
  if (access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "no tmpfs here";
  config_.journal = "/dev/shm/upkeep-check-test/upkeep.db";
  check_journal(config_, report_);
  EXPECT_THAT(report_, Contains(line_with(Grade::warning, "is in memory")));
}

TEST_F(Check, TheTokenIsForItsOwnerOnly) {
  config_.http.token_file = root() / "token";
  check_token(config_, report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::error, "token")));  // named and not there

  report_.clear();
  write("token", "0123456789abcdef0123456789abcdef\n", 0644);
  check_token(config_, report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::error, "token")));

  report_.clear();
  write("token", "0123456789abcdef0123456789abcdef\n", 0600);
  check_token(config_, report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::ok, "token")));

  report_.clear();
  config_.http.token_file.reset();
  config_.journal = root() / "elsewhere/upkeep.db";
  check_token(config_, report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::ok, "made at the first start")));
}

// DRBD and other managers

TEST_F(Check, DrbdThatIsNotHereIsFine) {
  check_drbd(config_, root(), report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::ok, "not used")));
}

TEST_F(Check, DrbdNeedsItsTools) {
  write("proc/drbd", "version: 8.4.11 (api:1/proto:86-101)\n");
  check_drbd(config_, root(), report_);
  EXPECT_THAT(report_, Contains(line_with(Grade::error, "/usr/sbin/drbdadm can't be run")));
  EXPECT_THAT(report_, Contains(line_with(Grade::error, "/usr/sbin/drbdsetup can't be run")));

  report_.clear();
  write("usr/sbin/drbdadm", "#!/bin/sh\n", 0755);
  write("usr/sbin/drbdsetup", "#!/bin/sh\n", 0755);
  check_drbd(config_, root(), report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::ok, "version: 8.4.11")));
}

TEST_F(Check, ConfiguredDrbdNeedsNoModuleYet) {
  write("etc/drbd.d/r0.res", "resource r0 {}\n");
  write("usr/sbin/drbdadm", "#!/bin/sh\n", 0755);
  write("usr/sbin/drbdsetup", "#!/bin/sh\n", 0755);
  check_drbd(config_, root(), report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::ok, "not loaded")));
}

TEST_F(Check, WhatTwoNodesMayBothKeepUpOnSharedStorageIsANote) {
  libvirt_.vms = Vms{vm_on("nfs1", DiskBacking::shared)};
  config_.peers = {{.name = {"n2"}, .url = "http://10.0.0.2:9893"}};
  const auto said = line_with(Grade::note, "none of them starts it");
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Not(Contains(said)));
  config_.vms = {{.match = "nfs*", .keep = Keep::up}};
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Contains(said));
  report_.clear();
  config_.vms.front().exclusive = true;
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Not(Contains(said)));
}

TEST_F(Check, NamesThatMayBeOneNodesAreAWarning) {
  const auto look = [&](const std::vector<std::string>& names) {
    report_.clear();
    config_.peers.clear();
    for (const std::string& name : names) config_.peers.push_back({{name}, "http://10.0.0.9:1"});
    check_peers(config_, report_);
  };
  config_.node = "n1";
  look({"n2", "n3.b"});
  EXPECT_THAT(report_, IsEmpty());
  look({"n1.b"});
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::warning, "may be this node itself, n1:")));
  look({"n2", "n3", "N2.b"});
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::warning, "n2 and N2.b may be one node")));
  look({"n2.a", "N2.b"});
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::note, "as just n2 is taken for neither's")));
  EXPECT_THAT(report_.front().fix, HasSubstr("`node`"));
}

TEST_F(Check, APeerThatIsThisNodeIsAWarning) {
  const auto warns_of = [&](const std::string& url) {
    report_.clear();
    config_.peers = {{.name = {"n2"}, .url = url}};
    check_peers(config_, report_, [](const std::string& host) -> std::vector<std::string> {
      if (host == "n1" || host == "n1.example.com") return {"127.0.1.1"};
      if (host == "localhost") return {"127.0.0.1"};
      if (host == "n1.other.example") return {"192.0.2.8"};
      if (host.starts_with("n")) return {};
      return {host};
    });
    return !report_.empty();
  };
  config_.node = "n1";
  for (const char* own : {"http://127.0.0.1:9893", "http://localhost:9893", "http://n1:9893",
                          "http://n1.example.com:9893"}) {
    EXPECT_TRUE(warns_of(own)) << own;
    EXPECT_THAT(report_, ElementsAre(line_with(Grade::warning, "this node itself listens")));
  }
  for (const char* other : {"http://192.0.2.7:9893", "http://127.0.0.1:9894", "http://n2:9893",
                            "http://[::1]", "http://n1", "http://n1.other.example:9893"}) {
    EXPECT_FALSE(warns_of(other)) << other;
  }
  config_.http.listen = {"192.0.2.1", 9893};
  EXPECT_TRUE(warns_of("http://192.0.2.1:9893"));
  EXPECT_FALSE(warns_of("http://127.0.0.1:9893")) << "a tunnel to n2 may begin there";
  config_.http.listen = {"127.0.0.1", 80};
  EXPECT_TRUE(warns_of("http://localhost"));
  EXPECT_FALSE(warns_of("http://127.0.0.2")) << "nor there";
  EXPECT_FALSE(warns_of("http://n1")) << "it is reached at another address";
}

TEST_F(Check, LooksAddressesUpAsTheMachineDoes) {
  EXPECT_THAT(look_up_addresses("127.0.0.3"), ElementsAre("127.0.0.3"));
  EXPECT_THAT(look_up_addresses("[::1]"), IsEmpty());
}

TEST_F(Check, AutostartOnSharedStorageAsksNobody) {
  libvirt_.vms = Vms{vm_on("nfs1", DiskBacking::shared), vm_on("web1", DiskBacking::local)};
  config_.peers = {{.name = {"n2"}, .url = "http://10.0.0.2:9893"}};
  for (Vm& vm : *libvirt_.vms) vm.autostart = true;
  const auto warns = line_with(Grade::warning, "set to autostart");
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Contains(warns));
  EXPECT_THAT(report_, Contains(line_with(Grade::warning,
                                          "nfs1 lies on shared storage and is set "
                                          "to autostart")));
  EXPECT_THAT(report_, Not(Contains(line_with(Grade::warning, "web1"))));
  for (const VmConfig& harmless : {VmConfig{.match = "nfs*", .exclusive = true},
                                   VmConfig{.match = "nfs*", .keep = Keep::ignore}}) {
    report_.clear();
    config_.vms = {harmless};
    check_libvirt(config_, libvirt_, report_);
    EXPECT_THAT(report_, Not(Contains(warns)));
  }
  report_.clear();
  config_.vms.clear();
  libvirt_.vms->front().autostart.reset();
  check_libvirt(config_, libvirt_, report_);
  EXPECT_THAT(report_, Not(Contains(warns))) << "not known is not set";
}

TEST_F(Check, APeerThatDrbdNamesOtherwiseIsAWarning) {
  write("proc/drbd", "version: 8.4.11 (api:1/proto:86-101)\n");
  write("usr/sbin/drbdsetup", "#!/bin/sh\n", 0755);
  write("usr/sbin/drbdadm",
        "#!/bin/sh\ncase $1 in sh-resources) echo r0;; dump-xml) echo '<resource name=\"r0\">"
        "<host name=\"'$(uname -n)'\"/><host name=\"beta\"/></resource>';; esac\n",
        0755);
  check_drbd(config_, root(), report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::ok, "version: 8.4.11")));
  config_.peers = {{.name = {"n2"}, .url = "http://10.0.0.2:9893"}};
  check_drbd(config_, root(), report_);
  EXPECT_THAT(report_, Contains(line_with(Grade::warning, "named like its beta")));
  report_.clear();
  config_.peers[0].name = {"beta"};
  check_drbd(config_, root(), report_);
  EXPECT_THAT(report_, ElementsAre(line_with(Grade::ok, "version: 8.4.11")));
}

TEST_F(Check, NamesOtherManagersOnce) {
  check_managers(root(), report_);
  EXPECT_THAT(report_, IsEmpty());
  write("etc/corosync/corosync.conf", "");
  write("var/lib/ganeti/config.data", "");
  write("var/lib/ganeti/ssconf_master_node", "");
  write("var/lib/linstor.d/r0.res", "");
  write("etc/drbd-reactor.d/r0.toml", "");
  check_managers(root(), report_);
  EXPECT_THAT(
      report_,
      ElementsAre(line_with(Grade::warning, "cluster manager"), line_with(Grade::warning, "Ganeti"),
                  line_with(Grade::warning, "LINSTOR"), line_with(Grade::warning, "drbd-reactor")));
}

// the whole

TEST_F(Check, TheWorstLineIsTheExitCode) {
  EXPECT_EQ(exit_code_of({}), 0);
  EXPECT_EQ(exit_code_of({{Grade::ok, "", "", ""}, {Grade::note, "", "", ""}}), 0);
  EXPECT_EQ(exit_code_of({{Grade::warning, "", "", ""}, {Grade::ok, "", "", ""}}), 1);
  EXPECT_EQ(exit_code_of({{Grade::error, "", "", ""}, {Grade::warning, "", "", ""}}), 2);
}

TEST_F(Check, IsReadAsLines) {
  EXPECT_EQ(render_check({{Grade::ok, "config", "fine", ""},
                          {Grade::warning, "vm", "web1 lies on DRBD", "virsh autostart"}},
                         {.colour = false}),
            "ok       config   fine\n"
            "warning  vm       web1 lies on DRBD\n"
            "                  fix: virsh autostart\n");
}

TEST_F(Check, AWrongConfigurationEndsIt) {
  unsetenv("UPKEEP_CONFIG");
  write("etc/upkeep/upkeep.toml", "mode = 1\nnode = \"\"\n");
  CommandLine line{.command = CheckCommand{}, .root = root()};
  std::ostringstream out;
  std::ostringstream err;
  Output output{.out = out, .err = err, .out_style = {}, .err_style = {}};
  EXPECT_EQ(check(line, output), 2);
  EXPECT_THAT(out.str(), HasSubstr("upkeep.toml:1:8: mode: "));
  EXPECT_THAT(out.str(), HasSubstr("upkeep.toml:2:8: node: "));
  EXPECT_THAT(out.str(), Not(HasSubstr("libvirt")));

  line.json = true;
  out.str("");
  EXPECT_EQ(check(line, output), 2);
  const auto json = nlohmann::json::parse(out.str());
  EXPECT_EQ(json.at("exit_code"), 2);
  EXPECT_EQ(json.at("lines").size(), 2U);
  EXPECT_EQ(json.at("lines")[0].at("grade"), "error");
  EXPECT_TRUE(json.at("lines")[0].at("fix").is_null());
}

TEST_F(Check, LooksAtEverything) {
  write("etc/upkeep/upkeep.toml",
        "mode = \"act\"\n[libvirt]\nuri = \"test:///default\"\n[journal]\npath = \"" +
            (root() / "upkeep.db").string() + "\"\n");
  const CommandLine line{.command = CheckCommand{}, .root = root()};
  std::ostringstream out;
  std::ostringstream err;
  Output output{.out = out, .err = err, .out_style = {}, .err_style = {}};
  EXPECT_NE(check(line, output), 2) << out.str();
  for (const char* part : {"mode act (starts what should run)", "test:///default: 1 VMs, 1 running",
                           "token", "journal", "drbd"}) {
    EXPECT_THAT(out.str(), HasSubstr(part));
  }
}

}  // namespace
}  // namespace upkeep::cli
