#include "exporter/sources/replication/drbd_log_line.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "transcript.h"

namespace upkeep {
namespace {

using Kind = DrbdLogLine::Kind;

TEST(DrbdLogLine, KnowsWhoSpeaks) {
  const auto resource = parse_drbd_log_line("drbd r0: conn( Disconnecting -> StandAlone ) ");
  ASSERT_TRUE(resource);
  EXPECT_EQ(resource->resource, "r0");
  EXPECT_EQ(resource->peer, "");
  EXPECT_FALSE(resource->minor);

  const auto device = parse_drbd_log_line(
      "block drbd10: Split-Brain detected but unresolved, dropping connection!");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->resource, "");
  EXPECT_EQ(device->minor, DeviceMinor{10});

  const auto link =
      parse_drbd_log_line("drbd r0 n2: conn( Disconnecting -> StandAlone ) [disconnected]");
  ASSERT_TRUE(link);
  EXPECT_EQ(std::pair(link->resource, link->peer), std::pair(std::string("r0"), std::string("n2")));

  const auto peer_device = parse_drbd_log_line("drbd r0/0 drbd10 beta: Unrelated data, aborting!");
  ASSERT_TRUE(peer_device);
  EXPECT_EQ(peer_device->resource, "r0");
  EXPECT_EQ(peer_device->peer, "beta");
}

TEST(DrbdLogLine, KnowsTheMoves) {
  const auto lost = parse_drbd_log_line(
      "drbd r0: peer( Secondary -> Unknown ) conn( Connected -> Disconnecting ) pdsk( UpToDate -> "
      "DUnknown ) ");
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->kind, Kind::moved);
  EXPECT_EQ(lost->from, LinkPhase::established);
  EXPECT_EQ(lost->to, LinkPhase::disconnecting);
  const auto handshake = parse_drbd_log_line("block drbd4: conn( WFReportParams -> WFBitMapS ) ");
  ASSERT_TRUE(handshake);
  EXPECT_EQ(handshake->from, LinkPhase::handshake);
  EXPECT_EQ(handshake->to, LinkPhase::established);
}

TEST(DrbdLogLine, KnowsEveryRefusal) {
  const std::vector<std::pair<std::string, LinkLossCause>> lines{
      {"block drbd1: Split-Brain detected but unresolved, dropping connection!",
       LinkLossCause::split_brain},
      {"block drbd1: I shall become SyncTarget, but I am primary!", LinkLossCause::role_conflict},
      {"block drbd1: State change failed: Multiple primaries not allowed by config",
       LinkLossCause::role_conflict},
      {"block drbd1: Unrelated data, aborting!", LinkLossCause::unrelated_data},
      {"block drbd1: Can only connect to data with current UUID=00AE92FD4FBE5AD5",
       LinkLossCause::unrelated_data},
      {"drbd r0: incompatible after-sb-0pri settings", LinkLossCause::incompatible_settings},
      {"drbd r0: incompatible discard-my-data settings", LinkLossCause::incompatible_settings},
      {"drbd r0: incompatible DRBD dialects: I support 86-101, peer supports 110-123",
       LinkLossCause::incompatible_settings},
      {"drbd r0: peer data-integrity-alg sha1 not supported", LinkLossCause::incompatible_settings},
      {"block drbd1: The peer's disk size is too small! (65456 < 131072 sectors)",
       LinkLossCause::disk_size},
      {"drbd r0: Authentication of peer failed", LinkLossCause::authentication},
      {"block drbd10: dry-run connect: Would become SyncSource, doing a bit-map based resync.",
       LinkLossCause::trial_connect},
      {"block drbd1: before-resync-target handler returned 1, dropping connection.",
       LinkLossCause::unknown},
      {"drbd r0: Discarding network configuration.", LinkLossCause::unknown}};
  for (const auto& [text, cause] : lines) {
    const auto line = parse_drbd_log_line(text);
    ASSERT_TRUE(line) << text;
    EXPECT_EQ(line->kind, Kind::refused) << text;
    EXPECT_EQ(line->cause, cause) << text;
    EXPECT_EQ(line->text, text);
  }
}

TEST(DrbdLogLine, TakesNothingElseForNews) {
  for (const char* text :
       {"", "drbd", "drbd: initialized. Version: 8.4.11 (api:1/proto:86-101)", "drbd : x",
        "drbd0: detected capacity change from 0 to 65456", "block drbdx: Unrelated data",
        "block sda: Unrelated data", "drbd r0: Authentication of peer failed, trying again.",
        "drbd r2: Preparing remote state change 2462816838: 0->1 conn( Disconnecting )",
        "block drbd0: disk( UpToDate -> Failed ) ",
        "block drbd0: Split-Brain detected, manually solved. Sync from this node",
        "drbd /unregistered/r0: Terminating worker thread", "conn( Connected -> Disconnecting )"}) {
    EXPECT_FALSE(parse_drbd_log_line(text)) << text;
  }
}

TEST(DrbdLogLine, KnowsABringUp) {
  for (const char* text : {"drbd r0: Starting worker thread (from drbdsetup-84 [882])",
                           "drbd r0: Starting worker thread (node-id 0)"}) {
    const auto line = parse_drbd_log_line(text);
    ASSERT_TRUE(line) << text;
    EXPECT_EQ(line->kind, Kind::created);
    EXPECT_EQ(line->resource, "r0");
  }
}

TEST(DrbdLogLine, SurvivesDamagedLines) {
  std::vector<std::string> lines;
  static const std::regex logged(R"(^\[ *\d+\.\d{6}\] (.*)$)");
  for (const auto& path : transcript::files()) {
    for (const auto& line : transcript::read(path)) {
      std::smatch match;
      if (std::regex_match(line.text, match, logged)) lines.push_back(match[1]);
    }
  }
  ASSERT_GT(lines.size(), 1000U);
  std::mt19937 random(20261123);
  int understood = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string line = lines[random() % lines.size()];
    for (auto damage = random() % 3; damage > 0 && !line.empty(); --damage) {
      const std::size_t at = random() % line.size();
      if (random() % 2 == 0) {
        line[at] = static_cast<char>(random() % 256);
      } else {
        line.erase(at, random() % 20);
      }
    }
    if (parse_drbd_log_line(line)) ++understood;
  }
  EXPECT_GT(understood, 1000);
}

}  // namespace
}  // namespace upkeep
