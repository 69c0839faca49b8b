#include "platform/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "platform/spawn.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;

// The tests' own programs: the code under test never uses a shell by itself.
ProcessRequest shell(const std::string& script) { return {.argv = {"/bin/sh", "-c", script}}; }

int open_descriptors() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 500; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

TEST(Process, GivesExitCodeAndBothOutputs) {
  const auto result = run(shell("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
}

TEST(Process, PassesArgumentsUntouchedByAnyShell) {
  const auto result = run({.argv = {"/bin/echo", "$HOME; rm -rf *", "a  b"}});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "$HOME; rm -rf * a  b\n");
}

TEST(Process, FeedsInputLargerThanAPipeHolds) {
  ProcessRequest request{.argv = {"/bin/cat"}};
  request.input = std::string(900'000, 'x') + "end";
  const auto result = run(request);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->out, request.input);
}

TEST(Process, SurvivesAChildThatDoesNotReadItsInput) {
  ProcessRequest request{.argv = {"/bin/true"}};
  request.input = std::string(900'000, 'x');
  const auto result = run(request);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 0);
}

TEST(Process, TellsMissingFromForbidden) {
  const auto missing = run({.argv = {"/no/such/program"}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_NE(missing.error().message.find("/no/such/program"), std::string::npos);
  const auto forbidden = run({.argv = {"/etc/passwd"}});
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().code, Errc::denied);
}

TEST(Process, RefusesARelativePath) {
  const auto result = run({.argv = {"echo"}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid);
  EXPECT_FALSE(run({.argv = {}}));
}

TEST(Process, ReportsASignalLikeAShell) {
  const auto result = run(shell("kill -SEGV $$"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 128 + SIGSEGV);
}

TEST(Process, KillsAtTheDeadline) {
  auto request = shell("sleep 60");
  request.deadline = 50ms;
  const Tick begin = std::chrono::steady_clock::now();
  Leftover left;
  const auto result = run(request, left);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_TRUE(left.gone());
}

TEST(Process, KillsWhatIgnoresSigtermAndItsChildren) {
  const auto pids =
      std::filesystem::temp_directory_path() / ("upkeep-pids-" + std::to_string(::getpid()));
  auto request = shell("trap '' TERM; sleep 61 & echo $! > " + pids.string() + "; echo $$ >> " +
                       pids.string() + "; while :; do sleep 62; done");
  request.deadline = 300ms;
  request.kill_grace = 200ms;
  Leftover left;
  const auto result = run(request, left);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timed_out);
  EXPECT_TRUE(eventually([&] { return left.gone(); }));
  std::ifstream in(pids);
  pid_t pid = 0;
  int seen = 0;
  while (in >> pid) {
    ++seen;
    EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; })) << pid;
  }
  EXPECT_EQ(seen, 2);
  std::filesystem::remove(pids);
}

TEST(Process, RefusesHalfAnAnswer) {
  auto request = shell("head -c 200000 /dev/zero; sleep 60");
  request.output_cap = 100'000;
  const auto result = run(request);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::exhausted);
}

