#include <gtest/gtest.h>

#include "remediation/rules/rules.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using test::a_vm;
using test::TestWorld;
using test::uuid_of;
using test::vm_target;

/// web1 is listed; the ledger wants web2, too.
class VmMissing : public ::testing::Test {
 protected:
  VmMissing() {
    world_.with(a_vm("web1"));
    world_.wanted("web2");
  }
  [[nodiscard]] std::vector<Finding> findings() const {
    return vm_missing_rule().detect(world_.view());
  }
  [[nodiscard]] Intent& line() { return world_.history.intents.at(VmUuid{uuid_of("web2")}); }

  TestWorld world_;
};

TEST_F(VmMissing, FindsAWantedVmThatLibvirtDoesNotList) {
  const auto found = findings();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].subject, vm_target("web2"));
  EXPECT_EQ(found[0].detail, "not listed by libvirt");
  const auto action = vm_missing_rule().remedy(found[0], world_.view());
  ASSERT_FALSE(action.has_value());
  EXPECT_EQ(action.error().reason, Hold::no_remedy);
  EXPECT_EQ(action.error().opens_with, "upkeep mark web2 down");
}

TEST_F(VmMissing, SeesNothingWhileItIsListed) {
  world_.with(a_vm("web2").off());
  EXPECT_TRUE(findings().empty());
}

TEST_F(VmMissing, LeavesOneThatWasDefinedAnewToTheRuleOfThatOne) {
  Vm anew = a_vm("web2").off();
  anew.uuid = {"another"};
  world_.with(anew);
  EXPECT_TRUE(findings().empty());
}

TEST_F(VmMissing, KnowsNothingWhileLibvirtIsSilentOrListsNothing) {
  world_.snapshot.vms.reading = std::make_shared<const Vms>();
  EXPECT_TRUE(findings().empty()) << "an inventory that was lost is told of as such";
  world_.snapshot.vms.reading = fail(Errc::unavailable, "libvirtd is away");
  EXPECT_TRUE(findings().empty());
}

TEST_F(VmMissing, MissesNobodyWhoIsNotWanted) {
  world_.unwanted("web2", StopCause::guest_shutdown);
  EXPECT_TRUE(findings().empty());
  world_.wanted("web2").marked("web2", Keep::down);
  EXPECT_TRUE(findings().empty());
}

TEST_F(VmMissing, MissesNobodyWhoWasSeenToLeave) {
  world_.vm_policy({.match = "web2", .keep = Keep::up});
  for (const StopCause cause : {StopCause::moved_away, StopCause::undefined_vm}) {
    line().last_stop = cause;
    EXPECT_TRUE(findings().empty()) << to_string(cause);
  }
  line().last_stop = StopCause::crashed;
  EXPECT_EQ(findings().size(), 1U);
}

TEST_F(VmMissing, MissesNobodyWhoRunsOnAPeer) {
  world_.peer("node2", {"web2"});
  EXPECT_TRUE(findings().empty());
}

}  // namespace
}  // namespace upkeep
