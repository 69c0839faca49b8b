#include "remediation/history.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::kNow;
using test::vm_target;

const Target kWeb1 = vm_target("web1");

/// A refusal by a gate; what could not be sent has an Errc's word.
Outcome ended(Outcome::Kind kind) {
  return {.kind = kind,
          .reason = kind == Outcome::Kind::refused ? "runs_elsewhere" : "failed",
          .detail = ""};
}

std::optional<Held> hold_at(const TargetHistory& tried, Tick now, bool never_gives_up = true,
                            const BackOff& back_off = {}) {
  History history;
  history.targets[kWeb1] = tried;
  return back_off_hold(history, back_off, kWeb1, never_gives_up, now);
}

/// A begin and an end at once, then a look that finds it down.
TargetHistory attempt(TargetHistory tried, Outcome::Kind kind, Tick at) {
  tried = after_end(after_begin(std::move(tried), 1, at), ended(kind), {}, at);
  return after_look(std::move(tried), false, {}, at);
}

TEST(GapAfter, DoublesFromTenSecondsToTheCapWithinAQuarter) {
  const BackOff back_off;
  const std::vector<double> nominal{10, 20, 40, 80, 160, 300, 300, 300};
  for (int in_row = 1; in_row <= 8; ++in_row) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const double gap = Seconds(gap_after(back_off, kWeb1, in_row, seed)).count();
      const double expected = nominal[static_cast<std::size_t>(in_row - 1)];
      EXPECT_GE(gap, 0.75 * expected);
      EXPECT_LE(gap, 1.25 * expected);
    }
  }
}

TEST(GapAfter, IsTheSameForTheSameAndSpreadsOverTargetsRowsAndSeeds) {
  const BackOff back_off;
  EXPECT_EQ(gap_after(back_off, kWeb1, 3, 7), gap_after(back_off, kWeb1, 3, 7));
  std::set<Duration> targets;
  std::set<Duration> seeds;
  double sum = 0;
  for (int i = 0; i < 100; ++i) {
    const Duration gap = gap_after(back_off, vm_target("vm" + std::to_string(i)), 1, 1);
    targets.insert(gap);
    seeds.insert(gap_after(back_off, kWeb1, 1, static_cast<std::uint64_t>(i)));
    sum += Seconds(gap).count();
  }
  EXPECT_GT(targets.size(), 95U);
  EXPECT_GT(seeds.size(), 95U);
  EXPECT_NEAR(sum / 100, 10.0, 1.0);
}

TEST(GapAfter, WithoutJitterIsExact) {
  BackOff back_off;
  back_off.jitter = 0;
  EXPECT_EQ(gap_after(back_off, kWeb1, 1, 1), 10s);
  EXPECT_EQ(gap_after(back_off, kWeb1, 4, 1), 80s);
  EXPECT_EQ(gap_after(back_off, kWeb1, 1000, 1), 300s);
}

TEST(BackOffHold, LetsTheFirstTryGoAtOnce) {
  EXPECT_FALSE(back_off_hold({}, {}, kWeb1, true, kNow));
  EXPECT_FALSE(hold_at({}, kNow));
}

TEST(BackOffHold, WaitsForTheEndOfWhatIsInFlight) {
  const TargetHistory tried = after_begin({}, 42, kNow);
  const auto held = hold_at(tried, kNow + 10h);
  ASSERT_TRUE(held);
  EXPECT_EQ(held->reason, Hold::in_flight);
  EXPECT_NE(held->detail.find("42"), std::string::npos);
}

TEST(BackOffHold, SendsNothingMoreWhereACommandIsStuck) {
  TargetHistory tried =
      after_deadline(after_begin({}, 1, kNow), ended(Outcome::Kind::timed_out), kNow + 120s);
  EXPECT_EQ(hold_at(tried, kNow + 10h)->reason, Hold::command_stuck);
  EXPECT_EQ(hold_at(released(tried), kNow + 10h)->reason, Hold::command_stuck);
  tried = after_end(tried, ended(Outcome::Kind::failed), {}, kNow + 200s);
  EXPECT_EQ(hold_at(tried, kNow + 201s)->reason, Hold::backing_off);
}

TEST(BackOffHold, SaysOfATryThatHangsWithNothingSentThatNothingWas) {
  const Outcome late{
      .kind = Outcome::Kind::refused, .reason = "timed_out", .detail = "nothing could be sent"};
  const auto held = hold_at(after_deadline(after_begin({}, 1, kNow), late, kNow + 120s), kNow + 1h);
  ASSERT_TRUE(held);
  EXPECT_EQ(held->reason, Hold::command_stuck);
  EXPECT_EQ(held->detail, "an earlier try has not ended: nothing could be sent");
}

