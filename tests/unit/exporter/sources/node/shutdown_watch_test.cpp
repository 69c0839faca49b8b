#include "exporter/sources/node/shutdown_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "exporter/model/clock.h"
#include "tests/unit/exporter/sources/node/fake_node.h"
#include "tests/unit/exporter/sources/node/private_bus.h"

namespace upkeep {
namespace {

using test::FakeLogind;
using test::FakeNode;
using test::PrivateBus;
using namespace std::chrono_literals;

/// Takes news until the watch says so, for so long at most.
bool becomes(ShutdownWatch& watch, bool going_down, Duration limit = 5s) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (watch.going_down() != going_down) {
    if (std::chrono::steady_clock::now() > until) return false;
    pollfd waited{.fd = watch.fd(), .events = watch.events(), .revents = 0};
    ::poll(&waited, 1, 20);
    watch.take_news();
  }
  return true;
}

TEST(ShutdownWatchTest, WithoutABusKnowsOnlyTheFile) {
  const FakeNode fake;
  ShutdownWatch watch(fake.root());
  watch.ask();
  watch.take_news();
  EXPECT_EQ(watch.fd(), -1);
  EXPECT_FALSE(watch.going_down());
  fake.file("run/upkeep/shutting-down", "");
  EXPECT_TRUE(watch.going_down());
  fake.remove("run/upkeep/shutting-down");
  EXPECT_FALSE(watch.going_down());
}

TEST(ShutdownWatchTest, IsNotFooledByALockedLoginOrAPlan) {
  const FakeNode fake;
  fake.file("run/nologin", "System is booting up.\n");
  fake.file("run/systemd/shutdown/scheduled", "USEC=1\nMODE=poweroff\n");
  ShutdownWatch watch(fake.root());
  watch.ask();
  EXPECT_FALSE(watch.going_down());
}

TEST(ShutdownWatchTest, IsNotHeldUpByABusThatHangs) {
  const FakeNode fake;
  std::filesystem::create_directories(fake.root() / "run/dbus");
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (fake.root() / "run/dbus/system_bus_socket").string();
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener, 5), 0);
  const auto begun = std::chrono::steady_clock::now();
  {
    ShutdownWatch watch(fake.root());
    for (int i = 0; i < 5; ++i) watch.ask();
    EXPECT_FALSE(watch.going_down());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  ::close(listener);
}

class OnABus : public testing::Test {
 protected:
  void SetUp() override {
    if (!bus.wait_until_up()) GTEST_SKIP() << "no dbus-daemon here";
  }
  FakeNode fake;
  PrivateBus bus{fake.root()};
};

TEST_F(OnABus, HearsLogindAtOnce) {
  FakeLogind logind(bus.address(), false, "running");
  ASSERT_TRUE(logind.up());
  ShutdownWatch watch(fake.root());
  watch.ask();
  EXPECT_FALSE(becomes(watch, true, 100ms)) << "nobody said so";
  EXPECT_NE(watch.fd(), -1);
  logind.announce(true);
  EXPECT_TRUE(becomes(watch, true));
  logind.announce(false);
  EXPECT_TRUE(becomes(watch, false)) << "the shutdown was cancelled";
}

TEST_F(OnABus, AsksLogindWhatItMissed) {
  const FakeLogind logind(bus.address(), true, "running");
  ShutdownWatch watch(fake.root());
  watch.ask();
  EXPECT_TRUE(becomes(watch, true));
}

TEST_F(OnABus, AsksSystemdAsWell) {
  const FakeLogind logind(bus.address(), false, "stopping");
  ShutdownWatch watch(fake.root());
  watch.ask();
  EXPECT_TRUE(becomes(watch, true));
}

TEST_F(OnABus, KeepsWhatWasSaidWhenTheBusGoes) {
  FakeLogind logind(bus.address(), true, "running");
  ShutdownWatch watch(fake.root());
  watch.ask();
  ASSERT_TRUE(becomes(watch, true));
  bus.stop();
  for (int i = 0; i < 100 && watch.fd() != -1; ++i) {
    watch.take_news();
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(watch.fd(), -1) << "else the source's poll would spin";
  watch.ask();
  EXPECT_TRUE(watch.going_down());
}

TEST_F(OnABus, LivesWithoutLogind) {
  ShutdownWatch watch(fake.root());
  watch.ask();
  EXPECT_FALSE(becomes(watch, true, 100ms));
  watch.ask();
  EXPECT_FALSE(watch.going_down());
}

}  // namespace
}  // namespace upkeep
