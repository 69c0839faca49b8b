#include "exporter/sources/hypervisor/libvirt_source.h"

#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

#include <algorithm>
#include <filesystem>

#include "exporter/sources/hypervisor/libvirt_reader.h"
#include "platform/libvirt_connection.h"
#include "tests/unit/exporter/sources/hypervisor/recording_listener.h"

namespace upkeep {
namespace {

using std::chrono::milliseconds;

constexpr const char* kUri = "test:///default";
constexpr const char* kWebUuid = "11111111-0000-0000-0000-00000000aaaa";

constexpr const char* kWebXml = R"(<domain type='test'>
  <name>web1</name><uuid>11111111-0000-0000-0000-00000000aaaa</uuid>
  <memory unit='MiB'>16</memory><vcpu>1</vcpu><os><type>hvm</type></os>
  <devices>
    <disk type='file' device='disk'><source file='/does/not/exist.img'/><target dev='vda'/></disk>
    <disk type='network' device='disk'><source protocol='rbd' name='vms/web1'>
      <host name='mon1'/></source><target dev='vdb'/></disk>
    <interface type='network'><source network='default'/></interface>
    <interface type='network'><source network='nosuch'/></interface>
    <interface type='bridge'><source bridge='upkeep-no-such-bridge'/></interface>
  </devices></domain>)";

/// libvirt's test driver in this process: every connection sees the same VMs, of which "test" runs
/// from the start; "web1" is defined and off.
class LibvirtSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto connection = open_libvirt(kUri, LibvirtAccess::read_write);
    ASSERT_TRUE(connection.has_value()) << connection.error().message;
    connection_ = *connection;
    web_.reset(virDomainDefineXML(connection_.get(), kWebXml));
    ASSERT_NE(web_, nullptr);
  }
  void TearDown() override {
    if (web_ == nullptr) return;
    virDomainDestroy(web_.get());
    virDomainUndefine(web_.get());
  }

  void start(LibvirtSourceOptions options = {}) {
    options.uri = kUri;
    options.poll = milliseconds(20);
    source_ = std::make_unique<LibvirtSource>(options, clock_, listener_);
    listener_.attach(source_.get());
    source_->start();
  }

  [[nodiscard]] std::optional<Vm> web() const {
    const auto observed = source_->latest();
    if (!observed.reading) return std::nullopt;
    for (const Vm& vm : **observed.reading) {
      if (vm.name.value == "web1") return vm;
    }
    return std::nullopt;
  }
  [[nodiscard]] bool wait_for_web(VmState state) {
    return listener_.wait_until([&] { return web() && web()->state == state; });
  }
  /// Where a line is in the log, from `from` on; the log's size when it isn't.
  static std::size_t position(const std::vector<std::string>& log, const std::string& line,
                              std::size_t from = 0) {
    const auto begin = log.begin() + static_cast<std::ptrdiff_t>(std::min(from, log.size()));
    return static_cast<std::size_t>(std::find(begin, log.end(), line) - log.begin());
  }

  SystemClock clock_;
  RecordingListener listener_;
  ConnectionHandle connection_;
  DomainHandle web_;
  std::unique_ptr<LibvirtSource> source_;
};

TEST_F(LibvirtSourceTest, KnowsNothingBeforeItStarts) {
  source_ = std::make_unique<LibvirtSource>(LibvirtSourceOptions{.uri = kUri}, clock_, listener_);
  ASSERT_FALSE(source_->latest().reading.has_value());
  EXPECT_EQ(source_->latest().reading.error().code, Errc::unavailable);
  EXPECT_FALSE(source_->latest_stats().reading.has_value());
}

TEST_F(LibvirtSourceTest, TheFirstReadingIsComplete) {
  start();
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  const Vm vm = *web();
  EXPECT_EQ(vm.uuid.value, kWebUuid);
  EXPECT_TRUE(vm.definition_known);
  EXPECT_TRUE(vm.persistent);
  EXPECT_EQ(vm.autostart, false);
  EXPECT_EQ(vm.managed_save, false);
  ASSERT_EQ(vm.disks.size(), 2U);
  EXPECT_EQ(vm.disks[0].source, "/does/not/exist.img");
  EXPECT_EQ(vm.disks[0].backing, DiskBacking::missing);
  EXPECT_EQ(vm.disks[1].source, "rbd:vms/web1");
  EXPECT_EQ(vm.disks[1].backing, DiskBacking::shared);
  EXPECT_EQ(vm.networks, (std::vector<VmNetwork>{{"default", false, true},
                                                 {"nosuch", false, false},
                                                 {"upkeep-no-such-bridge", true, false}}));
  EXPECT_FALSE(vm.last_start.has_value());
  EXPECT_TRUE(listener_.events().empty());
}

