#include "remediation/effects/libvirt_control.h"

#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include "platform/libvirt_connection.h"
#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

constexpr const char* kUri = "test:///default";
const VmUuid kWeb{"11111111-0000-0000-0000-00000000bbbb"};

/// Long enough for any machine.
constexpr auto kPatience = std::chrono::seconds(30);

std::unique_ptr<HypervisorSession> session_of(LibvirtControl& control) {
  auto session = control.session(kPatience);
  EXPECT_TRUE(session.has_value()) << session.error().message;
  return *std::move(session);
}

/// libvirt's test driver in this process, with "web1" defined and off.
class LibvirtControlTest : public testing::Test {
 protected:
  void SetUp() override {
    auto connection = open_libvirt(kUri, LibvirtAccess::read_write);
    ASSERT_TRUE(connection.has_value()) << connection.error().message;
    connection_ = *connection;
    web_.reset(virDomainDefineXML(connection_.get(), R"(<domain type='test'><name>web1</name>
        <uuid>11111111-0000-0000-0000-00000000bbbb</uuid><memory unit='MiB'>16</memory>
        <os><type>hvm</type></os></domain>)"));
    ASSERT_NE(web_, nullptr);
  }
  void TearDown() override {
    if (web_ == nullptr) return;
    virDomainDestroy(web_.get());
    virDomainUndefine(web_.get());
  }

  [[nodiscard]] int state(int* reason = nullptr) const {
    int found = -1;
    virDomainGetState(web_.get(), &found, reason, 0);
    return found;
  }

  [[nodiscard]] std::unique_ptr<HypervisorSession> session() { return session_of(control_); }

  ConnectionHandle connection_;
  DomainHandle web_;
  LibvirtControl control_{kUri};
};

TEST_F(LibvirtControlTest, StartsAVmThatIsOff) {
  const auto started = session()->start(kWeb);
  ASSERT_TRUE(started.has_value()) << started.error().message;
  EXPECT_EQ(state(), VIR_DOMAIN_RUNNING);
}

TEST_F(LibvirtControlTest, AsksForTheLastWordRightBeforeItStartsAVm) {
  int asked = 0;
  const auto no = [&]() -> Result<void> {
    ++asked;
    return fail(Errc::unavailable, "not any more");
  };
  const auto held = (*control_.session({kPatience, no}))->start(kWeb);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().message, "not any more");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(state(), VIR_DOMAIN_SHUTOFF);
  // It is about a call, and not about what is looked up before one.
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  EXPECT_EQ((*control_.session({kPatience, no}))->resume(kWeb).error().code, Errc::conflict);
  EXPECT_EQ(asked, 1);
  EXPECT_FALSE((*control_.session({kPatience, no}))->reset(kWeb));
  EXPECT_EQ(asked, 2);
}

TEST_F(LibvirtControlTest, ResumesOnlyWhatAnIoErrorPaused) {
  EXPECT_EQ(session()->resume(kWeb).error().code, Errc::conflict) << "it is off";
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  EXPECT_EQ(session()->resume(kWeb).error().code, Errc::conflict) << "it runs";
  ASSERT_EQ(virDomainSuspend(web_.get()), 0);
  const auto resumed = session()->resume(kWeb);
  ASSERT_FALSE(resumed) << "a user's pause is a wish";
  EXPECT_EQ(resumed.error().code, Errc::conflict);
  EXPECT_EQ(state(), VIR_DOMAIN_PAUSED);
}

TEST_F(LibvirtControlTest, ResetsOnlyAGuestThatRuns) {
  EXPECT_EQ(session()->reset(kWeb).error().code, Errc::conflict) << "it is off";
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  const auto reset = session()->reset(kWeb);
  EXPECT_TRUE(reset) << reset.error().message;
  EXPECT_EQ(state(), VIR_DOMAIN_RUNNING);
  ASSERT_EQ(virDomainSuspend(web_.get()), 0);
  EXPECT_EQ(session()->reset(kWeb).error().code, Errc::conflict) << "a pause is somebody's wish";
}

TEST_F(LibvirtControlTest, ResetsNoGuestThatWouldEndByIt) {
  web_.reset(virDomainDefineXML(connection_.get(), R"(<domain type='test'><name>web1</name>
      <uuid>11111111-0000-0000-0000-00000000bbbb</uuid><memory unit='MiB'>16</memory>
      <os><type>hvm</type></os><on_reboot>destroy</on_reboot></domain>)"));
  ASSERT_NE(web_, nullptr);
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  const auto reset = session()->reset(kWeb);
  ASSERT_FALSE(reset);
  EXPECT_EQ(reset.error().code, Errc::invalid);
  EXPECT_NE(reset.error().message.find("on_reboot is 'destroy'"), std::string::npos);
  EXPECT_EQ(state(), VIR_DOMAIN_RUNNING);
}

TEST_F(LibvirtControlTest, AttachesOnlyWhatTheDefinitionHas) {
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  const auto attached = session()->attach_disk(kWeb, DiskTarget{"vdb"});
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().code, Errc::not_found) << attached.error().message;
}

