#include "remediation/policy.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

TEST(PolicyFor, TakesTheFirstBlockThatMatches) {
  Policy policy;
  policy.vms = {{.match = "db1", .keep = Keep::ignore},
                {.match = "db*", .keep = Keep::up},
                {.match = "*", .keep = Keep::down}};
  EXPECT_EQ(policy_for(policy, {"db1"}).keep, Keep::ignore);
  EXPECT_EQ(policy_for(policy, {"db17"}).keep, Keep::up);
  EXPECT_EQ(policy_for(policy, {"web1"}).keep, Keep::down);
}

TEST(PolicyFor, KnowsGlobs) {
  Policy policy;
  policy.vms = {{.match = "web[12]", .exclusive = true}, {.match = "a?c", .act_on = ActOn::alerts}};
  EXPECT_TRUE(policy_for(policy, {"web1"}).exclusive);
  EXPECT_FALSE(policy_for(policy, {"web3"}).exclusive);
  EXPECT_FALSE(policy_for(policy, {"web11"}).exclusive);
  EXPECT_EQ(policy_for(policy, {"abc"}).act_on, ActOn::alerts);
  EXPECT_EQ(policy_for(policy, {"ac"}).act_on, ActOn::both);
}

TEST(PolicyFor, WithoutABlockGivesTheDefaultsAndTheNodesGuestShutdown) {
  Policy policy;
  EXPECT_EQ(policy_for(policy, {"web1"}).keep, Keep::automatic);
  EXPECT_EQ(policy_for(policy, {"web1"}).guest_shutdown, GuestShutdown::respect);
  policy.guest_shutdown = GuestShutdown::restart;
  EXPECT_EQ(policy_for(policy, {"web1"}).guest_shutdown, GuestShutdown::restart);
}

TEST(PolicyFor, ABlocksGuestShutdownGoesBeforeTheNodes) {
  Policy policy;
  policy.guest_shutdown = GuestShutdown::restart;
  policy.vms = {{.match = "db*", .guest_shutdown = GuestShutdown::respect}};
  EXPECT_EQ(policy_for(policy, {"db1"}).guest_shutdown, GuestShutdown::respect);
}

TEST(Keep, ReadsBackWhatItWrites) {
  for (const Keep keep : {Keep::automatic, Keep::up, Keep::down, Keep::ignore}) {
    EXPECT_EQ(to_keep(to_string(keep)), keep);
  }
  EXPECT_EQ(to_string(Keep::automatic), "auto");
  EXPECT_FALSE(to_keep("automatic"));
  EXPECT_FALSE(to_keep("UP"));
}

TEST(Mode, ReadsBackWhatItWrites) {
  for (const Mode mode : kModes) EXPECT_EQ(to_mode(to_string(mode)), mode);
  EXPECT_EQ(to_string(Mode::dry_run), "dry-run");
  EXPECT_FALSE(to_mode("dry_run"));
}

TEST(Policy, DoesNothingUntilTold) { EXPECT_EQ(Policy{}.mode, Mode::observe); }

}  // namespace
}  // namespace upkeep
