#include "remediation/gates/start_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "remediation/plan.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_vm;
using test::TestWorld;
using test::uuid_of;
using test::vm_target;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

/// dns1 in tier 0, db1 in tier 1, web1 in tier 2 after db1; all down and wanted.
TestWorld three_tiers() {
  TestWorld world;
  world.vm_policy({.match = "dns1", .priority = 0});
  world.vm_policy({.match = "db1", .priority = 1});
  world.vm_policy({.match = "web1", .priority = 2, .after = {{"db1"}}});
  for (const char* name : {"web1", "db1", "dns1"}) {
    world.with(a_vm(name).off(VmReason::unknown)).wanted(name, StopCause::node_down);
    world.confirmed("vm_down", vm_target(name));
  }
  return world;
}

/// What was decided about each VM: "act", or the hold's word.
std::map<std::string, std::string> verdicts(const TestWorld& world) {
  std::map<std::string, std::string> all;
  for (const Decision& one : plan(world.view()).decisions) {
    const auto hold = hold_of(one);
    all[one.finding.subject.name] = std::string(hold ? to_string(*hold) : verdict_name(one));
  }
  return all;
}

void comes_up(TestWorld& world, const std::string& name) {
  world.with(a_vm(name));
  world.history.problems.erase({"vm_down", vm_target(name)});
}

TEST(StartOrder, ATierWaitsForTheOneBefore) {
  TestWorld world = three_tiers();
  EXPECT_THAT(verdicts(world),
              UnorderedElementsAre(Pair("dns1", "act"), Pair("db1", "waits_for_tier"),
                                   Pair("web1", "waits_for_vm")));
  comes_up(world, "dns1");
  EXPECT_THAT(verdicts(world),
              UnorderedElementsAre(Pair("db1", "act"), Pair("web1", "waits_for_vm")));
  comes_up(world, "db1");
  EXPECT_THAT(verdicts(world), UnorderedElementsAre(Pair("web1", "act")));
}

TEST(StartOrder, ReportsInTheOrderOfSubjects) {
  const TestWorld world = three_tiers();
  std::vector<std::string> names;
  for (const Decision& one : plan(world.view()).decisions) {
    names.push_back(one.finding.subject.name);
  }
  EXPECT_THAT(names, ElementsAre("db1", "dns1", "web1"));
}

TEST(StartOrder, OneThatIsBeingStartedIsWaitedFor) {
  TestWorld world = three_tiers();
  world.tried(vm_target("dns1")).in_flight = 7;
  world.tried(vm_target("dns1")).attempts = {world.now - 1s};
  EXPECT_EQ(verdicts(world)["db1"], "waits_for_tier");
}

TEST(StartOrder, OneThatRunsIsWaitedForUntilItsCheckPassed) {
  TestWorld world = three_tiers();
  world.policy.vms[0].health = {.kind = HealthCheck::Kind::agent, .host = "", .port = 0};
  comes_up(world, "dns1");
  world.tried(vm_target("dns1")).attempts = {world.now - 20s};
  EXPECT_EQ(verdicts(world)["db1"], "waits_for_tier");
  auto health = std::make_shared<VmHealths>();
  VmHealth& line = (*health)[VmUuid{uuid_of("dns1")}];
  // Of the run before this one.
  line = {.healthy = true, .detail = "", .at = world.now, .verified = world.now - 60s};
  world.snapshot.health = health;
  EXPECT_EQ(verdicts(world)["db1"], "waits_for_tier");
  line.verified = world.now - 5s;
  EXPECT_EQ(verdicts(world)["db1"], "act");
}

TEST(StartOrder, NobodyWaitsForOneThatIsLateToBoot) {
  TestWorld world = three_tiers();
  world.policy.vms[0].health = {.kind = HealthCheck::Kind::agent, .host = "", .port = 0};
  comes_up(world, "dns1");
  world.tried(vm_target("dns1")).attempts = {world.now - 301s};
  EXPECT_EQ(verdicts(world)["db1"], "act");
}

TEST(StartOrder, NobodyWaitsForOneThatIsHeldOrLatched) {
  TestWorld world = three_tiers();
  world.with(a_vm("dns1").off().network("br0", false, true));
  EXPECT_EQ(verdicts(world)["dns1"], "network_missing");
  EXPECT_EQ(verdicts(world)["db1"], "act");

  TestWorld latched = three_tiers();
  latched.tried(vm_target("dns1")).latched_since = latched.now - 60s;
  latched.tried(vm_target("dns1")).last_end = latched.now - 60s;
  EXPECT_EQ(verdicts(latched)["dns1"], "latched");
  EXPECT_EQ(verdicts(latched)["db1"], "act");
}

TEST(StartOrder, NobodyWaitsForOneThatIsNotWanted) {
  TestWorld world = three_tiers();
  world.unwanted("dns1", StopCause::operator_destroy);
  EXPECT_EQ(verdicts(world)["db1"], "act");
}

TEST(StartOrder, NobodyWaitsLongerThanTheTimeout) {
  TestWorld world = three_tiers();
  world.tried(vm_target("dns1")).in_flight = 7;
  world.tried(vm_target("dns1")).attempts = {world.now - 1s};
  world.history.problems[{"vm_down", vm_target("db1")}].since = world.now - 599s;
  EXPECT_EQ(verdicts(world)["db1"], "waits_for_tier");
  world.history.problems[{"vm_down", vm_target("db1")}].since = world.now - 600s;
  EXPECT_EQ(verdicts(world)["db1"], "act");
}

TEST(StartOrder, InsideATierTheOnesThatOthersNeedComeFirst) {
  TestWorld world;
  world.policy.pacing.slots = 1;
  world.snapshot.node.reading->cores = 1;
  world.vm_policy({.match = "a", .after = {{"z"}}});
  for (const char* name : {"a", "z"}) {
    world.with(a_vm(name).off(VmReason::unknown)).wanted(name, StopCause::node_down);
    world.confirmed("vm_down", vm_target(name));
  }
  EXPECT_THAT(verdicts(world), UnorderedElementsAre(Pair("z", "act"), Pair("a", "waits_for_vm")));
}

}  // namespace
}  // namespace upkeep
