#include "exporter/metrics/text_format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace upkeep {
namespace {

template <class Number>
std::string number(Number value) {
  std::string out;
  append_number(out, value);
  return out;
}

std::string label(std::string_view text) {
  std::string out;
  append_label_value(out, text);
  return out;
}

std::string help(std::string_view text) {
  std::string out;
  append_help(out, text);
  return out;
}

TEST(Numbers, AreWrittenAsIntegersWhenTheyAre) {
  EXPECT_EQ(number(0.0), "0");
  EXPECT_EQ(number(-0.0), "0");
  EXPECT_EQ(number(1.0), "1");
  EXPECT_EQ(number(-42.0), "-42");
  EXPECT_EQ(number(1772334590.0), "1772334590");
  EXPECT_EQ(number(9007199254740991.0), "9007199254740991");
  EXPECT_EQ(number(std::uint64_t{18446744073709551615U}), "18446744073709551615");
  EXPECT_EQ(number(std::int64_t{-5}), "-5");
}

TEST(Numbers, HaveTheFewestDigitsThatRoundTrip) {
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(number(1772334590.123), "1772334590.123");
  EXPECT_EQ(number(1e-9), "1e-09");
  EXPECT_EQ(number(1e300), "1e+300");
}

TEST(Numbers, SpellWhatIsNoNumberAsPrometheusDoes) {
  EXPECT_EQ(number(std::nan("")), "NaN");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "-Inf");
}

TEST(Numbers, ReadBackAsTheSameDouble) {
  const std::uint64_t seed = 20260301;
  std::mt19937_64 random(seed);
  int checked = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(std::strtod(number(value).c_str(), nullptr), value)
        << "seed " << seed << ", number " << i;
    ++checked;
  }
  EXPECT_GT(checked, 15000);
}

TEST(LabelValues, AreEscaped) {
  EXPECT_EQ(label("web1"), "web1");
  EXPECT_EQ(label(R"(C:\disk "a")"), R"(C:\\disk \"a\")");
  EXPECT_EQ(label("two\nlines"), R"(two\nlines)");
  EXPECT_EQ(label("Zoë 日本 🐧"), "Zoë 日本 🐧");
}

TEST(LabelValues, NeverHoldWhatIsNotUtf8) {
  EXPECT_EQ(label("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(label("\xC0\xAF"), "\uFFFD\uFFFD") << "overlong slash";
  EXPECT_EQ(label("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "surrogate";
  EXPECT_EQ(label("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD") << "above U+10FFFF";
  EXPECT_EQ(label("cut \xE2\x82"), "cut \uFFFD\uFFFD");
  EXPECT_EQ(label("\xE0\x80\xAF"), "\uFFFD\uFFFD\uFFFD") << "overlong, three bytes";
  EXPECT_EQ(label("\xF0\x80\x80\xAF"), "\uFFFD\uFFFD\uFFFD\uFFFD") << "overlong, four bytes";
}

TEST(HelpTexts, KeepTheirQuotesAndLoseTheirNewlines) {
  EXPECT_EQ(help("says \"up\"\nor \\down"), R"(says "up"\nor \\down)");
}

}  // namespace
}  // namespace upkeep