TEST(Process, TakesAnswersUpToTheCapAndDropsErrorsBeyondIt) {
  auto request = shell("head -c 100000 /dev/zero; head -c 300000 /dev/zero >&2");
  request.output_cap = 100'000;
  const auto result = run(request);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->out.size(), 100'000U);
  EXPECT_EQ(result->err.size(), 100'000U);
}

TEST(Process, DoesNotWaitForAGrandchildThatKeepsThePipe) {
  const Tick begin = std::chrono::steady_clock::now();
  const auto result = run(shell("setsid sleep 3 & echo done"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "done\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2500ms);
}

TEST(Process, TellsWhatAnEndedProgramLeftRunning) {
  Leftover left;
  const auto result = run(shell("sleep 0.5 & echo 'gave up on it'; exit 20"), left);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 20);
  EXPECT_FALSE(left.gone());
  EXPECT_TRUE(eventually([&] { return left.gone(); }));
}

TEST(Process, StopsWhenAsked) {
  std::stop_source source;
  auto request = shell("sleep 60");
  request.deadline = 60s;
  request.stop = source.get_token();
  std::jthread stopper([&] { source.request_stop(); });
  const auto result = run(request);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::unavailable);
}

TEST(Process, GivesTheChildNoDescriptorMaskHandlerOrEnvironmentOfOurs) {
  const int leaky = ::open("/etc/passwd", O_RDONLY);  // Without close-on-exec, on purpose.
  ASSERT_GE(leaky, 0);
  sigset_t block;
  sigset_t before;
  ::sigemptyset(&block);
  ::sigaddset(&block, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &block, &before);
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  const auto result =
      run(shell("ls /proc/self/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status; env"));
  ::signal(SIGPIPE, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(leaky);
  ASSERT_TRUE(result);
  // 3 is ls reading the directory.
  EXPECT_TRUE(
      result->out.starts_with("0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"))
      << result->out;
  EXPECT_EQ(result->out.find("HOME="), std::string::npos);
  EXPECT_NE(result->out.find("LC_ALL=C\n"), std::string::npos);
}

TEST(Process, LeaksNoDescriptorAndNoZombie) {
  (void)run(shell("true"));
  const int before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    (void)run(shell("echo x"));
    (void)run({.argv = {"/no/such/program"}});
    auto late = shell("sleep 60");
    late.deadline = 5ms;
    (void)run(late);
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_TRUE(eventually([] { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }));
}

TEST(Process, RunsFromManyThreadsAtOnce) {
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&right, t] {
        for (int i = 0; i < 5; ++i) {
          const auto result = run(shell("echo " + std::to_string(t)));
          if (result && result->out == std::to_string(t) + "\n") ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, 40);
}

// Nothing can be put into uninterruptible sleep at will; a stopped reaping (the leader is still
// there for a while) takes the same path.
TEST(Leftover, IsGoneWhenWhatWasLeftEnds) {
  auto child = spawn({.argv = {"/bin/sleep", "0.3"}});
  ASSERT_TRUE(child);
  const Leftover left = leave_to_reaper(child->pid, false);
  EXPECT_FALSE(left.gone());
  EXPECT_TRUE(eventually([&] { return left.gone(); }));
  EXPECT_EQ(::waitpid(child->pid, nullptr, WNOHANG), -1) << "the reaper left a zombie";
}

/// The program's own exit code says which of these did not hold.
[[noreturn]] void leave_without_a_thread() {
  const auto child = spawn({.argv = {"/bin/sleep", "60"}});
  if (!child) std::_Exit(1);
  pthread_attr_t usual;
  pthread_attr_t too_large;
  ::pthread_getattr_default_np(&usual);
  ::pthread_attr_init(&too_large);
  ::pthread_attr_setstacksize(&too_large, std::size_t{1} << 46U);
  ::pthread_setattr_default_np(&too_large);
  const Leftover left = leave_to_reaper(child->pid, false);
  if (left.gone()) std::_Exit(2);
  ::pthread_setattr_default_np(&usual);
  signal_group(child->pid, SIGKILL);
  std::_Exit(eventually([&] { return left.gone(); }) ? 0 : 3);
}

TEST(Leftover, IsOnRecordWhileThereIsNoThreadToWaitForIt) {
  // In a process of its own: here the reaper may have its thread already.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(leave_without_a_thread(), ::testing::ExitedWithCode(0), "");
}

TEST(Leftover, CountsWhatTheProgramStarted) {
  auto child = spawn({.argv = {"/bin/sh", "-c", "sleep 0.6 & exit 0"}});
  ASSERT_TRUE(child);
  int status = 0;
  ASSERT_EQ(::waitpid(child->pid, &status, 0), child->pid);
  const Leftover left = leave_to_reaper(child->pid, true);
  EXPECT_FALSE(left.gone());
  EXPECT_TRUE(eventually([&] { return left.gone(); }));
  EXPECT_TRUE(Leftover().gone());
}

}  // namespace
}  // namespace upkeep
