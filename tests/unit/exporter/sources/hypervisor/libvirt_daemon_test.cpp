#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

#include <csignal>

#include "exporter/sources/hypervisor/libvirt_reader.h"
#include "exporter/sources/hypervisor/libvirt_source.h"
#include "platform/libvirt_connection.h"
#include "tests/unit/exporter/sources/hypervisor/private_libvirtd.h"
#include "tests/unit/exporter/sources/hypervisor/recording_listener.h"

namespace upkeep {
namespace {

using std::chrono::milliseconds;

// The VM that libvirt's test driver makes by itself.
constexpr const char* kVm = "test";

/// A daemon that comes, goes and hangs, with a source that watches it.
class LibvirtDaemonTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "a private libvirtd needs root";
    if (!daemon_.start()) GTEST_SKIP() << "no private libvirtd on this machine";
    source_.emplace(LibvirtSourceOptions{.uri = daemon_.uri(), .poll = milliseconds(100)}, clock_,
                    listener_);
    listener_.attach(&*source_);
    source_->start();
    ASSERT_TRUE(listener_.wait_for_line("reading test running"));
  }

  [[nodiscard]] bool wait_for_reading(bool good) {
    return listener_.wait_until([&] { return source_->latest().reading.has_value() == good; });
  }

  SystemClock clock_;
  RecordingListener listener_;
  PrivateLibvirtd daemon_;
  std::optional<LibvirtSource> source_;
};

TEST_F(LibvirtDaemonTest, ADaemonThatDiesIsAnErrorAndOneThatComesBackIsListenedToAgain) {
  LibvirtReader reader(daemon_.uri(), "/");
  const VmUuid uuid = (**source_->latest().reading).front().uuid;
  EXPECT_TRUE(reader.read_vm_now(uuid).has_value());

  daemon_.stop();
  ASSERT_TRUE(wait_for_reading(false));
  EXPECT_EQ(source_->latest().reading.error().code, Errc::unavailable);
  EXPECT_EQ(reader.read_vm_now(uuid).error().code, Errc::unavailable);
  for (const std::string& line : listener_.log()) {
    EXPECT_NE(line, "reading test shut_off");
    EXPECT_NE(line, "reading test gone");
  }

  ASSERT_TRUE(daemon_.start());
  ASSERT_TRUE(wait_for_reading(true));
  const auto connection = open_libvirt(daemon_.uri(), LibvirtAccess::read_write);
  ASSERT_TRUE(connection.has_value()) << connection.error().message;
  const DomainHandle vm(virDomainLookupByName(connection->get(), kVm));
  ASSERT_NE(vm, nullptr);
  ASSERT_EQ(virDomainDestroy(vm.get()), 0);
  ASSERT_TRUE(listener_.wait_for_line("event test stopped_destroyed"));
  ASSERT_TRUE(listener_.wait_for_line("reading test shut_off"));
  EXPECT_EQ(reader.read_vm_now(uuid).value().state, VmState::shut_off) << "it connected again";
}

TEST_F(LibvirtDaemonTest, TheSourceIsGoneWithinASecondWhileTheDaemonHangs) {
  daemon_.send(SIGSTOP);
  source_->poke();  // So that a call is out and not answered.
  std::this_thread::sleep_for(milliseconds(50));
  const auto before = std::chrono::steady_clock::now();
  source_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  const auto told = listener_.log().size();
  daemon_.send(SIGCONT);
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ(listener_.log().size(), told) << "what was left behind tells nobody";
}

}  // namespace
}  // namespace upkeep
