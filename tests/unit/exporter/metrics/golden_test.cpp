#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "exporter/metrics/instruments.h"
#include "exporter/metrics/snapshot_metrics.h"
#include "tests/unit/exporter/metrics/example.h"

namespace upkeep {
namespace {

/// The whole page of the example, but for what differs on each machine (process_*).
std::string page() {
  Instruments instruments({.version = "0.1.0", .revision = "abc"}, {.actions = {"start_vm"},
                                                                    .triggers = {"event", "poll"},
                                                                    .failure_reasons = {"failed"},
                                                                    .rules = {"vm_down"},
                                                                    .holds = {"observing"},
                                                                    .outage_kinds = {"vm"},
                                                                    .outage_phases = {"start"}});
  const Snapshot snapshot = example::snapshot();
  instruments.look(snapshot);
  instruments.action_begun("start_vm", "event", example::kWall);
  instruments.action_took("start_vm", std::chrono::milliseconds(310));
  instruments.source_read(SourceKind::libvirt, std::chrono::milliseconds(1));
  Exposition out;
  write_snapshot(out, snapshot, remembered({}, snapshot), Freshness{}, example::kNow);
  instruments.write(out);
  return out.text();
}

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(GoldenPage, IsAsRecorded) {
  const std::string file = UPKEEP_FIXTURES "/metrics/snapshot.prom";
  const std::string now = page();
  if (std::getenv("UPKEEP_RECORD") != nullptr) std::ofstream(file) << now;
  EXPECT_EQ(text_of(file), now) << "run with UPKEEP_RECORD=1 and read the difference";
}

TEST(GoldenPage, PassesPromtool) {
  const char* given = std::getenv("PROMTOOL");
  const std::string promtool = given != nullptr ? given : "promtool";
  if (std::system((promtool + " --version >/dev/null 2>&1").c_str()) != 0) {
    GTEST_SKIP() << "no promtool: set PROMTOOL or install Debian's prometheus";
  }
  const std::string command =
      promtool + " check metrics <" UPKEEP_FIXTURES "/metrics/snapshot.prom 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) said += buffer.data();
  EXPECT_EQ(::pclose(pipe), 0) << said;
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace upkeep
