#include "simulation/power_cut.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace upkeep::simulation {
namespace {

using namespace std::chrono_literals;

PowerCutOptions a_power_cut(std::size_t nodes, std::vector<std::string> vms) {
  PowerCutOptions options;
  options.nodes = nodes;
  options.vms = std::move(vms);
  VmPolicy every;
  every.health.kind = HealthCheck::Kind::agent;
  options.policy.vms.push_back(every);
  return options;
}

const VmReturn& vm_of(const PowerCutResult& result, const std::string& name) {
  return *std::ranges::find(result.vms, name, &VmReturn::name);
}

TEST(PowerCut, EveryVmComesBackAndFasterThanOneByOne) {
  const auto options = a_power_cut(3, {"a", "b", "c", "d", "e", "f", "g", "h", "i"});
  const PowerCutResult result = cut_power(options);
  ASSERT_TRUE(result.total.has_value());
  for (const VmReturn& vm : result.vms) EXPECT_EQ(vm.state, MemberState::healthy) << vm.name;
  // Thirty seconds until all nodes are there, a boot, and little else.
  EXPECT_GT(result.total->count(), 56);
  EXPECT_LT(result.total->count(), 70);
  const SerialResult serial = start_serially(options, 5min);
  EXPECT_NEAR(serial.total.count(), 30 + 150 + (9 * 29), 9 * 2.9);
  EXPECT_LT(serial.total_per_node, serial.total);
  EXPECT_EQ(result.timeline.back().healthy, 9U);
}

TEST(PowerCut, TheSameSeedTellsTheSameStory) {
  auto options = a_power_cut(2, {"a", "b", "c", "d"});
  const PowerCutResult first = cut_power(options);
  EXPECT_EQ(cut_power(options).total, first.total);
  options.seed = 2;
  EXPECT_NE(cut_power(options).total, first.total);
}

TEST(PowerCut, AGuestThatBootsIntoNothingIsNamedAndTheOthersDoNotWait) {
  auto options = a_power_cut(1, {"a", "b", "c"});
  options.broken = 1;
  const PowerCutResult result = cut_power(options);
  EXPECT_EQ(vm_of(result, "a").state, MemberState::unverified);
  ASSERT_TRUE(result.total.has_value());
  EXPECT_LT(result.total->count(), 70);
}

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= count; ++i) names.push_back(fmt::format("vm{}", i));
  return names;
}

/// The first three boot into nothing; none of the others is healthy later than without them by more
/// than the time that each of the three may hold its slot.
void expect_only_three_are_missed(PowerCutOptions options) {
  const PowerCutResult without = cut_power(options);
  options.broken = 3;
  const PowerCutResult with = cut_power(options);
  std::size_t named = 0;
  for (const VmReturn& vm : with.vms) {
    const bool broken = vm.name == "vm1" || vm.name == "vm2" || vm.name == "vm3";
    if (broken) {
      EXPECT_EQ(vm.state, MemberState::unverified) << vm.name;
      EXPECT_THAT(vm.findings, testing::ElementsAre("vm_boot_unverified")) << vm.name;
      ++named;
      continue;
    }
    EXPECT_EQ(vm.state, MemberState::healthy) << vm.name;
    EXPECT_THAT(vm.findings, testing::IsEmpty()) << vm.name;
    ASSERT_TRUE(vm.healthy) << vm.name;
    const Seconds late = *vm.healthy - *vm_of(without, vm.name).healthy;
    EXPECT_LE(late, options.policy.pacing.slot_timeout) << vm.name;
  }
  EXPECT_EQ(named, 3U);
}

TEST(PowerCut, ThreeOfSixtyTwoThatBootIntoNothingAreNamedAndDelayNobodyBeyondTheirSlot) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    auto options = a_power_cut(4, numbered(62));
    options.seed = seed;
    expect_only_three_are_missed(options);
  }
}

TEST(PowerCut, ThreeOnOneNodeOfFewSlotsDelayNobodyBeyondTheirSlot) {
  auto options = a_power_cut(1, numbered(16));
  options.hardware.cores = 2;
  options.policy.pacing.slots = 3;
  options.policy.pacing.most = 3;
  expect_only_three_are_missed(options);
}

TEST(PowerCut, TheConfiguredOrderIsKept) {
  auto options = a_power_cut(1, {"dns", "web"});
  VmPolicy web = options.policy.vms.front();
  web.match = "web";
  web.priority = 1;
  options.policy.vms.insert(options.policy.vms.begin(), web);
  const PowerCutResult result = cut_power(options);
  EXPECT_GE(*vm_of(result, "web").started, *vm_of(result, "dns").healthy);
  EXPECT_GT(result.shares.at(Bottleneck::order), 20s);
}

TEST(PowerCut, SlowDisksAreBlamedAndSlotsFollowThem) {
  auto options = a_power_cut(1, {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"});
  options.hardware = {.cores = 1, .knee = 2, .decay = 1, .boot_cpu = 0.1};
  options.policy.pacing.slots = 6;
  const PowerCutResult result = cut_power(options);
  EXPECT_EQ(result.bottleneck, Bottleneck::disks);
  const auto fewest = std::ranges::min(
      result.timeline, {}, [](const PowerCutMoment& at) { return at.slots == 0 ? 99 : at.slots; });
  EXPECT_LE(fewest.slots, 3);
}

TEST(PowerCut, AVmThatNobodyWantsKeepsNobodyWaiting) {
  auto options = a_power_cut(1, {"a", "b"});
  VmPolicy down = options.policy.vms.front();
  down.match = "b";
  down.keep = Keep::down;
  options.policy.vms.insert(options.policy.vms.begin(), down);
  const PowerCutResult result = cut_power(options);
  EXPECT_FALSE(vm_of(result, "b").started.has_value());
  EXPECT_TRUE(vm_of(result, "a").healthy.has_value());
  EXPECT_TRUE(result.total.has_value());
}

TEST(PowerCut, PhasesAddUp) {
  const auto options = a_power_cut(2, {"a", "b", "c", "d"});
  const auto spreads = spreads_of(cut_power(options));
  ASSERT_EQ(spreads.size(), 7U);
  EXPECT_EQ(spreads.front().name, "node");
  EXPECT_NEAR(spreads.front().worst.count(), 30, 3);
  EXPECT_EQ(spreads.back().name, "verify");
  EXPECT_NEAR(spreads.back().median.count(), 29, 5);
}

}  // namespace
}  // namespace upkeep::simulation
