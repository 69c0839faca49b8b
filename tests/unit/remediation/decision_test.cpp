#include "remediation/decision.h"

#include <gtest/gtest.h>

#include <set>

namespace upkeep {
namespace {

TEST(Hold, HasOneWordEachThatReadsBack) {
  std::set<std::string_view> words;
  for (const Hold hold : all_holds()) {
    const auto word = to_string(hold);
    EXPECT_FALSE(word.empty());
    EXPECT_EQ(word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos)
        << word;
    EXPECT_TRUE(words.insert(word).second) << word;
    EXPECT_EQ(to_hold(word), hold);
  }
  EXPECT_EQ(words.size(), 51U);
  EXPECT_FALSE(to_hold("resting"));
}

TEST(Hold, KeepsTheWordsThatDashboardsRestOn) {
  EXPECT_EQ(to_string(Hold::observing), "observing");
  EXPECT_EQ(to_string(Hold::peer_not_connected), "peer_not_connected");
  EXPECT_EQ(to_string(Hold::may_run_elsewhere), "may_run_elsewhere");
  EXPECT_EQ(to_string(Hold::facts_changed), "facts_changed");
}

TEST(Decision, IsNamedAfterItsVerdict) {
  const Action action = BringUpResource{.resource = {"r0"}};
  Decision decision{.finding = {}, .verdict = Act{action}};
  EXPECT_EQ(verdict_name(decision), "act");
  EXPECT_FALSE(hold_of(decision));
  decision.verdict = WouldAct{action};
  EXPECT_EQ(verdict_name(decision), "would_act");
  EXPECT_FALSE(hold_of(decision));
  decision.verdict = Held{.reason = Hold::latched};
  EXPECT_EQ(verdict_name(decision), "hold");
  EXPECT_EQ(hold_of(decision), Hold::latched);
}

TEST(Trigger, HasAWordEach) {
  std::set<std::string_view> words;
  for (const Trigger trigger : kTriggers) words.insert(to_string(trigger));
  EXPECT_EQ(words, (std::set<std::string_view>{"event", "poll", "webhook", "manual"}));
}

TEST(Outcome, HasOneWordEachThatReadsBack) {
  std::set<std::string_view> words;
  for (const Outcome::Kind kind : kOutcomeKinds) {
    EXPECT_TRUE(words.insert(to_string(kind)).second);
    EXPECT_EQ(to_outcome_kind(to_string(kind)), kind);
  }
  EXPECT_EQ(words.size(), 7U);
  EXPECT_FALSE(to_outcome_kind("done"));
}

TEST(Outcome, CostsAnAttemptUnlessNothingWasTried) {
  for (const Outcome::Kind kind : kOutcomeKinds) {
    const bool free = kind == Outcome::Kind::refused || kind == Outcome::Kind::conflict;
    EXPECT_EQ(costs_attempt({.kind = kind}), !free) << to_string(kind);
  }
}

}  // namespace
}  // namespace upkeep