TEST_F(LibvirtSourceTest, AStartAndACrashAreToldAndThenShown) {
  start();
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  ASSERT_TRUE(wait_for_web(VmState::running));
  EXPECT_TRUE(web()->last_start.has_value());
  ASSERT_EQ(virDomainCoreDump(web_.get(), "/dev/null", VIR_DUMP_CRASH), 0);
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  EXPECT_EQ(web()->reason, VmReason::crashed);
  const auto log = listener_.log();
  const auto started = position(log, "event web1 started");
  const auto running = position(log, "reading web1 running");
  const auto crashed = position(log, "event web1 stopped_crashed");
  const auto off = position(log, "reading web1 shut_off", running);
  ASSERT_LT(off, log.size());
  EXPECT_LT(started, running);
  EXPECT_LT(running, crashed);
  EXPECT_LT(crashed, off);
}

TEST_F(LibvirtSourceTest, NoReadingShowsAChangeBeforeItsEvent) {
  // Longer than any machine keeps libvirt's event thread waiting: order is what counts.
  start({.event_patience = RecordingListener::kPatience});
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  constexpr int kRounds = 50;
  for (int round = 1; round <= kRounds; ++round) {
    ASSERT_EQ(virDomainCreate(web_.get()), 0);
    ASSERT_TRUE(listener_.wait_for_line("reading web1 running", round));
    ASSERT_EQ(virDomainDestroy(web_.get()), 0);
    ASSERT_TRUE(listener_.wait_for_line("reading web1 shut_off", round + 1));
  }
  int started = 0;
  int stopped = 0;
  int shown_running = 0;
  int shown_off = 0;
  for (const std::string& line : listener_.log()) {
    started += line == "event web1 started" ? 1 : 0;
    stopped += line == "event web1 stopped_destroyed" ? 1 : 0;
    shown_running += line == "reading web1 running" ? 1 : 0;
    shown_off += line == "reading web1 shut_off" ? 1 : 0;
    EXPECT_LE(shown_running, started);
    EXPECT_LE(shown_off, stopped + 1) << "the first reading showed it off";
  }
  EXPECT_EQ(shown_running, kRounds);
}

TEST_F(LibvirtSourceTest, APausedVmIsPausedAndAResumedOneRuns) {
  start();
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  ASSERT_TRUE(wait_for_web(VmState::running));
  ASSERT_EQ(virDomainSuspend(web_.get()), 0);
  ASSERT_TRUE(wait_for_web(VmState::paused));
  EXPECT_EQ(web()->reason, VmReason::user);
  ASSERT_EQ(virDomainResume(web_.get()), 0);
  ASSERT_TRUE(wait_for_web(VmState::running));
}

TEST_F(LibvirtSourceTest, AnUndefinedVmIsGoneAndANewOneComesWithItsDefinition) {
  start();
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  ASSERT_EQ(virDomainUndefine(web_.get()), 0);
  ASSERT_TRUE(listener_.wait_for_line("reading web1 gone"));
  EXPECT_LT(position(listener_.log(), "event web1 undefined"),
            position(listener_.log(), "reading web1 gone"));
  web_.reset(virDomainDefineXML(connection_.get(), kWebXml));
  ASSERT_TRUE(listener_.wait_for_line("reading web1 shut_off", 2));
  EXPECT_TRUE(web()->definition_known);
  EXPECT_EQ(web()->disks.size(), 2U);
}

TEST_F(LibvirtSourceTest, AChangedDefinitionIsReadAgainAtOnce) {
  start();
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  std::string changed = kWebXml;
  changed.replace(changed.find("exist.img"), 9, "other.img");
  const DomainHandle again(virDomainDefineXML(connection_.get(), changed.c_str()));
  ASSERT_NE(again, nullptr);
  EXPECT_TRUE(listener_.wait_until(
      [&] { return web() && web()->disks.at(0).source == "/does/not/other.img"; }));
}

TEST_F(LibvirtSourceTest, WhatNoEventTellsIsSeenByTheNextResync) {
  start({.resync = milliseconds(50)});
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  ASSERT_EQ(virDomainSetAutostart(web_.get(), 1), 0);
  EXPECT_TRUE(listener_.wait_until([&] { return web() && web()->autostart == true; }));
}

TEST_F(LibvirtSourceTest, WhatNoEventTellsIsSeenWhenSomebodyAsks) {
  start({.resync = std::chrono::hours(1)});
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  ASSERT_EQ(virDomainSetAutostart(web_.get(), 1), 0);
  const int before = listener_.published_count(SourceKind::libvirt);
  ASSERT_TRUE(listener_.wait_until(
      [&] { return listener_.published_count(SourceKind::libvirt) > before + 3; }));
  EXPECT_EQ(web()->autostart, false) << "no poll would ever see it";
  source_->poke();
  EXPECT_TRUE(listener_.wait_until([&] { return web() && web()->autostart == true; }));
}

