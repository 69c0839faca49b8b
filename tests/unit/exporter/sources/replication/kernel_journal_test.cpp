#include "exporter/sources/replication/kernel_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "journal.h"
#include "platform/process.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kJournalRemote = "/lib/systemd/systemd-journal-remote";

// The ring buffer begins at 200 s; its oldest informational record is of 200.5 s.
KernelLogBeginning ring() {
  return {.sequence = 4711,
          .since_boot = 200s,
          .anchor = KernelLogBeginning::Anchor{200500ms, "vnet0: (x) entered |promiscuous| mode."}};
}

FakeJournal journal() {
  FakeJournal journal;
  journal.boot();
  journal.kernel({"[   90.000001] drbd r0: conn( StandAlone -> Unconnected ) ",
                  "[  199.999999] block drbd10: helper command: /sbin/drbdadm split-brain minor-10",
                  "[  200.000000] drbd r0: of the ring buffer",
                  "[  200.500000] vnet0: (x) entered |promiscuous| mode.",
                  "[  201.000000] drbd r0: of the ring buffer"});
  return journal;
}

std::vector<std::string> messages(const KernelPast& past) {
  std::vector<std::string> texts;
  for (const JournalRecord& record : past.records) texts.push_back(record.message);
  return texts;
}

std::string error_of(const Result<KernelPast>& past) {
  return past ? "no error" : std::string(to_string(past.error().code)) + " " + past.error().message;
}

TEST(KernelJournal, ReadsALine) {
  const auto record = parse_journal_line(
      R"({"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":"drbd r0: a \"b\"",)"
      R"("_SOURCE_MONOTONIC_TIMESTAMP":"5140900","__MONOTONIC_TIMESTAMP":"9999999"})");
  ASSERT_TRUE(record);
  EXPECT_EQ(*record, (JournalRecord{JournalRecord::Kind::kernel, 5140900us, "drbd r0: a \"b\""}));
}

TEST(KernelJournal, BelievesOnlyTheKernelAndTheJournalItself) {
  for (
      const char* line :
      {// Anybody may send this to syslog, and root write it to /dev/kmsg.
       R"({"_TRANSPORT":"syslog","SYSLOG_FACILITY":"0","MESSAGE":"drbd r0: x","_SOURCE_MONOTONIC_TIMESTAMP":"1"})",
       R"({"_TRANSPORT":"kernel","SYSLOG_FACILITY":"1","MESSAGE":"drbd r0: x","_SOURCE_MONOTONIC_TIMESTAMP":"1"})",
       R"({"_TRANSPORT":["kernel","syslog"],"SYSLOG_FACILITY":"0","MESSAGE":"x","_SOURCE_MONOTONIC_TIMESTAMP":"1"})",
       R"({"_TRANSPORT":"syslog","MESSAGE_ID":"e9bf28e6e834481bb6f48f548ad13606","MESSAGE":"Missed 1"})",
       R"({"_TRANSPORT":"driver","MESSAGE_ID":"a596d6fe7bfa4994828e72309e95d61e","MESSAGE":"Missed 1"})",
       // Not text, no time, no sense.
       R"({"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":[255,1],"_SOURCE_MONOTONIC_TIMESTAMP":"1"})",
       R"({"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":null,"_SOURCE_MONOTONIC_TIMESTAMP":"1"})",
       R"({"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":"x"})",
       R"({"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":"x","_SOURCE_MONOTONIC_TIMESTAMP":"-1"})",
       R"({"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","MESSAGE":"x","_SOURCE_MONOTONIC_TIMESTAMP":"99999999999999999999"})",
       "[]", "{", "", "-- No entries --"}) {
    EXPECT_FALSE(parse_journal_line(line)) << line;
  }
  const auto missed = parse_journal_line(
      R"({"_TRANSPORT":"driver","MESSAGE_ID":"e9bf28e6e834481bb6f48f548ad13606","MESSAGE":"Missed 1"})");
  ASSERT_TRUE(missed);
  EXPECT_EQ(missed->kind, JournalRecord::Kind::missed);
}

