#include "remediation/effects/drbd_control.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>

namespace upkeep {
namespace {

using namespace std::chrono_literals;

const ResourceName kR0{"r0"};
const ResourceName kR1{"r1"};

/// A drbdadm that does as the test says and writes down what it was told.
class DrbdControlTest : public ::testing::Test {
 protected:
  DrbdControlTest() {
    std::string name = (std::filesystem::temp_directory_path() / "upkeep-ctl-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~DrbdControlTest() override { std::filesystem::remove_all(folder_); }

  DrbdControl control(const std::string& body,
                      std::function<Result<void>(const std::string&, Duration)> probe = {}) {
    const auto path = folder_ / "drbdadm";
    std::ofstream(path) << "#!/bin/sh\nD=" << folder_.string() << "\necho \"$*\" >> $D/calls\n"
                        << body << "\n";
    ::chmod(path.c_str(), 0755);
    return DrbdControl({.drbdadm = path, .kill_grace = 100ms, .probe = std::move(probe)});
  }
  std::vector<std::string> calls() const {
    std::vector<std::string> lines;
    std::ifstream file(folder_ / "calls");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  static bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 500; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  std::filesystem::path folder_;
};

TEST_F(DrbdControlTest, SendsOneResourceAndNothingElse) {
  DrbdControl drbd =
      control("case $1 in -d) echo 'drbdsetup new-resource r0 0'; echo; echo x;; esac");
  const auto lines = drbd.dry_run_adjust(kR0, AdjustScope::everything, 5s);
  ASSERT_TRUE(lines) << lines.error().message;
  EXPECT_EQ(*lines, (std::vector<std::string>{"drbdsetup new-resource r0 0", "x"}));
  EXPECT_TRUE(drbd.adjust(kR0, AdjustScope::everything, 5s));
  EXPECT_TRUE(drbd.promote(kR0, 5s));
  EXPECT_TRUE(drbd.demote(kR0, 5s));
  EXPECT_EQ(calls(),
            (std::vector<std::string>{"-d adjust r0", "adjust r0", "primary r0", "secondary r0"}));
}

TEST_F(DrbdControlTest, RefusesNamesThatMeanMoreThanOneResource) {
  DrbdControl drbd = control("exit 0");
  for (const char* name :
       {"", "all", "-d", "--force", "minor-3", "r0 r1", "r0/0", "r0:peer", "r0,r1", "r0\n"}) {
    const auto result = drbd.adjust(ResourceName{name}, AdjustScope::everything, 5s);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, Errc::invalid) << name;
  }
  EXPECT_TRUE(calls().empty());
}

TEST_F(DrbdControlTest, ConnectsAndAttachesPlainly) {
  DrbdControl drbd = control("exit 0");
  const DrbdVolume volume{.resource = kR0, .volume = {1}};
  EXPECT_TRUE(drbd.connect(kR0, 5s));
  EXPECT_TRUE(drbd.attach(volume, 5s));
  EXPECT_TRUE(drbd.adjust(kR0, AdjustScope::all_but_disk, 5s));
  EXPECT_TRUE(drbd.dry_run_adjust(kR0, AdjustScope::all_but_disk, 5s));
  EXPECT_EQ(calls(), (std::vector<std::string>{"connect r0", "attach r0/1", "adjust --skip-disk r0",
                                               "-d adjust --skip-disk r0"}));
}

TEST_F(DrbdControlTest, ConnectsOneLinkOfSeveral) {
  DrbdControl drbd = control("exit 0");
  EXPECT_TRUE(drbd.connect_link({.resource = kR0, .peer = {"gamma"}}, 5s));
  for (const char* name : {"", "all", "--discard-my-data", "a b", "a:b", "a/0"}) {
    const auto result = drbd.connect_link({.resource = kR0, .peer = {name}}, 5s);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, Errc::invalid) << name;
  }
  EXPECT_EQ(calls(), std::vector<std::string>{"connect r0:gamma"});
}

TEST_F(DrbdControlTest, OnlyTheOneCommandOfASplitBrainGivesUpData) {
  DrbdControl drbd =
      control("echo /dev/vg0/r0", [](const std::string&, Duration) { return Result<void>{}; });
  const DrbdVolume volume{.resource = kR0, .volume = {0}};
  for (const AdjustScope scope : {AdjustScope::everything, AdjustScope::all_but_disk}) {
    EXPECT_TRUE(drbd.dry_run_adjust(kR0, scope, 5s));
    EXPECT_TRUE(drbd.adjust(kR0, scope, 5s));
  }
  EXPECT_TRUE(drbd.connect(kR0, 5s));
  EXPECT_TRUE(drbd.connect_link({.resource = kR0, .peer = {"gamma"}}, 5s));
  EXPECT_TRUE(drbd.disconnect(kR0, 5s));
  EXPECT_TRUE(drbd.probe_backing(volume, 5s));
  EXPECT_TRUE(drbd.attach(volume, 5s));
  EXPECT_TRUE(drbd.promote(kR0, 5s));
  EXPECT_TRUE(drbd.demote(kR0, 5s));
  const auto harmless = calls();
  EXPECT_EQ(harmless.size(), 11U);
  for (const std::string& call : harmless) {
    for (const char* word : {"discard", "force", "overwrite", "invalidate", "assume-clean"}) {
      EXPECT_EQ(call.find(word), std::string::npos) << call;
    }
  }
  EXPECT_TRUE(drbd.connect_discarding_local(kR0, 5s));
  EXPECT_EQ(calls().back(), "connect --discard-my-data r0");
  EXPECT_EQ(calls().size(), harmless.size() + 1);
}

TEST_F(DrbdControlTest, APrimaryThatIsToDiscardIsAFailureNotAConflict) {
  // [LAB84] drbd84-commands-and-proc.txt
  DrbdControl drbd =
      control("echo 'r0: Failure: (123) --discard-my-data not allowed when primary.' >&2; exit 10");
  const auto result = drbd.connect_discarding_local(kR0, 5s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::failed);
  EXPECT_NE(result.error().message.find("not allowed when primary"), std::string::npos);
}

TEST_F(DrbdControlTest, ProbesTheDeviceThatTheConfigurationNames) {
  std::string probed;
  DrbdControl drbd = control("echo /dev/vg0/r0", [&](const std::string& path, Duration) {
    probed = path;
    return Result<void>{};
  });
  EXPECT_TRUE(drbd.probe_backing({.resource = kR0, .volume = {0}}, 5s));
  EXPECT_EQ(probed, "/dev/vg0/r0");
  EXPECT_EQ(calls(), std::vector<std::string>{"sh-ll-dev r0/0"});
}

TEST_F(DrbdControlTest, TheDevicesTimeBeginsWithTheLastWord) {
  static_cast<void>(control("echo /dev/vg0/r0"));
  Duration given{};
  DrbdControl drbd({.drbdadm = folder_ / "drbdadm",
                    .probe_time = 10s,
                    .probe = [&](const std::string& /*path*/, Duration deadline) {
                      given = deadline;
                      return Result<void>{};
                    }});
  Tick asked;
  const Terms slow{60s, [&]() -> Result<void> {
                     std::this_thread::sleep_for(300ms);
                     asked = std::chrono::steady_clock::now();
                     return {};
                   }};
  EXPECT_TRUE(drbd.probe_backing({.resource = kR0, .volume = {0}}, slow));
  const Tick probed = std::chrono::steady_clock::now();
  EXPECT_LE(given, 10s);
  EXPECT_GE(given, 10s - (probed - asked)) << "the look has taken none of it";
  EXPECT_EQ(calls(), std::vector<std::string>{"sh-ll-dev r0/0"});
}

TEST_F(DrbdControlTest, ProbesNothingWhenNoDeviceIsNamed) {
  DrbdControl drbd = control("echo none", [](const std::string&, Duration) {
    ADD_FAILURE() << "probed";
    return Result<void>{};
  });
  EXPECT_EQ(drbd.probe_backing({.resource = kR0, .volume = {0}}, 5s).error().code, Errc::invalid);
}

TEST_F(DrbdControlTest, AnUnreadableDeviceIsSaidToBe) {
  DrbdControl drbd = control("echo /no/such/device", probe_device);
  EXPECT_EQ(drbd.probe_backing({.resource = kR0, .volume = {0}}, 5s).error().code, Errc::not_found);
}

// A hung drbdsetup behind one command keeps every other command off its resource.
TEST_F(DrbdControlTest, NoKindOfCommandGoesToAStuckResource) {
  DrbdControl drbd = control("[ $1 = attach ] && { sleep 2 & exit 0; }; exit 0");
  const DrbdVolume volume{.resource = kR0, .volume = {0}};
  static_cast<void>(drbd.attach(volume, 5s));
  for (const auto& refused :
       {drbd.connect(kR0, 5s), drbd.attach(volume, 5s), drbd.demote(kR0, 5s),
        drbd.adjust(kR0, AdjustScope::everything, 5s), drbd.probe_backing(volume, 5s)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::timed_out);
  }
  EXPECT_EQ(calls().size(), 1U);
}

TEST_F(DrbdControlTest, TheLastWordIsAskedOnceItIsTheCommandsTurn) {
  DrbdControl drbd = control(
      "[ $2 = r2 ] && exit 0\n: > $D/runs-$2\nwhile [ ! -e $D/go ]; do sleep 0.01; done\n"
      ": > $D/ended");
  const auto exists = [&](const char* name) { return std::filesystem::exists(folder_ / name); };
  bool asked_in_turn = false;
  {
    const std::jthread first([&] { EXPECT_TRUE(drbd.connect(kR0, 30s)); });
    const std::jthread second([&] { EXPECT_TRUE(drbd.connect(kR1, 30s)); });
    ASSERT_TRUE(eventually([&] { return exists("runs-r0") && exists("runs-r1"); }));
    const std::jthread third([&] {
      EXPECT_TRUE(drbd.connect({"r2"}, {30s, [&]() -> Result<void> {
                                          asked_in_turn = exists("ended");
                                          return {};
                                        }}));
    });
    std::ofstream(folder_ / "go") << "\n";
  }
  EXPECT_TRUE(asked_in_turn);
}

TEST_F(DrbdControlTest, ALastWordThatIsNoSendsNothingAndGivesTheTurnBack) {
  DrbdControl drbd = control("exit 0");
  const Terms no{5s, [] { return Result<void>(fail(Errc::unavailable, "not any more")); }};
  for (int i = 0; i < 3; ++i) {
    const auto refused = drbd.promote(kR0, no);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "not any more");
  }
  EXPECT_TRUE(calls().empty());
  EXPECT_TRUE(drbd.promote(kR0, 5s));
}

TEST_F(DrbdControlTest, ALastWordThatHangsKeepsItsTurnForItsTimeAndSendsNothingAfterIt) {
  DrbdControl drbd = control("exit 0");
  std::mutex mutex;
  std::condition_variable changed;
  int asked = 0;
  bool released = false;
  const Terms hangs{300ms, [&]() -> Result<void> {
                      std::unique_lock lock(mutex);
                      ++asked;
                      changed.notify_all();
                      changed.wait(lock, [&] { return released; });
                      return {};
                    }};
  const auto too_late = [&](const ResourceName& resource) {
    const auto result = drbd.promote(resource, hangs);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::unavailable);
  };
  {
    const std::jthread first([&] { too_late(kR0); });
    const std::jthread second([&] { too_late(kR1); });
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return asked == 2; });
    }
    EXPECT_TRUE(drbd.connect({"r2"}, 30s)) << "while both hang";
    EXPECT_EQ(drbd.connect(kR0, 30s).error().code, Errc::conflict) << "it may still be asked for";
    const std::scoped_lock lock(mutex);
    released = true;
    changed.notify_all();
  }
  EXPECT_EQ(calls(), std::vector<std::string>{"connect r2"});
  EXPECT_TRUE(drbd.connect(kR0, 30s));
}

