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
  for (const char* line : {"", " SUBSYSTEM=block", "6", "6,1", "6,1,2", ",,,;x", "-1,1,1,-;x",
                           "6,1,99999999999999999999,-;x"}) {
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