TEST_F(LibvirtControlTest, AVmThatRunsAlreadyIsAConflict) {
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  const auto started = session()->start(kWeb);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, Errc::conflict);
  EXPECT_NE(started.error().message.find("start VM 'web1'"), std::string::npos)
      << started.error().message;
}

TEST_F(LibvirtControlTest, ManyStartsAtOnceMakeOneGuest) {
  std::atomic<int> succeeded = 0;
  std::atomic<int> conflicts = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const auto started = session()->start(kWeb);
        if (started) ++succeeded;
        if (!started && started.error().code == Errc::conflict) ++conflicts;
      });
    }
  }
  EXPECT_EQ(succeeded, 1);
  EXPECT_EQ(conflicts, 7);
}

TEST_F(LibvirtControlTest, AManagedSaveImageIsResumedAndNotThrownAway) {
  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  ASSERT_EQ(virDomainManagedSave(web_.get(), 0), 0);
  ASSERT_EQ(virDomainHasManagedSaveImage(web_.get(), 0), 1);
  ASSERT_TRUE(session()->start(kWeb).has_value());
  int reason = -1;
  EXPECT_EQ(state(&reason), VIR_DOMAIN_RUNNING);
  EXPECT_EQ(virDomainHasManagedSaveImage(web_.get(), 0), 0) << "used up by the resume";
}

TEST_F(LibvirtControlTest, AVmThatIsGoneIsNotFound) {
  const VmUuid nobody{"99999999-0000-0000-0000-000000000000"};
  const auto started = session()->start(nobody);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, Errc::not_found);
  const auto destroyed = session()->destroy_crashed(nobody);
  ASSERT_FALSE(destroyed.has_value());
  EXPECT_EQ(destroyed.error().code, Errc::not_found);
}

TEST_F(LibvirtControlTest, DestroysNothingThatIsNotCrashed) {
  auto destroyed = session()->destroy_crashed(kWeb);
  ASSERT_FALSE(destroyed.has_value()) << "it is off";
  EXPECT_EQ(destroyed.error().code, Errc::conflict);

  ASSERT_EQ(virDomainCreate(web_.get()), 0);
  destroyed = session()->destroy_crashed(kWeb);
  ASSERT_FALSE(destroyed.has_value()) << "it runs";
  EXPECT_EQ(destroyed.error().code, Errc::conflict);
  EXPECT_EQ(state(), VIR_DOMAIN_RUNNING);

  ASSERT_EQ(virDomainSuspend(web_.get()), 0);
  destroyed = session()->destroy_crashed(kWeb);
  ASSERT_FALSE(destroyed.has_value()) << "it is paused";
  EXPECT_EQ(state(), VIR_DOMAIN_PAUSED);
}

// A node file of the test driver: the only way to a guest that is crashed and preserved.
TEST(LibvirtControl, DropsACrashedGuestSoThatItCanBeStarted) {
  const test::TempDir folder;
  std::ofstream(folder / "node.xml") << R"(<node>
    <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
      <test:runstate>6</test:runstate>
      <name>web1</name><uuid>11111111-0000-0000-0000-00000000bbbb</uuid>
      <memory unit='MiB'>16</memory><os><type>hvm</type></os>
    </domain></node>)";
  LibvirtControl control("test://" + (folder / "node.xml").string());
  ASSERT_FALSE(session_of(control)->start(kWeb).has_value()) << "the dead one is in the way";
  const auto destroyed = session_of(control)->destroy_crashed(kWeb);
  ASSERT_TRUE(destroyed.has_value()) << destroyed.error().message;
  const auto again = session_of(control)->destroy_crashed(kWeb);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Errc::conflict);
  EXPECT_TRUE(session_of(control)->start(kWeb).has_value());
}

TEST(LibvirtControl, AnUnreachableDaemonIsUnavailableAndNoConflict) {
  LibvirtControl control("qemu:///system?socket=/does/not/exist");
  for (int i = 0; i < 2; ++i) {
    const auto session = control.session(kPatience);
    ASSERT_FALSE(session.has_value());
    EXPECT_EQ(session.error().code, Errc::unavailable);
  }
}

}  // namespace
}  // namespace upkeep