TEST(BackOffHold, ACommandThatNeverEndedIsForgottenWhenHealthyOrReleased) {
  const TargetHistory tried =
      after_end(after_begin({}, 1, kNow), ended(Outcome::Kind::timed_out), {}, kNow + 6s);
  EXPECT_EQ(hold_at(tried, kNow + 10h)->reason, Hold::command_stuck);
  EXPECT_FALSE(hold_at(released(tried), kNow + 10h));
  EXPECT_FALSE(hold_at(after_look(tried, true, {}, kNow + 60s), kNow + 10h));
}

TEST(BackOffHold, SpacesFailedStartsAndThenLatches) {
  TargetHistory tried;
  Tick now = kNow;
  std::vector<double> gaps;
  for (int i = 0; i < 5; ++i) {
    ASSERT_FALSE(hold_at(tried, now)) << i;
    tried = attempt(tried, Outcome::Kind::failed, now);
    const auto held = hold_at(tried, now);
    ASSERT_TRUE(held);
    if (i == 4) break;
    EXPECT_EQ(held->reason, Hold::backing_off);
    ASSERT_TRUE(held->retry_at);
    EXPECT_TRUE(hold_at(tried, *held->retry_at - 1ns));
    gaps.push_back(Seconds(*held->retry_at - now).count());
    now = *held->retry_at;
  }
  const std::vector<double> nominal{10, 20, 40, 80};
  for (std::size_t i = 0; i < nominal.size(); ++i) EXPECT_NEAR(gaps[i], nominal[i], nominal[i] / 4);
  EXPECT_TRUE(tried.latched_since);
  const auto held = hold_at(tried, now);
  EXPECT_EQ(held->reason, Hold::latched);
  EXPECT_EQ(held->opens_with, "upkeep release vm/web1");
  EXPECT_EQ(held->retry_at, now + 30min);
}

TargetHistory latched(Tick now) {
  TargetHistory tried;
  for (int i = 0; i < 5; ++i) tried = attempt(tried, Outcome::Kind::failed, now - (5 - i) * 1min);
  return tried;
}

TEST(BackOffHold, WhileLatchedTriesAStartEachHalfHourAndNothingElseAtAll) {
  TargetHistory tried = latched(kNow);
  ASSERT_TRUE(tried.latched_since);
  EXPECT_EQ(hold_at(tried, kNow + 10h, false)->reason, Hold::latched);
  EXPECT_FALSE(hold_at(tried, kNow + 10h, false)->retry_at);
  for (int i = 0; i < 10; ++i) {
    const auto held = hold_at(tried, tried.attempts.back() + 1s);
    ASSERT_TRUE(held && held->retry_at);
    EXPECT_EQ(held->reason, Hold::latched);
    EXPECT_EQ(*held->retry_at, tried.attempts.back() + 30min);
    EXPECT_FALSE(hold_at(tried, *held->retry_at));
    tried = attempt(tried, Outcome::Kind::failed, *held->retry_at);
  }
}

TEST(BackOffHold, WhatStoodInTheWayAndHasGoneBringsTheNextTryForward) {
  TargetHistory tried = latched(kNow);
  const Tick last = tried.attempts.back();
  tried = after_verdict(tried, Hold::latched, last + 1s);
  EXPECT_EQ(*hold_at(tried, last + 1s)->retry_at, last + 30min) << "nothing stood there";
  tried = after_verdict(tried, Hold::network_missing, last + 2s);
  tried = after_verdict(tried, Hold::stale_libvirt, last + 3s);
  tried = after_verdict(tried, Hold::in_flight, last + 4s);
  EXPECT_EQ(*hold_at(tried, last + 4s)->retry_at, last + 30min) << "nobody has seen it gone";
  tried = after_verdict(tried, Hold::latched, last + 5s);
  EXPECT_EQ(*hold_at(tried, last + 5s)->retry_at, last + 5min) << "not sooner than any other";
  EXPECT_EQ(hold_at(tried, last + 10h, false)->reason, Hold::latched) << "starts only";
  ASSERT_FALSE(hold_at(tried, last + 5min));
  EXPECT_TRUE(tried.latched_since) << "the alert stays until it is well";
  tried = attempt(tried, Outcome::Kind::failed, last + 5min);
  EXPECT_EQ(*hold_at(tried, last + 6min)->retry_at, last + 35min) << "it was one piece of news";
}

