#include "exporter/sources/replication/kernel_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "kmsg.h"
#include "platform/unique_fd.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> drain(KernelLog& log, int* overruns = nullptr) {
  std::vector<std::string> messages;
  const auto result =
      log.drain([&](const KernelLogRecord& record) { messages.emplace_back(record.message); },
                [&] {
                  if (overruns != nullptr) ++*overruns;
                });
  if (!result) messages.push_back("error " + std::string(to_string(result.error().code)));
  return messages;
}

TEST(KernelLog, ReadsARecord) {
  const auto record = parse_kmsg_line("6,339,5140900,-;drbd r0: a;b");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->since_boot, 5140900us);
  EXPECT_EQ(record->message, "drbd r0: a;b");
  const auto newer = parse_kmsg_line("4,1,7,-,caller=T882,later=x;x");
  ASSERT_TRUE(newer);
  EXPECT_EQ(newer->message, "x");
}

TEST(KernelLog, BelievesOnlyTheKernel) {
  // Anybody who may write to /dev/kmsg gets another facility: 12 is daemon.info of user space.
  EXPECT_FALSE(parse_kmsg_line("12,339,5140900,-;drbd r0: conn( Connected -> Disconnecting )"));
  for (const char* line :
       {"", " SUBSYSTEM=block", "6", "6,1", "6,1,2", ",,,;x", "-1,1,1,-;x",
        "6,1,99999999999999999999,-;x", "6,1,9223372036854776,-;later than a clock can tell"}) {
    EXPECT_FALSE(parse_kmsg_line(line)) << line;
  }
}

TEST(KernelLog, GivesEachRecordOnce) {
  FakeKmsg kmsg;
  kmsg.log({"one", "two"});
  KernelLog log(kmsg.root());
  EXPECT_EQ(drain(log), (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(drain(log).empty());
  kmsg.log({"three"});
  EXPECT_EQ(drain(log), std::vector<std::string>{"three"});
}

TEST(KernelLog, TellsWhereTheRingBufferBegan) {
  test::TempDir root;
  std::filesystem::create_directories(root / "dev");
  std::ofstream file(root / "dev/kmsg");
  KernelLog log(root.path());
  drain(log);
  EXPECT_FALSE(log.beginning()) << "it is empty";
  // Of a program, of a higher level, not plain text; then one that can be looked up.
  file << "12,4711,700000000,-;systemd[1]: hello\n KEY=value\n4,4712,700000001,-;a warning\n"
          "6,4713,700000002,-;\\x1b[0m\n6,4714,700000003,-;plain (text)\n6,4715,700000004,-;more\n"
       << std::flush;
  drain(log);
  ASSERT_TRUE(log.beginning());
  EXPECT_EQ(log.beginning()->sequence, 4711U);
  EXPECT_EQ(log.beginning()->since_boot, 700s);
  ASSERT_TRUE(log.beginning()->anchor);
  EXPECT_EQ(log.beginning()->anchor->message, "plain (text)");
  EXPECT_EQ(log.beginning()->anchor->since_boot, 700000003us);
}

TEST(KernelLog, PutsALineTogetherThatWasReadInHalves) {
  FakeKmsg kmsg;
  std::ofstream file(kmsg.root() / "dev/kmsg");
  file << "6,1,1,-;on" << std::flush;
  KernelLog log(kmsg.root());
  EXPECT_TRUE(drain(log).empty());
  file << "e\n KEY=value\n6,2,1,-;two\n" << std::flush;
  EXPECT_EQ(drain(log), (std::vector<std::string>{"one", "two"}));
}

TEST(KernelLog, IsTriedAgainWhenItCannotBeRead) {
  FakeKmsg kmsg;
  KernelLog log(kmsg.root());
  EXPECT_EQ(drain(log), std::vector<std::string>{"error not_found"});
  kmsg.log({"one"});
  EXPECT_EQ(drain(log), std::vector<std::string>{"one"});
}

TEST(KernelLog, TellsWhenReadingBreaksOff) {
  test::TempDir root;
  std::filesystem::create_directories(root / "dev/kmsg");  // Opens, but can't be read.
  KernelLog log(root.path());
  int overruns = 0;
  EXPECT_EQ(drain(log, &overruns), std::vector<std::string>{"error unavailable"});
  EXPECT_EQ(overruns, 1) << "what was known before may be void";
}

TEST(KernelLog, ReadsTheRunningKernels) {
  KernelLog log("/");
  const auto messages = drain(log);
  if (!messages.empty() && messages.front().starts_with("error ")) {
    EXPECT_LT(UniqueFd(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)).get(), 0)
        << "it can be read: " << messages.front();
  } else {
    EXPECT_FALSE(messages.empty());
  }
}

}  // namespace
}  // namespace upkeep
