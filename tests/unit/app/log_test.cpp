#include "app/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace upkeep {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

/// 2026-03-01T03:12:44.120Z, for ever.
class StoppedClock final : public Clock {
 public:
  [[nodiscard]] Tick now() const override { return Tick{}; }
  [[nodiscard]] WallTime wall() const override { return WallTime(milliseconds(1772334764120)); }
};

std::string logfmt(std::string_view message, const LogFields& fields) {
  return to_logfmt({.at = StoppedClock().wall(), .message = message, .fields = &fields});
}

nlohmann::ordered_json json(std::string_view message, const LogFields& fields) {
  return nlohmann::ordered_json::parse(
      to_json({.at = StoppedClock().wall(), .message = message, .fields = &fields}));
}

TEST(Log, WritesLogfmtInTheGivenOrder) {
  EXPECT_EQ(logfmt("restarting vm", {{"vm", "web1"}, {"attempt", 1}, {"trigger", "event"}}),
            "ts=2026-03-01T03:12:44.120Z level=info msg=\"restarting vm\" vm=web1 attempt=1 "
            "trigger=event");
}

TEST(Log, ShowsMillisecondsWithLeadingZeros) {
  EXPECT_EQ(to_logfmt({.at = WallTime(milliseconds(1772334764007)), .message = "x"}),
            "ts=2026-03-01T03:12:44.007Z level=info msg=x");
}

TEST(Log, RoundsSecondsToWhatPeopleRead) {
  EXPECT_THAT(logfmt("x", {{"seconds", 3.2000001}}), EndsWith("seconds=3.2"));
  EXPECT_THAT(logfmt("x", {{"seconds", 0.08349}}), EndsWith("seconds=0.083"));
  EXPECT_EQ(json("x", {{"seconds", 3.2000001}})["seconds"], 3.2);
}

TEST(Log, QuotesOnlyWhatNeedsIt) {
  EXPECT_THAT(logfmt("x", {{"a", "/dev/drbd0"}}), EndsWith(" a=/dev/drbd0"));
  EXPECT_THAT(logfmt("x", {{"a", ""}}), EndsWith(" a=\"\""));
  EXPECT_THAT(logfmt("x", {{"a", "b=c"}}), EndsWith(" a=\"b=c\""));
  EXPECT_THAT(logfmt("x", {{"a", true}}), EndsWith(" a=true"));
  EXPECT_THAT(logfmt("x", {{"a", "Zürich"}}), EndsWith(" a=Zürich"));
}

TEST(Log, KeepsHostileTextOnOneLineAndInOneValue) {
  EXPECT_THAT(logfmt("x", {{"error", "one\ntwo\r\t\"three\" \\ \x01\x7f"}}),
              EndsWith(R"( error="one\ntwo\r\t\"three\" \\ \u0001\u007f")"));
  const std::string forged =
      logfmt("x", {{"vm", "web1 level=error msg=\"all gone\"\nts=now level=info"}});
  EXPECT_EQ(forged.find('\n'), std::string::npos);
  EXPECT_THAT(forged, HasSubstr(R"(vm="web1 level=error msg=\"all gone\"\nts=now level=info")"));
}

TEST(Log, ReplacesWhatIsNotUtf8) {
  EXPECT_THAT(logfmt("x", {{"a", "b\xff\x63"}}), EndsWith(" a=b\xEF\xBF\xBD"
                                                          "c"));
  // Overlong, a surrogate, cut short, beyond the last code point.
  EXPECT_THAT(logfmt("x", {{"a", "\xC0\xAF"}}), EndsWith(" a=\xEF\xBF\xBD\xEF\xBF\xBD"));
  EXPECT_THAT(logfmt("x", {{"a", "\xED\xA0\x80"}}),
              EndsWith(" a=\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"));
  EXPECT_THAT(logfmt("x", {{"a", "\xE2\x82"}}), EndsWith(" a=\xEF\xBF\xBD\xEF\xBF\xBD"));
  EXPECT_EQ(json("x", {{"a", "b\xff"}})["a"], "b\xEF\xBF\xBD");
}

TEST(Log, WritesJsonWithTypedValuesInOrder) {
  const auto line = json("a \"b\"\n", {{"vm", "web1"}, {"attempt", 2}, {"latched", false}});
  EXPECT_EQ(line.dump(), R"({"ts":"2026-03-01T03:12:44.120Z","level":"info","msg":"a \"b\"\n",)"
                         R"("vm":"web1","attempt":2,"latched":false})");
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  const StoppedClock clock;
  std::vector<std::string> lines;
  const Log log(clock, {.level = LogLevel::warning,
                        .sink = [&](std::string_view line) { lines.emplace_back(line); }});
  log.debug("one");
  log.info("two");
  log.warn("three");
  log.error("four", {{"vm", "web1"}});
  EXPECT_THAT(lines, ElementsAre("ts=2026-03-01T03:12:44.120Z level=warn msg=three",
                                 "ts=2026-03-01T03:12:44.120Z level=error msg=four vm=web1"));
}

TEST(Log, DoesNotInterpretBracesOrPercentSigns) {
  const StoppedClock clock;
  std::vector<std::string> lines;
  const Log log(clock, {.sink = [&](std::string_view line) { lines.emplace_back(line); }});
  log.info("{} %s %v", {{"vm", "{0}%v"}});
  EXPECT_THAT(lines, ElementsAre(EndsWith("msg=\"{} %s %v\" vm={0}%v")));
}

TEST(Log, ReadsItsOwnWords) {
  EXPECT_EQ(to_log_level("warn"), LogLevel::warning);
  EXPECT_EQ(to_log_level("loud"), std::nullopt);
  EXPECT_EQ(to_log_format("json"), LogFormat::json);
  EXPECT_EQ(to_log_format("xml"), std::nullopt);
}

}  // namespace
}  // namespace upkeep
