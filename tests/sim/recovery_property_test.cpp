#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/support/sim_node.h"

namespace upkeep {
namespace {

using test::Random;
using test::SimNode;

constexpr std::uint64_t kNodes = 60;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

/// Half an hour of faults, then everything in order for longer than the slowest retry.
void live(SimNode& node, std::uint64_t seed) {
  Random pace(seed * 7919);
  for (int i = 0; i < 400 && node.wrongs().empty(); ++i) {
    node.step(std::chrono::seconds(1 + pace.below(8)), true);
  }
  for (int i = 0; i < 280 && node.wrongs().empty(); ++i) node.step(std::chrono::seconds(9), false);
}

TEST(RecoveryProperties, NothingIsDoneWrongAndEverythingRecoverableRecovers) {
  std::map<std::string, int> counts;
  for (std::uint64_t seed = 1; seed <= kNodes; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimNode node(seed);
    live(node, seed);
    ASSERT_TRUE(node.wrongs().empty()) << joined(node.wrongs());
    ASSERT_TRUE(node.still_down().empty()) << joined(node.still_down());
    for (const auto& [what, times] : node.counts()) counts[what] += times;
  }
  for (const char* what : {"start_vm", "bring_up_resource", "power_cut", "takeover", "backing_off",
                           "latched", "in_flight", "command_stuck", "unconfirmed", "stale_libvirt",
                           "stale_drbd", "starting_up", "peer_not_connected", "storage_unknown",
                           "last look: facts_changed", "last look: peer_not_connected"}) {
    EXPECT_GT(counts[what], 3) << what;
  }
}

}  // namespace
}  // namespace upkeep