TEST(KernelJournal, TellsWhatWasLoggedBeforeTheRingBuffersOldestRecord) {
  const FakeJournalctl journalctl;
  journalctl.keeps(journal());
  const auto past = read_kernel_journal(journalctl.request(), ring());
  ASSERT_TRUE(past) << past.error().message;
  EXPECT_TRUE(past->whole);
  ASSERT_EQ(past->records.size(), 2U);
  EXPECT_EQ(past->records[0].since_boot, 90000001us);
  EXPECT_EQ(past->records[1].since_boot, 199999999us);
  EXPECT_THAT(journalctl.asked(), Contains("_TRANSPORT=kernel"));
  EXPECT_THAT(journalctl.asked(), Contains("SYSLOG_FACILITY=0"));
  EXPECT_THAT(journalctl.asked(), Contains("--boot=0"));
  EXPECT_EQ(journalctl.calls(), 1U);
}

TEST(KernelJournal, WhatIsNotKnownToBeWholeIsNotCalledSo) {
  const FakeJournalctl journalctl;
  FakeJournal without_boot;
  without_boot.kernel({"[  200.500000] vnet0: (x) entered |promiscuous| mode."});
  journalctl.keeps(without_boot);
  auto past = read_kernel_journal(journalctl.request(), ring());
  ASSERT_TRUE(past) << past.error().message;
  EXPECT_FALSE(past->whole) << "its beginning was deleted";
  EXPECT_TRUE(past->records.empty());

  FakeJournal with_gap;
  with_gap.boot();
  with_gap.missed();
  with_gap.kernel({"[  200.500000] vnet0: (x) entered |promiscuous| mode."});
  journalctl.keeps(with_gap);
  past = read_kernel_journal(journalctl.request(), ring());
  ASSERT_TRUE(past) << past.error().message;
  EXPECT_FALSE(past->whole);
  ASSERT_EQ(past->records.size(), 1U);
  EXPECT_EQ(past->records[0].kind, JournalRecord::Kind::missed);
}

TEST(KernelJournal, WithoutTheRingBuffersRecordItTellsNothing) {
  const FakeJournalctl journalctl;
  FakeJournal lags;
  lags.boot();
  lags.kernel({"[   90.000001] drbd r0: conn( StandAlone -> Unconnected ) ",
               "[  100.500000] vnet0: (x) entered |promiscuous| mode.",  // Said before.
               "[  200.500000] vnet0: (x) entered |promiscuous| mode"});
  lags.kernel_record(200500000, "vnet0: (x) entered |promiscuous| mode.", "3");
  lags.syslog(200500000, "vnet0: (x) entered |promiscuous| mode.");
  journalctl.keeps(lags);
  EXPECT_THAT(error_of(read_kernel_journal(journalctl.request(), ring())),
              HasSubstr("unavailable the journal does not have all"));
  journalctl.keeps({});
  EXPECT_THAT(error_of(read_kernel_journal(journalctl.request(), ring())),
              HasSubstr("does not have all"));
  journalctl.script("exit 1");
  EXPECT_THAT(error_of(read_kernel_journal(journalctl.request(), ring())),
              HasSubstr("does not have all"))
      << "journalctl found nothing";
  auto nameless = ring();
  nameless.anchor.reset();
  EXPECT_THAT(error_of(read_kernel_journal(journalctl.request(), nameless)),
              HasSubstr("nothing in the ring buffer can be looked up"));
}

