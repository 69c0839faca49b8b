#include "app/cli/times.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace upkeep::cli {
namespace {

using namespace std::chrono_literals;

// 1772334764 is 2026-03-01 03:12:44 UTC, by date(1).
const WallTime kMoment{1772334764s + 120ms};

TEST(Times, ReadsTheApisTimes) {
  EXPECT_EQ(from_rfc3339("2026-03-01T03:12:44.120Z"), kMoment);
  EXPECT_EQ(from_rfc3339("2026-03-01T03:12:44Z"), kMoment - 120ms);
  EXPECT_EQ(from_rfc3339("2026-03-01T03:12:44.12Z"), kMoment);
  EXPECT_EQ(from_rfc3339("1970-01-01T00:00:00.000Z"), WallTime{});
  EXPECT_EQ(from_rfc3339("2024-02-29T00:00:00Z"), WallTime{1709164800s});
}

TEST(Times, RefusesTheRest) {
  for (const char* text :
       {"", "Z", "2026-03-01", "2026-03-01T03:12:44", "2026-03-01 03:12:44Z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-01T24:00:00Z",
        "2026-03-01T03:60:00Z", "2026-03-01T03:12:44.Z", "2026-03-01T03:12:44,120Z",
        "2026-03-01T03:12:44+01:00", "2026-03-01T03:12:44.-1Z", "2026-03-0xT03:12:44Z",
        "-026-03-01T03:12:44Z", "2026-03-01T03:12:44.99999999999999999999Z"}) {
    EXPECT_FALSE(from_rfc3339(text).has_value()) << text;
  }
}

TEST(Times, WritesWhatItReads) {
  EXPECT_EQ(to_rfc3339(kMoment), "2026-03-01T03:12:44.120Z");
  EXPECT_EQ(to_rfc3339(WallTime{-1ms}), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(from_rfc3339(to_rfc3339(kMoment)), kMoment);
}

TEST(Times, AreShownWhereTheReaderIs) {
  setenv("TZ", "Europe/Berlin", 1);
  tzset();
  const std::time_t time = 1772334764;
  std::tm local{};
  localtime_r(&time, &local);
  // Without the zone's data Berlin is UTC; then there is nothing to compare.
  if (local.tm_gmtoff == 3600) {
    EXPECT_EQ(local_time(kMoment), "2026-03-01 04:12:44");
  }
  setenv("TZ", "UTC0", 1);
  tzset();
  EXPECT_EQ(local_time(kMoment), "2026-03-01 03:12:44");
  setenv("TZ", "XXX-2", 1);
  tzset();
  EXPECT_EQ(local_time(kMoment), "2026-03-01 05:12:44");
  unsetenv("TZ");
  tzset();
}

TEST(ShortDuration, HasOneUnitThatFits) {
  EXPECT_EQ(short_duration(0s), "0.0 s");
  EXPECT_EQ(short_duration(400ms), "0.4 s");
  EXPECT_EQ(short_duration(10s), "10 s");
  EXPECT_EQ(short_duration(119s), "119 s");
  EXPECT_EQ(short_duration(120s), "2 min");
  EXPECT_EQ(short_duration(3h), "3 h");
  EXPECT_EQ(short_duration(50h), "2 d");
}

}  // namespace
}  // namespace upkeep::cli
