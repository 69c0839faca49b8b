// The whole program with the demo's host: real sources, decisions, journal, executor and HTTP, on
// libvirt's test driver in this process.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/daemon/upkeep.h"
#include "remediation/journal/sqlite_journal.h"
#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kPatience = 30s;
constexpr auto kLook = 5ms;

/// Before any thread, so that all of them have the signals blocked.
const Signals kSignals;

/// Log lines, of every thread.
class Lines {
 public:
  void add(std::string_view line) {
    const std::scoped_lock lock(mutex_);
    lines_.emplace_back(line);
  }
  [[nodiscard]] bool contain(std::string_view text) const {
    const std::scoped_lock lock(mutex_);
    return std::ranges::any_of(
        lines_, [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

class DemoDaemonTest : public testing::Test {
 protected:
  void SetUp() override {
    configure("mode = \"act\"\n");
    DaemonOptions options;
    options.demo = true;
    options.config_file = config_file_;
    options.config.mode = Mode::act;
    options.config.http.listen = {.host = "127.0.0.1", .port = 0};
    options.config.http.control_listen = {.host = "127.0.0.1", .port = 0};
    auto upkeep = Upkeep::prepare(options, {.clock = std::make_shared<const SystemClock>(),
                                            .log = log_,
                                            .signals = &kSignals,
                                            .runtime_dir = runtime_dir_.path(),
                                            .demo_dir = demo_dir_.path()});
    ASSERT_TRUE(upkeep) << upkeep.error().message;
    upkeep_ = std::move(*upkeep);
    loop_ = std::jthread([this] { upkeep_->run(); });
    ASSERT_TRUE(soon([this] { return settled(); })) << "the demo does not settle";
  }

  void TearDown() override {
    if (upkeep_ != nullptr) upkeep_->stop();
    if (loop_.joinable()) loop_.join();
  }

  void configure(const std::string& text) { std::ofstream(config_file_) << text; }

  [[nodiscard]] static bool soon(const std::function<bool()>& is_so) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!is_so()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(kLook);
    }
    return true;
  }

  [[nodiscard]] bool settled() const {
    const auto view = upkeep_->view();
    return view != nullptr && view->history.settled_at && all_up() &&
           view->history.intents.size() == demo_vms().size();
  }

  [[nodiscard]] VmState state_of(std::string_view name) const {
    const auto snapshot = upkeep_->snapshot();
    const Vm* const vm = snapshot ? find_vm(*snapshot, VmName{std::string(name)}) : nullptr;
    return vm == nullptr ? VmState::unknown : vm->state;
  }

  /// Every VM that ran at first runs.
  [[nodiscard]] bool all_up() const {
    return std::ranges::all_of(
        demo_vms(), [this](const DemoVm& vm) { return is_up(state_of(vm.name)) == vm.running; });
  }

  void do_it(std::string what, std::string target = {}) {
    const auto done = upkeep_->demo()->carry_out({.what = std::move(what), .target = target});
    ASSERT_TRUE(done) << done.error().message;
  }

  /// The line of the ledger.
  [[nodiscard]] Intent intent_of(std::string_view name) const {
    const auto view = upkeep_->view();
    for (const auto& [uuid, intent] : view->history.intents) {
      if (intent.name.value == name) return intent;
    }
    return {};
  }

  [[nodiscard]] const TargetHistory* tried(std::string_view name) {
    view_ = upkeep_->view();
    const auto line = view_->history.targets.find({Target::Kind::vm, std::string(name)});
    return line == view_->history.targets.end() ? nullptr : &line->second;
  }

  /// Up again by one of our actions, which has ended.
  [[nodiscard]] bool restarted(std::string_view name) {
    const TargetHistory* const line = tried(name);
    return is_up(state_of(name)) && line != nullptr && !line->in_flight && line->last_outcome &&
           line->last_outcome->kind == Outcome::Kind::succeeded;
  }

  /// What is in the journal, oldest first, as "begin vm/web1".
  [[nodiscard]] std::vector<std::string> story() const {
    const auto journal = SqliteJournal::open_read_only(demo_dir_ / "upkeep.db");
    EXPECT_TRUE(journal) << journal.error().message;
    const auto entries = (*journal)->history({.limit = 1000, .target = {}, .since = {}});
    EXPECT_TRUE(entries);
    std::vector<std::string> lines;
    for (const HistoryEntry& entry : *entries) lines.push_back(entry.kind + " " + entry.target);
    std::ranges::reverse(lines);
    return lines;
  }

  test::TempDir runtime_dir_, demo_dir_;
  std::filesystem::path config_file_ = runtime_dir_ / "upkeep.toml";
  SystemClock clock_;
  Lines lines_;
  Log log_{clock_, {.sink = [this](std::string_view line) { lines_.add(line); }}};
  std::unique_ptr<Upkeep> upkeep_;
  std::shared_ptr<const RemediationView> view_;
  std::jthread loop_;
};

TEST_F(DemoDaemonTest, ACrashedVmRunsAgainAtOnce) {
  const auto crashed = std::chrono::steady_clock::now();
  do_it("crash", "web1");
  ASSERT_TRUE(soon([this] { return restarted("web1"); }));
  // The first try has no back-off; even a busy machine needs no second poll for it.
  EXPECT_LT(std::chrono::steady_clock::now() - crashed, 8s);
  EXPECT_EQ(tried("web1")->in_row, 1);
  EXPECT_TRUE(intent_of("web1").wanted);
  EXPECT_THAT(story(), testing::IsSupersetOf({"begin vm/web1", "end vm/web1"}));
}

TEST_F(DemoDaemonTest, AVmStoppedOnPurposeStaysDown) {
  do_it("stop", "web2");
  ASSERT_TRUE(soon([this] { return intent_of("web2").last_stop == StopCause::operator_destroy; }));
  EXPECT_FALSE(intent_of("web2").wanted);
  // Something else is repaired meanwhile: the loop had every chance to touch web2.
  do_it("crash", "web3");
  ASSERT_TRUE(soon([this] { return restarted("web3"); }));
  EXPECT_EQ(state_of("web2"), VmState::shut_off);
  EXPECT_EQ(tried("web2"), nullptr);
}

TEST_F(DemoDaemonTest, AVmThatWasOffAtFirstIsNotStarted) {
  EXPECT_EQ(state_of("oldwiki"), VmState::shut_off);
  EXPECT_FALSE(intent_of("oldwiki").wanted);
}

TEST_F(DemoDaemonTest, AfterAPowerCutEverythingComesBackStorageFirst) {
  do_it("power-cut");
  ASSERT_TRUE(soon([this] {
    return std::ranges::all_of(
        demo_vms(), [this](const DemoVm& vm) { return !vm.running || restarted(vm.name); });
  }));
  EXPECT_EQ(state_of("oldwiki"), VmState::shut_off);

  const auto snapshot = upkeep_->snapshot();
  const auto lines = story();
  for (const DemoVm& vm : demo_vms()) {
    if (!vm.resource) continue;
    const DrbdResource* const resource = find_resource(*snapshot, *vm.resource);
    ASSERT_NE(resource, nullptr);
    EXPECT_EQ(resource->role, DrbdRole::primary) << "promoted before the start, as 8.4 needs it";
    const auto brought_up = std::ranges::find(lines, "end resource/" + vm.resource->value);
    const auto started = std::ranges::find(lines, "begin vm/" + std::string(vm.name));
    ASSERT_NE(brought_up, lines.end()) << vm.name;
    ASSERT_NE(started, lines.end()) << vm.name;
    EXPECT_LT(brought_up - lines.begin(), started - lines.begin()) << vm.name;
  }
  EXPECT_EQ(upkeep_->view()->boots.size(), 2U);
  EXPECT_EQ(upkeep_->view()->boots.back().previous_shutdown, PreviousShutdown::unclean);
}

TEST_F(DemoDaemonTest, EachPowerCutIsOneRecoveryThatTellsWhatTookHowLong) {
  const auto died = std::ranges::count_if(demo_vms(), &DemoVm::running);
  for (const int cut : {1, 2, 3}) {
    do_it("power-cut");
    ASSERT_TRUE(soon([&] {
      const auto view = upkeep_->view();
      return view->recovery != nullptr && view->recovery->id >= cut && view->recovery->ended &&
             view->in_flight.empty() && all_up();
    }));
    const auto recovery = upkeep_->view()->recovery;
    EXPECT_EQ(recovery->id, cut);
    EXPECT_EQ(recovery->cause, RecoveryCause::node_boot);
    ASSERT_EQ(std::ssize(recovery->members), died);
    for (const RecoveryMember& member : recovery->members) {
      EXPECT_EQ(member.state, MemberState::healthy) << member.name.value;
      EXPECT_FALSE(member.phases.empty()) << member.name.value;
    }
  }
}

TEST_F(DemoDaemonTest, AVmOnACutLinkStartsWhereItLastWrote) {
  do_it("disconnect", "db1");
  do_it("crash", "db1");
  ASSERT_TRUE(soon([this] { return restarted("db1"); }));
  do_it("reconnect", "db1");
}

TEST_F(DemoDaemonTest, SaysThatItsDrbdIsSimulated) {
  const auto snapshot = upkeep_->snapshot();
  ASSERT_TRUE(snapshot->drbd.reading);
  EXPECT_TRUE((*snapshot->drbd.reading)->simulated);
}

TEST_F(DemoDaemonTest, NamesWhatItCanDoAndWhatItHas) {
  const auto unknown = upkeep_->demo()->carry_out({.what = "explode", .target = {}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::invalid);
  EXPECT_THAT(unknown.error().message, HasSubstr("power-cut"));
  const auto nobody = upkeep_->demo()->carry_out({.what = "crash", .target = "web9"});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Errc::not_found);
  EXPECT_THAT(nobody.error().message, HasSubstr("web1"));
  EXPECT_EQ(upkeep_->demo()->carry_out({.what = "crash", .target = "oldwiki"}).error().code,
            Errc::conflict);
}

TEST_F(DemoDaemonTest, ReloadsItsPolicyAndKeepsItWhenTheFileIsWrong) {
  configure("mode = \"observe\"\n");
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  ASSERT_TRUE(soon([this] { return upkeep_->view()->mode == Mode::observe; }));
  EXPECT_TRUE(lines_.contain("changed=mode mode=observe"));

  configure("mode = \"obsrve\"\n");
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  ASSERT_TRUE(soon([this] { return lines_.contain("the old one stays"); }));
  EXPECT_TRUE(lines_.contain("upkeep.toml:1:")) << "it says where";

  do_it("crash", "web1");
  ASSERT_TRUE(soon([this] { return lines_.contain("reason=observing"); }));
  EXPECT_EQ(state_of("web1"), VmState::shut_off);
}

TEST_F(DemoDaemonTest, SigtermEndsIt) {
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  loop_.join();
  EXPECT_TRUE(lines_.contain("upkeep stops"));
}

TEST_F(DemoDaemonTest, ASecondDaemonOnItsPortOrJournalStartsNothing) {
  DaemonOptions options;
  options.config.http.listen = {.host = "127.0.0.1", .port = upkeep_->public_port()};
  options.config.http.control_listen = {.host = "127.0.0.1", .port = 0};
  options.config.journal = runtime_dir_ / "other.db";
  options.config.libvirt.uri = kDemoUri;
  const UpkeepSetting setting{.clock = std::make_shared<const SystemClock>(),
                              .log = log_,
                              .signals = nullptr,
                              .runtime_dir = runtime_dir_ / "second",
                              .demo_dir = {}};
  const auto port_taken = Upkeep::prepare(options, setting);
  ASSERT_FALSE(port_taken);
  EXPECT_THAT(port_taken.error().message,
              HasSubstr("127.0.0.1:" + std::to_string(upkeep_->public_port())));

  options.config.http.listen.port = 0;
  options.config.journal = demo_dir_ / "upkeep.db";
  const auto journal_taken = Upkeep::prepare(options, setting);
  ASSERT_FALSE(journal_taken);
  EXPECT_EQ(journal_taken.error().code, Errc::conflict);
  EXPECT_FALSE(std::filesystem::exists(runtime_dir_ / "second"));
}

TEST_F(DemoDaemonTest, StopsSoonAndLeavesTheVmsAsTheyAre) {
  const auto asked = std::chrono::steady_clock::now();
  upkeep_->stop();
  loop_.join();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 5s);
  // Stopped means stopped: what crashes now stays down.
  do_it("crash", "web1");
  upkeep_.reset();
  EXPECT_THAT(story(), testing::Not(testing::Contains("begin vm/web1")));
}

}  // namespace
}  // namespace upkeep
