#include "exporter/sources/node/wtmp.h"

#include <gtest/gtest.h>

#include "tests/unit/exporter/sources/node/fake_node.h"

namespace upkeep {
namespace {

using test::Wtmp;

const WallTime kThisBoot{std::chrono::seconds(test::kBooted)};

PreviousShutdown verdict(const std::string& bytes, std::size_t piece = 100'000) {
  WtmpReader reader(kThisBoot);
  const auto all = std::as_bytes(std::span(bytes));
  for (std::size_t at = 0; at < all.size(); at += piece) {
    reader.take(all.subspan(at, std::min(piece, all.size() - at)));
  }
  return reader.verdict();
}

PreviousShutdown verdict(const Wtmp& wtmp) { return verdict(wtmp.bytes()); }

TEST(WtmpTest, ARecordIsWhatTheManualSays) { EXPECT_EQ(sizeof(utmp), 384U); }

TEST(WtmpTest, AShutdownBetweenTwoBootsIsClean) {
  EXPECT_EQ(verdict(Wtmp().boot(-9000).runlevel(-8990).login(-50).shutdown(-60).boot(2)),
            PreviousShutdown::clean);
}

TEST(WtmpTest, TwoBootsWithNothingBetweenAreUnclean) {
  EXPECT_EQ(verdict(Wtmp().boot(-9000).runlevel(-8990).login(-50).boot(2).runlevel(10)),
            PreviousShutdown::unclean);
}

TEST(WtmpTest, AShutdownBeforeThePreviousBootDoesNotCount) {
  EXPECT_EQ(verdict(Wtmp().boot(-20000).shutdown(-10000).boot(-9000).boot(0)),
            PreviousShutdown::unclean);
}

TEST(WtmpTest, AShutdownAfterThisBootDoesNotCount) {
  EXPECT_EQ(verdict(Wtmp().boot(-9000).boot(0).shutdown(50)), PreviousShutdown::unclean);
}

TEST(WtmpTest, AUserOfThatNameIsNoShutdown) {
  EXPECT_EQ(verdict(Wtmp().boot(-9000).login(-50).boot(0)), PreviousShutdown::unclean);
}

TEST(WtmpTest, WithoutThePreviousBootItIsUnknown) {
  EXPECT_EQ(verdict(Wtmp()), PreviousShutdown::unknown);
  EXPECT_EQ(verdict(Wtmp().boot(0)), PreviousShutdown::unknown) << "just installed, or rotated";
  EXPECT_EQ(verdict(Wtmp().login(-60).boot(0)), PreviousShutdown::unknown);
  EXPECT_EQ(verdict(Wtmp().shutdown(-60).boot(0)), PreviousShutdown::clean)
      << "rotated, but its end is on record";
}

TEST(WtmpTest, WithoutThisBootOnRecordItIsUnknown) {
  EXPECT_EQ(verdict(Wtmp().boot(-20000).shutdown(-9100).boot(-9000)), PreviousShutdown::unknown)
      << "the last boot on record is an older one";
  EXPECT_EQ(verdict(Wtmp().boot(-20000).boot(-9000)), PreviousShutdown::unknown);
}

TEST(WtmpTest, ABootIsKnownAgainThoughTheClockWasSet) {
  EXPECT_EQ(verdict(Wtmp().boot(-9000).boot(300)), PreviousShutdown::unclean);
  EXPECT_EQ(verdict(Wtmp().boot(-9000).boot(-300)), PreviousShutdown::unclean);
  EXPECT_EQ(verdict(Wtmp().boot(-9000).boot(301)), PreviousShutdown::unknown);
}

TEST(WtmpTest, ComesInPiecesOfAnySize) {
  const std::string bytes = Wtmp().boot(-9000).runlevel(-8990).shutdown(-60).boot(2).bytes();
  for (const std::size_t piece : {1U, 7U, 383U, 384U, 385U, 1000U}) {
    EXPECT_EQ(verdict(bytes, piece), PreviousShutdown::clean) << piece;
  }
}

TEST(WtmpTest, ATornLastRecordIsLeftOut) {
  const std::string whole = Wtmp().boot(-9000).boot(0).bytes();
  const std::string more = Wtmp().boot(-5000).bytes();
  EXPECT_EQ(verdict(whole + more.substr(0, 383)), PreviousShutdown::unclean);
  EXPECT_EQ(verdict("rubbish"), PreviousShutdown::unknown);
}

}  // namespace
}  // namespace upkeep