TEST_F(LibvirtSourceTest, ASavedVmIsKnownToHaveAnImage) {
  start();
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  ASSERT_TRUE(wait_for_web(VmState::running));
  ASSERT_EQ(virDomainManagedSave(web_.get(), 0), 0);
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  EXPECT_EQ(web()->reason, VmReason::saved);
  EXPECT_TRUE(listener_.wait_until([&] { return web() && web()->managed_save == true; }));
  virDomainManagedSaveRemove(web_.get(), 0);
}

TEST_F(LibvirtSourceTest, DisksAreAttachedWhileItRuns) {
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  start();
  ASSERT_TRUE(wait_for_web(VmState::running));
  EXPECT_EQ(web()->disks.at(0).attached, true);
  EXPECT_FALSE(web()->last_start.has_value()) << "it ran before our time";
}

TEST_F(LibvirtSourceTest, AnUnreachableDaemonIsAnErrorThatNamesItAndNoEmptyList) {
  LibvirtSource source({.uri = "qemu:///system?socket=/does/not/exist"}, clock_, listener_);
  source.start();
  ASSERT_TRUE(listener_.wait_until([&] {
    return listener_.bad_reads(SourceKind::libvirt) >= 2 &&
           listener_.bad_reads(SourceKind::vm_stats) >= 1;
  })) << "it tries again";
  const auto observed = source.latest();
  ASSERT_FALSE(observed.reading.has_value());
  EXPECT_EQ(observed.reading.error().code, Errc::unavailable);
  EXPECT_NE(observed.reading.error().message.find("qemu:///system?socket=/does/not/exist"),
            std::string::npos);
}

TEST_F(LibvirtSourceTest, WithoutStatisticsThereAreNone) {
  start({.stats = false});
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  source_.reset();
  EXPECT_EQ(listener_.published_count(SourceKind::vm_stats), 0);
}

TEST_F(LibvirtSourceTest, APokeReadsBeforeThePollIsDue) {
  LibvirtSource source({.uri = kUri, .poll = std::chrono::hours(1)}, clock_, listener_);
  source.start();
  ASSERT_TRUE(listener_.wait_until([&] { return source.latest().reading.has_value(); }));
  // What was left to read after the first reading is done before the poke counts.
  ASSERT_TRUE(
      listener_.wait_until([&] { return listener_.published_count(SourceKind::libvirt) > 0; }));
  const int before = listener_.published_count(SourceKind::libvirt);
  source.poke();
  EXPECT_TRUE(listener_.wait_until(
      [&] { return listener_.published_count(SourceKind::libvirt) > before; }));
}

TEST_F(LibvirtSourceTest, SeveralSourcesShareTheProcess) {
  RecordingListener other;
  start();
  LibvirtSource second({.uri = kUri, .poll = milliseconds(20)}, clock_, other);
  other.attach(&second);
  second.start();
  ASSERT_TRUE(wait_for_web(VmState::shut_off));
  ASSERT_TRUE(other.wait_for_line("reading web1 shut_off"));
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  EXPECT_TRUE(listener_.wait_for_line("event web1 started"));
  EXPECT_TRUE(other.wait_for_line("event web1 started"));
}

TEST_F(LibvirtSourceTest, TheReaderSeesWhatIsTrueNow) {
  LibvirtReader reader(kUri, "/");
  auto vm = reader.read_vm_now({kWebUuid});
  ASSERT_TRUE(vm.has_value()) << vm.error().message;
  EXPECT_EQ(vm->state, VmState::shut_off);
  EXPECT_EQ(vm->disks.at(0).backing, DiskBacking::missing);
  EXPECT_EQ(vm->networks.size(), 3U);
  EXPECT_EQ(vm->networks[1].present, false);
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  vm = reader.read_vm_now({kWebUuid});
  ASSERT_TRUE(vm.has_value());
  EXPECT_EQ(vm->state, VmState::running);
  EXPECT_EQ(vm->reason, VmReason::booted);
  EXPECT_EQ(vm->disks.at(0).attached, true);
}

TEST_F(LibvirtSourceTest, TheReaderTellsAGoneVmFromAGoneDaemon) {
  LibvirtReader reader(kUri, "/");
  const auto nobody = reader.read_vm_now({"99999999-0000-0000-0000-000000000000"});
  ASSERT_FALSE(nobody.has_value());
  EXPECT_EQ(nobody.error().code, Errc::not_found);
  LibvirtReader nowhere("qemu:///system?socket=/does/not/exist", "/");
  const auto unreachable = nowhere.read_vm_now({kWebUuid});
  ASSERT_FALSE(unreachable.has_value());
  EXPECT_EQ(unreachable.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace upkeep
