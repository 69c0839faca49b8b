// What DRBD's tools and its kernel may say, damaged: read as something or as nothing, never a
// crash, never a figure that can't be. The kernel log's lines are in drbd_log_line_test.cpp.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "exporter/sources/replication/drbd_config.h"
#include "exporter/sources/replication/drbd_state.h"
#include "exporter/sources/replication/events2_parser.h"
#include "exporter/sources/replication/kernel_journal.h"
#include "exporter/sources/replication/proc_drbd.h"
#include "tests/support/mutation.h"
#include "transcript.h"

namespace upkeep {
namespace {

using test::mutation_rounds;
using test::Mutator;

/// All recorded lines of a kind.
std::vector<std::string> recorded(transcript::Line::Kind kind) {
  std::vector<std::string> texts;
  for (const auto& file : transcript::files()) {
    for (const auto& line : transcript::read(file)) {
      if (line.kind == kind) texts.push_back(line.text);
    }
  }
  EXPECT_FALSE(texts.empty());
  return texts;
}

std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

const std::vector<std::string> kDump = {
    "exists resource name:r0 role:Primary suspended:no",
    "exists connection name:r0 peer-node-id:0 conn-name:peer connection:Connected role:Secondary",
    "exists device name:r0 volume:0 minor:10 disk:UpToDate size:262100",
    "exists peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 replication:Established "
    "peer-disk:UpToDate resync-suspended:no out-of-sync:1",
    "exists -"};

Drbd after_dump(DrbdState& state) {
  state.begin_dump();
  for (const std::string& line : kDump) state.apply(line, {});
  return state.drbd();
}

TEST(Mutation, ADumpHealsWhateverADamagedStreamLeft) {
  const auto lines = recorded(transcript::Line::Kind::event);
  for (std::uint64_t seed = 0; seed < mutation_rounds(60); ++seed) {
    Mutator mutator(seed);
    const std::string version = seed % 2 == 0 ? "8.4.11" : "9.2.18";
    DrbdState state(version);
    for (std::size_t i = 0; i < 200; ++i) {
      state.apply(mutator.damaged(lines[(seed * 997 + i) % lines.size()]), {});
    }
    ASSERT_FALSE(state.drbd().kernel_version.empty());
    DrbdState clean(version);
    ASSERT_EQ(after_dump(state), after_dump(clean)) << "seed " << seed;
  }
}

TEST(Mutation, ViewsOfADamagedEventStayInIt) {
  const auto lines = recorded(transcript::Line::Kind::event);
  Mutator mutator(1);
  for (std::uint64_t i = 0; i < mutation_rounds(20'000); ++i) {
    const std::string text = mutator.damaged(lines[i % lines.size()]);
    const Events2Line line = parse_events2_line(text);
    const auto is_inside = [&](std::string_view part) {
      return part.empty() ||
             (part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
    };
    for (const auto& [key, value] : line.values) {
      ASSERT_TRUE(is_inside(key) && is_inside(value)) << text;
    }
    for (const std::string_view word : line.unknown) ASSERT_TRUE(is_inside(word)) << text;
  }
}

const std::string kProc =
    "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: F73C670A7EC572DB9CF3E5B \n\n"
    "10: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----\n"
    "    ns:0 nr:51200 dw:51200 dr:0 al:8 bm:0 lo:0 pe:2 ua:0 ap:0 ep:1 wo:f oos:210900\n"
    "\t[==>.................] sync'ed: 19.8% (210900/262100)K\n"
    "\tfinish: 0:00:41 speed: 5,120 (5,120) want: 8,200 K/sec\n"
    "11: cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C r-----\n"
    "    ns:1 nr:2 dw:3 dr:4 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0\n12: cs:Unconfigured\n";

TEST(Mutation, ADamagedProcDrbdHasNoFigureThatCannotBe) {
  DrbdState state("8.4.11");
  const Drbd told = after_dump(state);
  for (std::uint64_t seed = 0; seed < mutation_rounds(20'000); ++seed) {
    const ProcDrbd proc = parse_proc_drbd(Mutator(seed).damaged(kProc));
    for (const ProcDrbdDevice& device : proc.devices) {
      const double done = device.done_ratio.value_or(0);
      ASSERT_TRUE(done >= 0 && done <= 1) << "seed " << seed;
      ASSERT_GE(device.bytes_per_second.value_or(0), 0) << "seed " << seed;
      ASSERT_GE(device.eta.value_or(Seconds{}).count(), 0) << "seed " << seed;
    }
    Drbd merged = told;
    merge(proc, merged);
    static_cast<void>(disagreement(proc, merged));
    ASSERT_EQ(merged.resources.size(), told.resources.size());
  }
}

TEST(Mutation, ADamagedConfigurationIsReadOrRefusedInOneLine) {
  const auto folder = std::filesystem::path(UPKEEP_FIXTURES) / "drbd-config";
  int refused = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string text = file_text(file.path());
    for (std::uint64_t seed = 0; seed < mutation_rounds(1'000); ++seed) {
      const std::string damaged = Mutator(seed).damaged(text);
      static_cast<void>(parse_sh_resources(damaged));
      static_cast<void>(parse_utils_version(damaged));
      const auto resources = parse_dump_xml(damaged, "alpha");
      if (resources) continue;
      ++refused;
      ASSERT_EQ(resources.error().code, Errc::invalid);
      ASSERT_EQ(resources.error().message.find('\n'), std::string::npos);
    }
  }
  EXPECT_GT(refused, 100);
}

const std::string kJournalLine =
    R"({"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","__CURSOR":"s=a7ef;i=4","PRIORITY":"6",)"
    R"("MESSAGE":"drbd r0: conn( StandAlone -> Unconnected ) ","_BOOT_ID":"0123456789abcdef",)"
    R"("_SOURCE_MONOTONIC_TIMESTAMP":"9223372036854775"})";

TEST(Mutation, ADamagedJournalLineHasNoTimeThatCannotBe) {
  int understood = 0;
  for (std::uint64_t seed = 0; seed < mutation_rounds(20'000); ++seed) {
    const auto record = parse_journal_line(Mutator(seed).damaged(kJournalLine));
    if (!record || record->kind != JournalRecord::Kind::kernel) continue;
    ++understood;
    ASSERT_GE(record->since_boot.count(), 0) << "seed " << seed;
    ASSERT_LE(record->since_boot, std::chrono::nanoseconds::max()) << "seed " << seed;
    ASSERT_FALSE(record->message.empty()) << "seed " << seed;
  }
  EXPECT_GT(understood, 100);
}

}  // namespace
}  // namespace upkeep
