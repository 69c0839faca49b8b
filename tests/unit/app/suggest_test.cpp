#include "app/suggest.h"

#include <gtest/gtest.h>

#include <array>

namespace upkeep {
namespace {

constexpr std::array<std::string_view, 6> kCommands{"run", "check", "status",
                                                    "why", "mark",  "history"};

TEST(EditDistance, CountsLettersAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("status", "status"), 0U);
  EXPECT_EQ(edit_distance("staus", "status"), 1U);
  EXPECT_EQ(edit_distance("statsu", "status"), 1U);
  EXPECT_EQ(edit_distance("stattus", "status"), 1U);
  EXPECT_EQ(edit_distance("stotus", "status"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Nearest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("statsu", kCommands), "status");
  EXPECT_EQ(nearest("histroy", kCommands), "history");
  EXPECT_EQ(nearest("rn", kCommands), "run");
}

TEST(Nearest, KnowsAbbreviationsAndEndings) {
  EXPECT_EQ(nearest("hist", kCommands), "history");
  EXPECT_EQ(nearest("checking", kCommands), "check");
  constexpr std::array<std::string_view, 2> kKeys{"listen", "listen_allow_from"};
  EXPECT_EQ(nearest("listen_alow_from", kKeys), "listen_allow_from") << "a typo goes first";
  EXPECT_EQ(nearest("listens", kKeys), "listen");
  EXPECT_EQ(nearest("st", kCommands), "");
}

TEST(Nearest, GuessesNothingFarFetched) {
  EXPECT_EQ(nearest("frobnicate", kCommands), "");
  EXPECT_EQ(nearest("", kCommands), "");
  EXPECT_EQ(nearest("x", kCommands), "");
  EXPECT_EQ(nearest(std::string(1000, 's'), kCommands), "");
  EXPECT_EQ(nearest("status", {}), "");
}

TEST(DidYouMean, IsTheEndOfASentence) {
  EXPECT_EQ(did_you_mean("chekc", kCommands), " (did you mean 'check'?)");
  EXPECT_EQ(did_you_mean("frobnicate", kCommands), "");
}

}  // namespace
}  // namespace upkeep