TEST(BackOffHold, AWayThatClearedLongAfterTheLastTryIsTakenAtOnce) {
  TargetHistory tried = latched(kNow);
  const Tick later = tried.attempts.back() + 20min;
  tried = after_verdict(tried, Hold::disk_missing, later);
  ASSERT_TRUE(hold_at(tried, later));
  tried = after_verdict(tried, Hold::latched, later + 1s);
  EXPECT_FALSE(hold_at(tried, later + 1s));
}

TEST(BackOffHold, AFastCrasherIsLatchedAlthoughEachStartSucceeds) {
  TargetHistory tried;
  Tick now = kNow;
  for (int i = 0; i < 5; ++i) {
    ASSERT_FALSE(hold_at(tried, now)) << i;
    tried = after_end(after_begin(tried, i, now), ended(Outcome::Kind::succeeded), {}, now);
    tried = after_look(tried, true, {}, now + 1s);
    EXPECT_FALSE(tried.latched_since);
    now += 400s;  // Longer than any gap, shorter than the stable window.
    if (i < 4) tried = after_look(tried, false, {}, now);
  }
  EXPECT_EQ(hold_at(tried, now)->reason, Hold::latched);
  EXPECT_TRUE(after_look(tried, false, {}, now).latched_since);
}

TEST(BackOffHold, ARefusalCostsNothingButAShortPause) {
  for (const auto kind : {Outcome::Kind::refused, Outcome::Kind::conflict}) {
    TargetHistory tried;
    Tick now = kNow;
    for (int i = 0; i < 20; ++i) {
      tried = attempt(tried, kind, now);
      EXPECT_TRUE(tried.attempts.empty());
      EXPECT_EQ(tried.in_row, 0);
      const auto held = hold_at(tried, now);
      ASSERT_TRUE(held);
      EXPECT_EQ(held->reason, Hold::backing_off);
      EXPECT_EQ(held->retry_at, now + 5s);
      now += 5s;
      EXPECT_FALSE(hold_at(tried, now));
    }
    EXPECT_FALSE(tried.latched_since);
  }
}

TEST(BackOffHold, ARefusalDoesNotShortenTheGapAfterAFailure) {
  BackOff back_off;
  back_off.jitter = 0;
  TargetHistory tried = attempt({}, Outcome::Kind::failed, kNow);
  tried = attempt(tried, Outcome::Kind::failed, kNow + 10s);
  tried = attempt(tried, Outcome::Kind::conflict, kNow + 12s);
  EXPECT_EQ(hold_at(tried, kNow + 13s, true, back_off)->retry_at, kNow + 10s + 20s);
}

TEST(BackOffHold, WhatCannotBeSentCostsNothingAndIsTriedAtEverLongerGaps) {
  const Outcome unsent{
      .kind = Outcome::Kind::refused, .reason = "timed_out", .detail = "no call was possible"};
  TargetHistory tried;
  Tick now = kNow;
  for (const auto gap : {5s, 10s, 20s, 40s, 60s, 60s, 60s}) {
    tried = after_look(after_end(after_begin(tried, 1, now), unsent, {}, now), false, {}, now);
    EXPECT_TRUE(tried.attempts.empty());
    EXPECT_EQ(tried.in_row, 0);
    EXPECT_FALSE(tried.latched_since);
    const auto held = hold_at(tried, now);
    ASSERT_TRUE(held);
    EXPECT_EQ(held->reason, Hold::backing_off);
    EXPECT_EQ(held->detail, "nothing could be sent: no call was possible");
    EXPECT_EQ(held->retry_at, now + gap);
    now += gap;
    EXPECT_FALSE(hold_at(tried, now));
  }
  // Whatever else happens to it, it begins with the shortest again.
  const auto next_gap = [&](TargetHistory line) {
    line = after_end(after_begin(std::move(line), 1, now), unsent, {}, now);
    return *hold_at(line, now)->retry_at - now;
  };
  EXPECT_EQ(next_gap(tried), 60s);
  EXPECT_EQ(next_gap(attempt(tried, Outcome::Kind::refused, now)), 5s);
  TargetHistory well = after_look(tried, true, {}, now);
  EXPECT_EQ(next_gap(well), 60s) << "a part of it is still up";
  well = after_look(well, true, {}, now + 599s);
  EXPECT_EQ(next_gap(well), 60s);
  EXPECT_EQ(next_gap(after_look(well, true, {}, now + 600s)), 5s);
  EXPECT_EQ(next_gap(released(tried)), 5s);
}