TEST_F(DrbdControlTest, SaysWhatFailedAndWhy) {
  DrbdControl drbd = control(
      "echo '4: State change failed: (-1) Multiple primaries not allowed by config' >&2\n"
      "echo \"Command 'drbdsetup-84 primary 4' terminated with exit code 11\" >&2; exit 11");
  const auto result = drbd.promote(kR0, 5s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::conflict);
  EXPECT_TRUE(result.error().message.starts_with(
      "drbdadm primary r0: exit code 11: 4: State change failed: (-1) Multiple primaries"))
      << result.error().message;
}

TEST_F(DrbdControlTest, AMissingDrbdadmIsNotFound) {
  DrbdControl drbd({.drbdadm = "/no/such/drbdadm"});
  EXPECT_EQ(drbd.adjust(kR0, AdjustScope::everything, 1s).error().code, Errc::not_found);
}

// drbdadm ends, its drbdsetup stays inside the kernel.
TEST_F(DrbdControlTest, SendsNothingMoreToAResourceWhoseCommandStillRuns) {
  DrbdControl drbd = control(
      "[ $2 = r1 ] && exit 0\n[ -e $D/second ] && exit 0\n: > $D/second\n"
      "sleep 1 & echo \"Command 'drbdsetup attach 10' did not terminate within 5 seconds\" >&2\n"
      "exit 20");
  const auto first = drbd.adjust(kR0, AdjustScope::everything, 5s);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Errc::timed_out);
  const auto second = drbd.adjust(kR0, AdjustScope::everything, 5s);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::timed_out);
  EXPECT_NE(second.error().message.find("still running"), std::string::npos);
  EXPECT_TRUE(drbd.adjust(kR1, AdjustScope::everything, 5s)) << "others are not delayed";
  EXPECT_EQ(calls().size(), 2U);
  EXPECT_TRUE(
      eventually([&] { return drbd.adjust(kR0, AdjustScope::everything, 5s).has_value(); }));
}