TEST(KernelJournal, WhatJournalctlDoesNotAnswerIsAnError) {
  FakeJournalctl journalctl;
  journalctl.script(
      "echo 'No journal files were opened due to insufficient permissions.' >&2\n"
      "exit 1");
  EXPECT_THAT(error_of(read_kernel_journal(journalctl.request(), ring())),
              HasSubstr("exit code 1: No journal files were opened"));
  journalctl.script("cat $D/journal; echo 'Compiled without pattern matching support' >&2; exit 1");
  journalctl.keeps(journal());
  EXPECT_THAT(error_of(read_kernel_journal(journalctl.request(), ring())),
              HasSubstr("pattern matching"))
      << "what it printed before it failed is half an answer";
  journalctl.script(
      "cat $D/journal; echo 'File system@x.journal is truncated, ignoring file.' >&2");
  EXPECT_THAT(error_of(read_kernel_journal(journalctl.request(), ring())),
              HasSubstr("exit code 0: File system@x.journal is truncated"))
      << "a file is missing";
  journalctl.script("head -c 40000000 /dev/zero");
  EXPECT_THAT(error_of(read_kernel_journal(journalctl.request(), ring())), HasSubstr("exhausted"));

  journalctl.script("exec sleep 60");
  auto request = journalctl.request();
  request.deadline = 100ms;
  EXPECT_THAT(error_of(read_kernel_journal(request, ring())), HasSubstr("timed_out"));
  std::stop_source stop;
  stop.request_stop();
  request = journalctl.request();
  request.stop = stop.get_token();
  EXPECT_THAT(error_of(read_kernel_journal(request, ring())), HasSubstr("stopped"));
  request.journalctl = "/nonexistent/journalctl";
  EXPECT_THAT(error_of(read_kernel_journal(request, ring())), HasSubstr("not_found"));
}

// The journal's own file, and Debian's journalctl to read it.
TEST(KernelJournal, AsksARealJournal) {
  if (!std::filesystem::exists(kJournalRemote)) {
    GTEST_SKIP() << "no systemd-journal-remote to make a journal with";
  }
  const FakeJournalctl journalctl;
  FakeJournal kept = journal();
  kept.missed();  // After the ring buffer's beginning: it has what was missed.
  FakeJournal noise;
  noise.boot();
  noise.kernel_record(50000000, "drbd r0: conn( Connected -> Disconnecting ) ", "3");
  noise.syslog(60000000, "drbd r0: conn( Connected -> Disconnecting ) ");
  noise.kernel({"[   70.000000] IPv6: ADDRCONF(NETDEV_CHANGE): vnet0: link becomes ready",
                "[   80.000000] audit: drbd r0: conn( Connected -> Disconnecting ) "});
  std::ofstream file(journalctl.folder() / "export");
  long long number = 0;
  const auto write = [&](const FakeJournal& part) {
    for (const auto& entry : part.entries()) {
      ++number;
      file << fmt::format(
          "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={}\n"
          "_BOOT_ID=0123456789abcdef0123456789abcdef\n",
          1764340000000000 + number, number);
      for (const auto& [key, value] : entry) file << key << '=' << value << '\n';
      file << '\n';
    }
  };
  write(noise);
  FakeJournal rest = kept;
  write(rest);
  file.close();
  const std::string journal_file = journalctl.folder() / "kept.journal";
  const auto made = run({.argv = {std::string(kJournalRemote), "--output=" + journal_file,
                                  journalctl.folder() / "export"},
                         .deadline = 60s});
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->exit_code, 0) << made->err;
  journalctl.script("exec /usr/bin/journalctl --file=" + journal_file + " \"$@\" | tee $D/answer");

  const auto past = read_kernel_journal(journalctl.request(), ring());
  ASSERT_TRUE(past) << past.error().message;
  EXPECT_THAT(messages(*past),
              ElementsAre("drbd r0: conn( StandAlone -> Unconnected ) ",
                          "block drbd10: helper command: /sbin/drbdadm split-brain minor-10"));
  EXPECT_TRUE(past->whole);
  std::ifstream answer(journalctl.folder() / "answer");
  const std::string text{std::istreambuf_iterator<char>(answer), {}};
  EXPECT_THAT(text, HasSubstr("Missed 12 kernel messages"));
  EXPECT_THAT(text, HasSubstr("promiscuous")) << "looked up word by word";
  for (const char* unasked : {"audit", "ADDRCONF", "Disconnecting"}) {
    EXPECT_THAT(text, testing::Not(HasSubstr(unasked))) << "journalctl filters";
  }
  auto later = ring();
  later.anchor->message = "not there";
  EXPECT_THAT(error_of(read_kernel_journal(journalctl.request(), later)),
              HasSubstr("does not have all"));
}

}  // namespace
}  // namespace upkeep
