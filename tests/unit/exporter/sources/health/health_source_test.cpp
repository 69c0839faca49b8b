#include "exporter/sources/health/health_source.h"

#include <gtest/gtest.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "exporter/sources/health/libvirt_probe.h"
#include "platform/libvirt_connection.h"
#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;

const HealthCheck kAgent{.kind = HealthCheck::Kind::agent};

/// Answers as the test says; a guest that hangs does so until the test lets it go.
class FakeGuests final : public GuestProbe {
 public:
  ~FakeGuests() override { let_go(); }

  [[nodiscard]] CheckAnswer ask(const CheckOrder& order) override {
    std::unique_lock lock(mutex_);
    ++asked_[order.uuid];
    if (broken_.contains(order.uuid)) throw std::runtime_error("a bug");
    changed_.wait(lock, [&] { return !hanging_.contains(order.uuid); });
    return {.kind = healthy_.contains(order.uuid) ? CheckAnswer::Kind::healthy
                                                  : CheckAnswer::Kind::unhealthy,
            .detail = "the guest agent does not answer"};
  }
  void heal(const std::string& vm) {
    const std::scoped_lock lock(mutex_);
    healthy_.insert(VmUuid{vm});
  }
  void break_down(const std::string& vm) {
    const std::scoped_lock lock(mutex_);
    broken_.insert(VmUuid{vm});
  }
  void hang(const std::string& vm) {
    const std::scoped_lock lock(mutex_);
    hanging_.insert(VmUuid{vm});
  }
  void let_go() {
    const std::scoped_lock lock(mutex_);
    hanging_.clear();
    changed_.notify_all();
  }
  [[nodiscard]] int asked(const std::string& vm) {
    const std::scoped_lock lock(mutex_);
    return asked_[VmUuid{vm}];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<VmUuid> healthy_, hanging_, broken_;
  std::map<VmUuid, int> asked_;
};

/// Waits for news, and looks whether it is what the test waits for.
class News {
 public:
  void tell() {
    const std::scoped_lock lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  template <class Condition>
  [[nodiscard]] bool wait_until(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, condition);
  }
  [[nodiscard]] int count() {
    const std::scoped_lock lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

class HealthSourceTest : public ::testing::Test {
 protected:
  /// Long enough for ten rounds of what must not happen.
  static void wait_a_while() { std::this_thread::sleep_for(100ms); }
  /// Everything in hundredths of the real times.
  [[nodiscard]] HealthSource::Parts parts() {
    HealthSource::Parts parts;
    parts.clock = std::make_shared<SystemClock>();
    parts.probe = guests_;
    parts.on_news = [this] { news_.tell(); };
    parts.pace = {.unverified = 20ms, .verified = 100ms, .slow = 10ms, .overdue = 100ms};
    parts.look = 10ms;
    return parts;
  }
  [[nodiscard]] HealthSource::Parts with_vms(std::vector<ActiveVm> vms) {
    auto with = parts();
    with.list = [vms = std::move(vms)](const CheckOf&) { return vms; };
    return with;
  }
  static ActiveVm vm(const std::string& name) {
    return {.uuid = VmUuid{name}, .run = 1, .running = true, .check = kAgent};
  }
  static std::optional<VmHealth> health_of(const HealthSource& source, const std::string& name) {
    const auto healths = source.latest();
    if (healths == nullptr || !healths->contains(VmUuid{name})) return std::nullopt;
    return healths->at(VmUuid{name});
  }

  std::shared_ptr<FakeGuests> guests_ = std::make_shared<FakeGuests>();
  News news_;
};

TEST_F(HealthSourceTest, TellsWhenAGuestBecomesHealthy) {
  HealthSource source(with_vms({vm("web1")}));
  source.use([](const VmName&) { return kAgent; });
  source.start();
  ASSERT_TRUE(news_.wait_until([&] { return health_of(source, "web1").has_value(); }));
  EXPECT_FALSE(health_of(source, "web1")->healthy);
  EXPECT_EQ(health_of(source, "web1")->detail, "the guest agent does not answer");
  guests_->heal("web1");
  ASSERT_TRUE(news_.wait_until([&] { return health_of(source, "web1")->healthy; }));
  EXPECT_TRUE(health_of(source, "web1")->verified.has_value());
}

TEST_F(HealthSourceTest, AsksNobodyWhileNoVmHasACheck) {
  std::atomic<int> lists = 0;
  auto with = parts();
  with.list = [&](const CheckOf&) -> Result<std::vector<ActiveVm>> {
    ++lists;
    return std::vector<ActiveVm>{vm("web1")};
  };
  HealthSource source(std::move(with));
  source.start();
  source.poke();
  wait_a_while();
  EXPECT_EQ(lists, 0);
  EXPECT_EQ(source.latest(), nullptr);
  source.use([](const VmName&) { return kAgent; });
  ASSERT_TRUE(news_.wait_until([&] { return health_of(source, "web1").has_value(); }));
  source.use(nullptr);
  // Nobody tells that it is over: the snapshots that follow just have it no more.
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (source.latest() != nullptr && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  EXPECT_EQ(source.latest(), nullptr);
  const int before = lists;
  source.poke();
  wait_a_while();
  EXPECT_EQ(lists, before);
}

TEST_F(HealthSourceTest, AGuestThatHangsKeepsNobodyElseWaiting) {
  guests_->hang("hung1");
  guests_->heal("web1");
  HealthSource source(with_vms({vm("hung1"), vm("web1")}));
  source.use([](const VmName&) { return kAgent; });
  source.start();
  ASSERT_TRUE(news_.wait_until([&] {
    const auto web = health_of(source, "web1");
    return web && web->healthy;
  }));
  ASSERT_TRUE(news_.wait_until([&] {
    const auto hung = health_of(source, "hung1");
    return hung && hung->detail == "the check does not end";
  }));
  EXPECT_EQ(health_of(source, "hung1")->at, Tick{});
  EXPECT_EQ(guests_->asked("hung1"), 1) << "one check a VM at once";
  guests_->let_go();
  ASSERT_TRUE(news_.wait_until([&] { return health_of(source, "hung1")->at != Tick{}; }));
}

TEST_F(HealthSourceTest, EndsAndIsSilentAlthoughACheckHangs) {
  guests_->hang("hung1");
  int after = 0;
  {
    HealthSource source(with_vms({vm("hung1")}));
    source.use([](const VmName&) { return kAgent; });
    source.start();
    ASSERT_TRUE(news_.wait_until([&] { return guests_->asked("hung1") > 0; }) ||
                guests_->asked("hung1") > 0);
    source.close();
    after = news_.count();
  }
  guests_->let_go();
  wait_a_while();
  EXPECT_EQ(news_.count(), after);
}

TEST_F(HealthSourceTest, ACheckWithABugEndsNothingElse) {
  guests_->break_down("odd1");
  guests_->heal("web1");
  HealthSource source(with_vms({vm("odd1"), vm("web1")}));
  source.use([](const VmName&) { return kAgent; });
  source.start();
  ASSERT_TRUE(news_.wait_until([&] {
    const auto odd = health_of(source, "odd1");
    const auto web = health_of(source, "web1");
    return odd && odd->detail == "a bug" && web && web->healthy;
  }));
  EXPECT_EQ(health_of(source, "odd1")->at, Tick{}) << "nothing is known of it";
}

TEST_F(HealthSourceTest, KeepsWhatItKnowsWhileLibvirtCannotBeAsked) {
  std::atomic<bool> away = false;
  std::atomic<int> refused = 0;
  auto with = parts();
  with.list = [&](const CheckOf&) -> Result<std::vector<ActiveVm>> {
    if (away) {
      ++refused;
      return fail(Errc::unavailable, "libvirtd is gone");
    }
    return std::vector<ActiveVm>{vm("web1")};
  };
  guests_->heal("web1");
  HealthSource source(std::move(with));
  source.use([](const VmName&) { return kAgent; });
  source.start();
  ASSERT_TRUE(news_.wait_until([&] { return health_of(source, "web1").has_value(); }));
  away = true;
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (refused < 2 && std::chrono::steady_clock::now() < until) source.poke();
  EXPECT_GE(refused, 2);
  EXPECT_TRUE(health_of(source, "web1")->healthy);
}

// --- libvirt

constexpr const char* kGuests = R"(<node>
  <domain type='test'><name>web1</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e1931</uuid>
    <memory>8192</memory><os><type>hvm</type></os></domain>
  <domain type='test'><name>dns1</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e1932</uuid>
    <memory>8192</memory><os><type>hvm</type></os></domain>
</node>)";

class ActiveVmsTest : public ::testing::Test {
 protected:
  ActiveVmsTest() {
    std::ofstream(directory_.path() / "node.xml") << kGuests;
    connection_ = *open_libvirt(uri_, LibvirtAccess::read_write);
  }
  static HealthCheck agent_for_web(const VmName& vm) {
    return vm.value.starts_with("web") ? kAgent : HealthCheck{};
  }

  test::TempDir directory_;
  std::string uri_ = "test://" + (directory_.path() / "node.xml").string();
  ConnectionHandle connection_;
};

TEST_F(ActiveVmsTest, ListsWhatRunsAndHasACheck) {
  ActiveVms active(uri_);
  const auto vms = active.read(agent_for_web);
  ASSERT_TRUE(vms.has_value()) << vms.error().message;
  ASSERT_EQ(vms->size(), 1U);
  EXPECT_EQ(vms->at(0).uuid, VmUuid{"6695eb01-f6a4-8304-79aa-97f2502e1931"});
  EXPECT_EQ(vms->at(0).check, kAgent);
  EXPECT_TRUE(vms->at(0).running);
  EXPECT_GT(vms->at(0).run, 0);
}

TEST_F(ActiveVmsTest, SaysThatLibvirtIsAway) {
  ActiveVms active("qemu+unix:///system?socket=/nonexistent/libvirt-sock");
  const auto vms = active.read(agent_for_web);
  ASSERT_FALSE(vms.has_value());
  EXPECT_EQ(vms.error().code, Errc::unavailable);
}

TEST_F(ActiveVmsTest, ADriverWithoutAgentsSaysNothingAboutTheGuest) {
  ActiveVms active(uri_);
  const auto vms = active.read(agent_for_web);
  ASSERT_TRUE(vms.has_value() && !vms->empty());
  LibvirtProbe probe(uri_);
  const auto answer = probe.ask({.uuid = vms->at(0).uuid, .run = vms->at(0).run, .check = kAgent});
  EXPECT_EQ(answer.kind, CheckAnswer::Kind::not_asked);
  EXPECT_NE(answer.detail.find("can't be asked"), std::string::npos) << answer.detail;
}

TEST_F(ActiveVmsTest, ARunThatIsOverIsNotAsked) {
  LibvirtProbe probe(uri_);
  const auto answer = probe.ask({.uuid = VmUuid{"x"}, .run = 4711, .check = kAgent});
  EXPECT_EQ(answer.kind, CheckAnswer::Kind::not_asked);
  EXPECT_EQ(answer.detail, "it has just stopped");
}

TEST(AgentAnswer, WhatLibvirtSaysOfTheAgentIsAboutTheGuest) {
  const auto of = [](int code, const char* message) {
    return to_answer({.code = code, .domain = VIR_FROM_QEMU, .message = message});
  };
  // libvirt 9.0's words.
  auto answer = of(VIR_ERR_AGENT_UNRESPONSIVE,
                   "Guest agent is not responding: QEMU guest agent is not connected");
  EXPECT_EQ(answer.kind, CheckAnswer::Kind::unhealthy);
  EXPECT_EQ(answer.detail, "the guest agent is not connected");
  answer = of(VIR_ERR_AGENT_UNRESPONSIVE,
              "Guest agent is not responding: Guest agent not available for now");
  EXPECT_EQ(answer.kind, CheckAnswer::Kind::unhealthy);
  EXPECT_EQ(answer.detail, "the guest agent does not answer");
  answer =
      of(VIR_ERR_ARGUMENT_UNSUPPORTED, "argument unsupported: QEMU guest agent is not configured");
  EXPECT_EQ(answer.kind, CheckAnswer::Kind::unhealthy);
  EXPECT_NE(answer.detail.find("no guest agent channel"), std::string::npos);
  answer = of(VIR_ERR_INTERNAL_ERROR,
              "internal error: unable to execute QEMU agent command 'guest-ping': disabled");
  EXPECT_EQ(answer.kind, CheckAnswer::Kind::unhealthy);
}

TEST(AgentAnswer, WhatLibvirtSaysOfItselfIsNot) {
  for (const int code :
       {VIR_ERR_OPERATION_TIMEOUT, VIR_ERR_OPERATION_INVALID, VIR_ERR_NO_DOMAIN,
        VIR_ERR_AUTH_FAILED, VIR_ERR_OPERATION_DENIED, VIR_ERR_NO_SUPPORT, VIR_ERR_RPC}) {
    EXPECT_EQ(to_answer({.code = code, .domain = VIR_FROM_QEMU, .message = "x"}).kind,
              CheckAnswer::Kind::not_asked)
        << code;
  }
  EXPECT_EQ(to_answer({.code = VIR_ERR_INTERNAL_ERROR,
                       .domain = VIR_FROM_RPC,
                       .message = "internal error: client socket is closed"})
                .kind,
            CheckAnswer::Kind::not_asked);
}

}  // namespace
}  // namespace upkeep