TEST_F(DrbdControlTest, AHangingCommandIsTimedOut) {
  DrbdControl drbd = control("sleep 60");
  const auto result = drbd.adjust(kR0, AdjustScope::everything, 100ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timed_out);
}

TEST_F(DrbdControlTest, RunsTwoCommandsAtATime) {
  DrbdControl drbd = control("echo + >> $D/running; sleep 0.15; echo - >> $D/running");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&drbd, i] {
        EXPECT_TRUE(
            drbd.adjust(ResourceName{"r" + std::to_string(i)}, AdjustScope::everything, 20s));
      });
    }
  }
  std::ifstream file(folder_ / "running");
  int running = 0;
  int most = 0;
  int begun = 0;
  for (std::string line; std::getline(file, line);) {
    running += line == "+" ? 1 : -1;
    begun += line == "+" ? 1 : 0;
    most = std::max(most, running);
  }
  EXPECT_EQ(begun, 6);
  EXPECT_EQ(most, 2);
}

TEST_F(DrbdControlTest, OneCommandAResource) {
  DrbdControl drbd = control("while [ ! -e $D/go ]; do sleep 0.01; done");
  std::jthread first([&] { EXPECT_TRUE(drbd.adjust(kR0, AdjustScope::everything, 20s)); });
  ASSERT_TRUE(eventually([&] { return calls().size() == 1; }));
  const auto second = drbd.promote(kR0, 5s);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  std::ofstream(folder_ / "go") << "\n";
}

