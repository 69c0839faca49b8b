#include "platform/streaming_process.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using Read = StreamingProcess::Read;

std::unique_ptr<StreamingProcess> start(const std::string& script) {
  auto process = StreamingProcess::start({"/bin/sh", "-c", script});
  EXPECT_TRUE(process) << process.error().message;
  return std::move(*process);
}

TEST(StreamingProcess, GivesLineAfterLineAndThenTheExitCode) {
  const Wakeup wakeup;
  auto process = start("echo one; echo; echo three; echo broken >&2; exit 20");
  std::string line;
  for (const char* expected : {"one", "", "three"}) {
    ASSERT_EQ(process->read_line(line, 5s, wakeup), Read::line);
    EXPECT_EQ(line, expected);
  }
  EXPECT_EQ(process->read_line(line, 5s, wakeup), Read::ended);
  EXPECT_EQ(process->end(), 20);
  EXPECT_EQ(process->end(), 20);
  EXPECT_EQ(process->errors(), "broken\n");
}

TEST(StreamingProcess, ComesBackAtTheDeadlineAndWhenWoken) {
  const Wakeup wakeup;
  auto process = start("read x; echo $x");
  std::string line;
  EXPECT_EQ(process->read_line(line, 1ms, wakeup), Read::deadline);
  EXPECT_EQ(process->read_line(line, 0s, wakeup), Read::deadline);
  {
    const std::jthread waker([&wakeup] { wakeup.set(); });
    EXPECT_EQ(process->read_line(line, 60s, wakeup), Read::woken);
  }
  EXPECT_EQ(process->read_line(line, 60s, wakeup), Read::woken) << "a wakeup is kept until cleared";
  wakeup.clear();
  EXPECT_EQ(process->read_line(line, 1ms, wakeup), Read::deadline);
}

TEST(StreamingProcess, TellsWhetherItsInputWasRead) {
  const Wakeup wakeup;
  auto process = start("read go; read n; read n; echo answer; sleep 60");
  EXPECT_TRUE(process->input_consumed());
  ASSERT_TRUE(process->write("go\n"));
  ASSERT_TRUE(process->write("n\n\n"));
  std::string line;
  ASSERT_EQ(process->read_line(line, 5s, wakeup), Read::line);
  EXPECT_EQ(line, "answer");
  EXPECT_TRUE(process->input_consumed());
  ASSERT_TRUE(process->write("unread\n"));
  EXPECT_FALSE(process->input_consumed());
}

TEST(StreamingProcess, WritingToADeadProgramFailsWithoutKillingUs) {
  const Wakeup wakeup;
  auto process = start("exit 0");
  std::string line;
  ASSERT_EQ(process->read_line(line, 5s, wakeup), Read::ended);
  EXPECT_EQ(process->end(), 0);
  EXPECT_FALSE(process->write("n\n"));
}

TEST(StreamingProcess, CutsALineWithoutEndAndGoesOnAfterIt) {
  const Wakeup wakeup;
  auto process = start("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo after");
  std::string line;
  ASSERT_EQ(process->read_line(line, 5s, wakeup), Read::too_long);
  EXPECT_EQ(line.size(), StreamingProcess::kLongestLine);
  ASSERT_EQ(process->read_line(line, 5s, wakeup), Read::line);
  EXPECT_EQ(line, "after");
}

TEST(StreamingProcess, DropsAnUnfinishedLastLine) {
  const Wakeup wakeup;
  auto process = start("echo whole; printf half");
  std::string line;
  ASSERT_EQ(process->read_line(line, 5s, wakeup), Read::line);
  EXPECT_EQ(process->read_line(line, 5s, wakeup), Read::ended);
}

TEST(StreamingProcess, CarriesABurst) {
  const Wakeup wakeup;
  auto process = start("seq 1 100000");
  std::string line;
  int expected = 0;
  while (process->read_line(line, 20s, wakeup) == Read::line) {
    ASSERT_EQ(line, std::to_string(++expected));
  }
  EXPECT_EQ(expected, 100000);
}

TEST(StreamingProcess, IsKilledWithItsObjectEvenWhenItIgnoresSigterm) {
  const Wakeup wakeup;
  pid_t pid = 0;
  const Tick begin = std::chrono::steady_clock::now();
  {
    auto process = start("trap '' TERM; echo $$; while :; do sleep 60; done");
    std::string line;
    ASSERT_EQ(process->read_line(line, 5s, wakeup), Read::line);
    pid = std::stoi(line);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(StreamingProcess, DiesWithTheThreadThatStartedIt) {
  std::unique_ptr<StreamingProcess> process;
  std::jthread([&process] { process = start("exec sleep 60"); }).join();
  const Wakeup wakeup;
  std::string line;
  EXPECT_EQ(process->read_line(line, 10s, wakeup), Read::ended);
  EXPECT_EQ(process->end(), 128 + SIGKILL);
}

TEST(StreamingProcess, SaysWhyItDidNotStart) {
  const auto missing = StreamingProcess::start({"/no/such/drbdsetup", "events2"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
}

}  // namespace
}  // namespace upkeep
