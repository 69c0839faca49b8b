#include <gtest/gtest.h>

#include "remediation/rules/rules.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_vm;
using test::TestWorld;
using test::uuid_of;
using test::vm_target;

/// web1 runs with a check and a boot_timeout of 60 s; the daemon has looked for a day.
class VmBootUnverified : public ::testing::Test {
 protected:
  VmBootUnverified() {
    world_.with(a_vm("web1"));
    world_.vm_policy(
        {.match = "web*", .health = {.kind = HealthCheck::Kind::agent}, .boot_timeout = 60s});
    world_.history.started = world_.now - 24h;
    unhealthy("the guest agent is not connected");
  }
  void started_ago(Duration ago) {
    Vm vm = a_vm("web1");
    vm.last_start = world_.snapshot.wall - std::chrono::duration_cast<WallTime::duration>(ago);
    world_.with(vm);
  }
  void said(VmHealth health) {
    world_.snapshot.health =
        std::make_shared<const VmHealths>(VmHealths{{VmUuid{uuid_of("web1")}, std::move(health)}});
  }
  void unhealthy(const std::string& why) {
    said({.healthy = false, .detail = why, .at = world_.now});
  }
  [[nodiscard]] std::vector<Finding> findings() const {
    return vm_boot_unverified_rule().detect(world_.view());
  }

  TestWorld world_;
};

TEST_F(VmBootUnverified, FindsAGuestThatIsNotHealthyInTime) {
  started_ago(60s);
  const auto found = findings();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].subject, vm_target("web1"));
  EXPECT_EQ(found[0].detail, "running, not healthy yet: the guest agent is not connected");
  const auto action = vm_boot_unverified_rule().remedy(found[0], world_.view());
  ASSERT_FALSE(action) << "it is not restarted in circles";
  EXPECT_EQ(action.error().reason, Hold::no_remedy);
}

TEST_F(VmBootUnverified, GivesItTheTimeToBoot) {
  started_ago(59s);
  EXPECT_TRUE(findings().empty());
}

TEST_F(VmBootUnverified, OnceHealthyInThisRunIsEnough) {
  started_ago(1h);
  said({.healthy = false, .detail = "x", .at = world_.now, .verified = world_.now - 59min});
  EXPECT_TRUE(findings().empty());
}

TEST_F(VmBootUnverified, AnAnswerFromBeforeOurStartWasAnotherRuns) {
  started_ago(61s);
  world_.tried(vm_target("web1")).attempts = {world_.now - 61s};
  said({.healthy = true, .detail = "", .at = world_.now, .verified = world_.now - 62s});
  EXPECT_EQ(findings().size(), 1U);
  said({.healthy = true, .detail = "", .at = world_.now, .verified = world_.now - 60s});
  EXPECT_TRUE(findings().empty());
}

TEST_F(VmBootUnverified, ADaemonThatStartsLateCountsFromWhenItBeganToLook) {
  world_.history.started = world_.now - 59s;
  EXPECT_TRUE(findings().empty()) << "nobody knows when it started";
  started_ago(10h);
  EXPECT_TRUE(findings().empty());
  world_.later(1s);
  EXPECT_EQ(findings().size(), 1U);
}

TEST_F(VmBootUnverified, AClockThatIsSetRightAtTheBootMakesNoBootLate) {
  started_ago(10h);
  world_.tried(vm_target("web1")).attempts = {world_.now - 30s};
  EXPECT_TRUE(findings().empty());
  world_.later(30s);
  EXPECT_EQ(findings().size(), 1U);
}

TEST_F(VmBootUnverified, AClockThatWasSetBackHidesNothingForEver) {
  started_ago(-1h);
  EXPECT_EQ(findings().size(), 1U);
}

TEST_F(VmBootUnverified, ACheckThatHasSaidNothingYetFindsNothing) {
  started_ago(1h);
  world_.snapshot.health = nullptr;
  EXPECT_TRUE(findings().empty());
  world_.snapshot.health = std::make_shared<const VmHealths>();
  EXPECT_TRUE(findings().empty());
}

TEST_F(VmBootUnverified, WhoCannotBeAskedIsFoundWithTheReason) {
  started_ago(1h);
  said({.healthy = false, .detail = "the guest agent can't be asked: denied"});
  ASSERT_EQ(findings().size(), 1U);
  EXPECT_EQ(findings()[0].detail,
            "running, not healthy yet: the guest agent can't be asked: denied");
}

TEST_F(VmBootUnverified, IsAboutRunningVmsWithACheckThatUpkeepLooksAfter) {
  started_ago(1h);
  ASSERT_EQ(findings().size(), 1U);
  world_.marked("web1", Keep::ignore);
  EXPECT_TRUE(findings().empty());
  world_.history.intents.clear();
  world_.policy.vms.clear();
  EXPECT_TRUE(findings().empty()) << "no check";
  world_.vm_policy({.match = "*", .health = {.kind = HealthCheck::Kind::agent}});
  world_.with(a_vm("web1").state(VmState::paused, VmReason::user));
  EXPECT_TRUE(findings().empty()) << "paused";
  world_.with(a_vm("web1").off());
  EXPECT_TRUE(findings().empty()) << "off";
}

TEST_F(VmBootUnverified, SeesNothingInAnOldReading) {
  started_ago(1h);
  world_.now += 6s;
  EXPECT_TRUE(findings().empty());
}

}  // namespace
}  // namespace upkeep