TEST(BackOffHold, ARefusedSlowTryIsRepeatedSoon) {
  TargetHistory tried = latched(kNow);
  const Tick slow = kNow + 30min;
  ASSERT_FALSE(hold_at(tried, slow));
  tried = attempt(tried, Outcome::Kind::refused, slow);
  EXPECT_FALSE(hold_at(tried, slow + 5s));
}

TEST(AfterLook, ResetsTheCountersOnlyAfterTheStableWindow) {
  TargetHistory tried = latched(kNow);
  tried = after_look(tried, true, {}, kNow);
  tried = after_look(tried, true, {}, kNow + 599s);
  EXPECT_TRUE(tried.latched_since);
  EXPECT_EQ(tried.in_row, 5);
  tried = after_look(tried, true, {}, kNow + 600s);
  EXPECT_FALSE(tried.latched_since);
  EXPECT_EQ(tried.in_row, 0);
  EXPECT_TRUE(tried.attempts.empty());
  EXPECT_FALSE(hold_at(tried, kNow + 600s));
}

TEST(AfterLook, AFallBeginsTheStableWindowAnew) {
  TargetHistory tried = after_look(latched(kNow), true, {}, kNow);
  tried = after_look(tried, false, {}, kNow + 599s);
  tried = after_look(tried, true, {}, kNow + 600s);
  tried = after_look(tried, true, {}, kNow + 1199s);
  EXPECT_TRUE(tried.latched_since);
  EXPECT_FALSE(after_look(tried, true, {}, kNow + 1200s).latched_since);
}

TEST(AfterLook, IsIdempotent) {
  const TargetHistory down = after_look(latched(kNow), false, {}, kNow);
  EXPECT_EQ(after_look(down, false, {}, kNow + 1s), down);
  const TargetHistory up = after_look(latched(kNow), true, {}, kNow);
  EXPECT_EQ(after_look(up, true, {}, kNow + 1s), up);
}

TEST(AfterBegin, CountsTheAttemptAndForgetsThoseOlderThanAnHour) {
  TargetHistory tried;
  tried = attempt(tried, Outcome::Kind::failed, kNow);
  tried = attempt(tried, Outcome::Kind::failed, kNow + 30min);
  tried = after_begin(tried, 7, kNow + 1h);
  EXPECT_EQ(tried.attempts, (std::vector<Tick>{kNow + 30min, kNow + 1h}));
  EXPECT_EQ(tried.in_row, 3);
  EXPECT_EQ(tried.in_flight, 7);
}

TEST(AfterEnd, EveryCostlyFailureLatchesWhenTheHourIsUsedUp) {
  for (const auto kind : {Outcome::Kind::failed, Outcome::Kind::ineffective,
                          Outcome::Kind::interrupted, Outcome::Kind::timed_out}) {
    TargetHistory tried;
    for (int i = 0; i < 4; ++i) tried = attempt(tried, Outcome::Kind::failed, kNow + i * 1min);
    EXPECT_FALSE(tried.latched_since);
    tried = after_end(after_begin(tried, 5, kNow + 5min), ended(kind), {}, kNow + 6min);
    EXPECT_EQ(tried.latched_since, kNow + 6min);
    EXPECT_FALSE(tried.in_flight);
  }
}

TEST(Released, ReopensAtOnceButNotWhatIsInFlight) {
  EXPECT_FALSE(hold_at(released(latched(kNow)), kNow));
  EXPECT_EQ(hold_at(released(after_begin(latched(kNow), 9, kNow)), kNow)->reason, Hold::in_flight);
}

TEST(OpenProblem, NeedsTwoReadingsOrADefiniteEvent) {
  OpenProblem problem = after_sighting(nullptr, kNow - 1s, kNow);
  EXPECT_EQ(problem.since, kNow);
  EXPECT_FALSE(is_confirmed(problem));
  problem = after_sighting(&problem, kNow - 1s, kNow + 1s);  // The same reading again.
  EXPECT_FALSE(is_confirmed(problem));
  problem = after_sighting(&problem, kNow + 1s, kNow + 1s);
  EXPECT_TRUE(is_confirmed(problem));
  EXPECT_EQ(problem.since, kNow);
  EXPECT_TRUE(is_confirmed({.definite = true}));
}

}  // namespace
}  // namespace upkeep