TEST_F(DrbdControlTest, WhoGetsNoTurnSendsNothing) {
  DrbdControl drbd = control("while [ ! -e $D/go ]; do sleep 0.01; done");
  std::jthread a([&] { EXPECT_TRUE(drbd.adjust(kR0, AdjustScope::everything, 20s)); });
  std::jthread b([&] { EXPECT_TRUE(drbd.adjust(kR1, AdjustScope::everything, 20s)); });
  ASSERT_TRUE(eventually([&] { return calls().size() == 2; }));
  const auto third = drbd.adjust(ResourceName{"r2"}, AdjustScope::everything, 50ms);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::unavailable);
  EXPECT_EQ(calls().size(), 2U);
  std::ofstream(folder_ / "go") << "\n";
}

// Texts as recorded with drbd-utils 9.22 and DRBD 8.4.11 and 9.2.18.
TEST(DrbdErrc, KnowsTheRecordedFailures) {
  struct Case {
    int exit_code;
    std::string_view errors;
    Errc expected;
  };
  for (const Case& c : {
           Case{20, "Command 'drbdsetup new-resource r0 1' did not terminate within 5 seconds",
                Errc::timed_out},
           Case{10,
                "/etc/drbd.d/r0.res:1: in resource r0, on beta:\n\tIP 10.0.0.2 not found on this "
                "host.",
                Errc::unavailable},
           Case{11, "4: State change failed: (-1) Multiple primaries not allowed by config",
                Errc::conflict},
           Case{11, "r0: State change failed: (-12) Device is held open by someone",
                Errc::conflict},
           Case{17, "11: State change failed: (-2) Need access to UpToDate data", Errc::conflict},
           Case{1, "Command 'drbdsetup primary r0' terminated with exit code 17", Errc::conflict},
           Case{10, "r0: Failure: (102) Local address(port) already in use.", Errc::conflict},
           Case{10, "r0: Failure: (125) Device has a net-config (use disconnect first)",
                Errc::conflict},
           Case{20,
                "Device '10' is configured!\nCommand 'drbdmeta 10 v08 /dev/mapper/d0 internal "
                "apply-al' terminated with exit code 20",
                Errc::conflict},
           Case{1,
                "open(/dev/mapper/d0) failed: No such file or directory\nCommand 'drbdmeta 10 "
                "v08 /dev/mapper/d0 internal apply-al' terminated with exit code 20",
                Errc::storage},
           Case{10, "r0: Failure: (158) Unknown resource", Errc::not_found},
           Case{10, "10: Failure: (127) Device minor not allocated", Errc::not_found},
           Case{10, "r0: No such resource", Errc::not_found},
           Case{11, "vm1: State change failed: (-25) No quorum", Errc::conflict},
           Case{2, "r0.res:3: Parse error", Errc::invalid},
           Case{1, "something else", Errc::failed},
       }) {
    EXPECT_EQ(drbd_errc(c.exit_code, c.errors), c.expected) << c.errors;
  }
}

}  // namespace
}  // namespace upkeep
