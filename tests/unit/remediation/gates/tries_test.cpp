#include "remediation/gates/tries.h"

#include <gtest/gtest.h>

#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::kNow;
using test::resource_target;
using test::TestWorld;

constexpr std::string_view kReconnect = "reconnect_resource";
constexpr std::string_view kAttach = "attach_device";
const Outcome kFailed{.kind = Outcome::Kind::failed, .reason = "failed", .detail = ""};
const Outcome kConflict{.kind = Outcome::Kind::conflict, .reason = "conflict", .detail = ""};

History after(int tries, std::string_view action, const Outcome& outcome) {
  History history;
  TargetHistory& line = history.targets[resource_target("r0")];
  for (int i = 0; i < tries; ++i) {
    const Tick at = kNow - 10s + i * 1s;
    line = with_try(line, Policy{}, action, at);
    line = after_try(line, Policy{}, action, outcome, at);
  }
  return history;
}

TEST(Tries, ThreeReconnectsAndNoMore) {
  const Target r0 = resource_target("r0");
  EXPECT_FALSE(limit_hold(after(2, kReconnect, kFailed), Policy{}, r0, kReconnect, kNow));
  const History history = after(3, kReconnect, kFailed);
  const auto held = limit_hold(history, Policy{}, r0, kReconnect, kNow + 48h);
  ASSERT_TRUE(held) << "also much later";
  EXPECT_EQ(held->reason, Hold::latched);
  EXPECT_EQ(held->opens_with, "upkeep release resource/r0");
  EXPECT_FALSE(limit_hold(history, Policy{}, r0, kAttach, kNow)) << "its disk is another matter";
}

TEST(Tries, WhatCostNothingIsNoTry) {
  EXPECT_FALSE(limit_hold(after(9, kReconnect, kConflict), Policy{}, resource_target("r0"),
                          kReconnect, kNow));
}

TEST(Tries, OneAttachADay) {
  const Target r0 = resource_target("r0");
  const Outcome fine{.kind = Outcome::Kind::succeeded, .reason = "", .detail = ""};
  const History history = after(1, kAttach, fine);
  EXPECT_TRUE(limit_hold(history, Policy{}, r0, kAttach, kNow + 23h));
  EXPECT_FALSE(is_latched(history, r0, kAttach)) << "its disk is fine so far";
  EXPECT_FALSE(limit_hold(history, Policy{}, r0, kAttach, kNow + 25h));
  EXPECT_TRUE(is_latched(after(1, kAttach, kFailed), r0, kAttach));
}

TEST(Tries, AnUnreadableDiskIsProbedAgainAfter10MinutesOrARelease) {
  const Target r0 = resource_target("r0");
  History history;
  TargetHistory& line = history.targets[r0];
  line.last_end = kNow;
  line.last_outcome =
      Outcome{.kind = Outcome::Kind::refused, .reason = "disk_unreadable", .detail = "EIO"};
  const auto held = limit_hold(history, Policy{}, r0, kAttach, kNow + 9min);
  ASSERT_TRUE(held);
  EXPECT_EQ(held->reason, Hold::disk_unreadable);
  EXPECT_EQ(held->retry_at, kNow + 10min);
  EXPECT_FALSE(limit_hold(history, Policy{}, r0, kAttach, kNow + 10min));
  EXPECT_FALSE(limit_hold(history, Policy{}, r0, kReconnect, kNow)) << "its link is another matter";
  line = released(line);
  EXPECT_FALSE(limit_hold(history, Policy{}, r0, kAttach, kNow));
}

TEST(Tries, AMissingDiskIsLookedForEveryHalfMinute) {
  const Target r0 = resource_target("r0");
  History history;
  TargetHistory& line = history.targets[r0];
  line.last_end = kNow;
  line.last_outcome =
      Outcome{.kind = Outcome::Kind::refused, .reason = "disk_missing", .detail = "ENOENT"};
  const auto held = limit_hold(history, Policy{}, r0, kAttach, kNow + 29s);
  ASSERT_TRUE(held);
  EXPECT_EQ(held->reason, Hold::disk_missing);
  EXPECT_EQ(held->retry_at, kNow + 30s);
  EXPECT_FALSE(limit_hold(history, Policy{}, r0, kAttach, kNow + 30s));
}

TEST(Tries, ASecondLossLatchesUntilReleased) {
  const Outcome fine{.kind = Outcome::Kind::succeeded, .reason = "", .detail = ""};
  TestWorld world;
  world.with(a_resource("r0", 1).disk(DrbdDisk::diskless));
  world.history = after(1, kAttach, fine);
  const Target r0 = resource_target("r0");
  const Step step{.snapshot = world.snapshot, .policy = world.policy, .now = kNow, .wall = {}};
  TargetHistory line = after_tries_look(world.history.targets[r0], r0, step);
  EXPECT_EQ(line.tries.at(std::string(kAttach)).latched_since, kNow);
  // A boot brings new evidence for much, not for a disk that failed twice.
  EXPECT_TRUE(after_boot(line).tries.contains(std::string(kAttach)));
  EXPECT_TRUE(released(line).tries.empty());
}

TEST(Tries, ALatchEndsWhenItHasBeenWellForTheWindow) {
  TestWorld world;
  world.with(a_resource("r0", 1));
  const Target r0 = resource_target("r0");
  const TargetHistory line = after(3, kReconnect, kFailed).targets[r0];
  const auto at = [&](Tick now) {
    return after_tries_look(
        line, r0, {.snapshot = world.snapshot, .policy = world.policy, .now = now, .wall = {}});
  };
  EXPECT_TRUE(at(kNow + 30min).tries.at(std::string(kReconnect)).latched_since);
  EXPECT_FALSE(at(kNow + 2h).tries.at(std::string(kReconnect)).latched_since);
}

TEST(Tries, ReconnectsBeginWith5Seconds) {
  EXPECT_EQ(back_off_of(Policy{}, kReconnect).first_gap, 5s);
  EXPECT_EQ(back_off_of(Policy{}, "start_vm").first_gap, Policy{}.back_off.first_gap);
}

}  // namespace
}  // namespace upkeep
