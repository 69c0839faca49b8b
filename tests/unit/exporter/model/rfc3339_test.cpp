#include "exporter/model/rfc3339.h"

#include <gtest/gtest.h>

#include <chrono>

namespace upkeep {
namespace {

using namespace std::chrono_literals;

TEST(Rfc3339, IsReadAsGoWritesIt) {
  const WallTime at(1795352355s);
  EXPECT_EQ(parse_rfc3339("2026-11-22T12:59:15Z"), at);
  EXPECT_EQ(parse_rfc3339("2026-11-22T12:59:15.5Z"), at + 500ms);
  EXPECT_EQ(parse_rfc3339("2026-11-22T12:59:15.000001999Z"), at + 1us);
  EXPECT_EQ(parse_rfc3339("2026-11-22T13:59:15+01:00"), at);
  EXPECT_EQ(parse_rfc3339("2026-11-22T07:29:15-05:30"), at);
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), WallTime{});
  EXPECT_EQ(parse_rfc3339("2024-02-29T00:00:00Z"), WallTime(1709164800s));
}

TEST(Rfc3339, IsNothingElse) {
  for (const char* text :
       {"", "2026-11-22", "2026-11-22 12:59:15Z", "2026-11-22T12:59:15", "2026-11-22T12:59:15.Z",
        "2026-13-22T12:59:15Z", "2026-02-29T12:59:15Z", "2026-11-22T24:00:00Z",
        "2026-11-22T12:60:15Z", "2026-11-22T12:59:61Z", "2026-11-22T12:59:15Zx",
        "2026-11-22T12:59:15+1:00", "2026-11-22T12:59:15.1234567890Z", "1969-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "-026-11-22T12:59:15Z"}) {
    EXPECT_FALSE(parse_rfc3339(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace upkeep
