#include "remediation/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>

#include "remediation/gates/budget.h"
#include "tests/support/daemon_test.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_vm;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A node with VMs that start three seconds after upkeep has said so, and a daemon that can be
/// killed at any moment.
class RecoveryTest : public test::DaemonTest {
 protected:
  explicit RecoveryTest(int vms = 6) {
    for (int i = 1; i <= vms; ++i) world_.with(a_vm("web" + std::to_string(i)));
    on_submit_ = [this](const Ticket& ticket) { starts_.push_back(ticket); };
    start_daemon();
    pass(20s);
  }

  /// A step each second, before which the starts that are due have ended.
  void pass(Duration time) {
    for (Duration gone{}; gone < time; gone += 1s) {
      clock_.advance(1s);
      finish_starts();
      step();
    }
  }

  void finish_starts() {
    std::erase_if(starts_, [&](const Ticket& ticket) {
      const std::string name = target_of(ticket.action).name;
      if (clock_.now() - ticket.submitted < 3s || stuck_ == name) return false;
      world_.with(a_vm(name));
      ++boots_[name];
      succeeds(ticket.id, {.start = 3s});
      return true;
    });
  }

  /// The node loses its power and boots a minute later.
  void power_cut(int vms) {
    starts_.clear();
    clock_.advance(60s);
    world_.snapshot.node.reading->boot_id = {"boot-" + std::to_string(++boot_)};
    world_.snapshot.node.reading->boot_time = clock_.wall() - 10s;
    for (int i = 1; i <= vms; ++i) {
      world_.with(a_vm("web" + std::to_string(i)).off(VmReason::unknown));
    }
    start_daemon();
  }

  void crash(int first, int last) {
    std::vector<VmEvent> events;
    for (int i = first; i <= last; ++i) {
      const std::string name = "web" + std::to_string(i);
      world_.with(a_vm(name).off(VmReason::crashed));
      events.push_back(event(name, VmEventKind::stopped_failed));
    }
    step({.vm_events = std::move(events)});
  }

  [[nodiscard]] std::shared_ptr<const Recovery> recovery() const {
    return daemon_->view()->recovery;
  }

  std::vector<Ticket> starts_;
  std::map<std::string, int> boots_;
  std::string stuck_;  ///< Its start never ends.
  int boot_ = 1;
};

TEST_F(RecoveryTest, ABootOpensOneThatEndsWhenEverybodyIsBack) {
  EXPECT_EQ(recovery(), nullptr);
  world_.policy.pacing.most = 4;
  power_cut(6);
  pass(3s);
  ASSERT_NE(recovery(), nullptr);
  EXPECT_EQ(recovery()->cause, RecoveryCause::node_boot);
  EXPECT_EQ(recovery()->detail, "boot-2");
  EXPECT_EQ(recovery()->opened, world_.snapshot.node.reading->boot_time);
  EXPECT_THAT(recovery()->members, SizeIs(6));
  EXPECT_EQ(count_of(*recovery(), MemberState::starting), 4U);
  EXPECT_EQ(count_of(*recovery(), MemberState::waiting), 2U);
  pass(20s);
  ASSERT_TRUE(recovery()->ended);
  EXPECT_EQ(count_of(*recovery(), MemberState::healthy), 6U);
  for (const RecoveryMember& member : recovery()->members) {
    EXPECT_TRUE(member.back_at) << member.name.value;
    EXPECT_THAT(member.phases, SizeIs(6));
    EXPECT_EQ(member.phases.at("start"), 3s);
  }
  EXPECT_THAT(recorder_.starting_with("recovery"),
              ElementsAre("recovery 1 opened: 6 VMs after a boot of the node: 6 waiting",
                          "recovery 1 ended: 6 VMs after a boot of the node: 6 healthy"));
  EXPECT_EQ(journal_.recoveries.at(1), *recovery());
}

TEST_F(RecoveryTest, WhatIsBegunInOneCountsOnce) {
  power_cut(6);
  pass(30s);
  EXPECT_THAT(journal_.actions, SizeIs(6));
  EXPECT_EQ(spent_of(daemon_->view()->history.budget, clock_.now()), 1U);
  // Also for the daemon that comes after this one.
  start_daemon();
  pass(1s);
  EXPECT_EQ(spent_of(daemon_->view()->history.budget, clock_.now()), 1U);
}

TEST_F(RecoveryTest, WhatWasBegunBeforeTheClockWasSetBackIsNoPartOfIt) {
  crash(1, 1);
  pass(60s);
  clock_.step_wall(-2h);
  const auto spent = [this] { return spent_of(daemon_->view()->history.budget, clock_.now()); };
  ASSERT_EQ(spent(), 1U);
  for (const std::size_t boots : {1U, 2U, 3U}) {
    power_cut(6);
    pass(60s);
    EXPECT_EQ(spent(), boots + 1);
  }
}

TEST_F(RecoveryTest, SurvivesADaemonThatIsKilledAtAnyMoment) {
  power_cut(6);
  for (int i = 0; i < 25; ++i) {
    pass(1s);
    // What it had sent goes on by itself; its news are lost.
    for (const Ticket& ticket : std::exchange(starts_, {})) {
      world_.with(a_vm(target_of(ticket.action).name));
      ++boots_[target_of(ticket.action).name];
    }
    start_daemon();
  }
  pass(60s);
  ASSERT_NE(recovery(), nullptr);
  EXPECT_EQ(recovery()->id, 1);
  EXPECT_TRUE(recovery()->ended);
  EXPECT_EQ(count_of(*recovery(), MemberState::healthy), 6U);
  EXPECT_THAT(boots_, SizeIs(6));
  for (const auto& [name, boots] : boots_) EXPECT_EQ(boots, 1) << name;
}

TEST_F(RecoveryTest, ADaemonKilledBeforeItsFirstLookIsMadeUpFor) {
  power_cut(6);
  const auto vms = world_.snapshot.vms;
  world_.snapshot.vms.reading = fail(Errc::unavailable, "libvirtd starts");
  clock_.advance(1s);
  step();  // The boot is on record now, and nothing else.
  ASSERT_EQ(recovery(), nullptr);
  world_.snapshot.vms = vms;
  start_daemon();
  pass(30s);
  ASSERT_NE(recovery(), nullptr);
  EXPECT_EQ(recovery()->cause, RecoveryCause::node_boot);
  EXPECT_TRUE(recovery()->ended);
}

TEST_F(RecoveryTest, LosingMostOfThemAtOnceOpensOne) {
  crash(1, 5);
  pass(1s);
  ASSERT_NE(recovery(), nullptr);
  EXPECT_EQ(recovery()->cause, RecoveryCause::lost_vms);
  EXPECT_EQ(recovery()->detail, "crashed");
  EXPECT_THAT(recovery()->members, SizeIs(5));
  pass(30s);
  EXPECT_TRUE(recovery()->ended);
  EXPECT_EQ(spent_of(daemon_->view()->history.budget, clock_.now()), 1U);
  // The same failures are not another outage.
  pass(300s);
  EXPECT_EQ(recovery()->id, 1);
}

TEST_F(RecoveryTest, HalfOfThemIsNone) {
  crash(1, 3);
  pass(30s);
  EXPECT_EQ(recovery(), nullptr);
  EXPECT_EQ(spent_of(daemon_->view()->history.budget, clock_.now()), 3U);
}

TEST_F(RecoveryTest, AGuestThatIsSeenPausedOnItsWayUpIsToldLikeTheOthers) {
  crash(1, 5);
  pass(1s);
  for (int i = 1; i <= 5; ++i) {
    world_.with(a_vm("web" + std::to_string(i)).state(VmState::paused, VmReason::starting_up));
  }
  pass(30s);
  EXPECT_THAT(recorder_.starting_with("outage vm"), SizeIs(5));
  for (const RecoveryMember& member : recovery()->members) {
    EXPECT_TRUE(member.phases.contains("start")) << member.name.value;
  }
}

TEST_F(RecoveryTest, OneThatNeedsAPersonKeepsItOpenForTheTimeoutOfATier) {
  power_cut(6);
  world_.with(a_vm("web3").off(VmReason::unknown).network("br0", false, true));
  pass(300s);
  ASSERT_NE(recovery(), nullptr);
  EXPECT_FALSE(recovery()->ended);
  EXPECT_EQ(count_of(*recovery(), MemberState::held), 1U);
  EXPECT_EQ(recovery()->members.at(2).why, "network_missing");
  pass(320s);
  EXPECT_TRUE(recovery()->ended);
  EXPECT_EQ(count_of(*recovery(), MemberState::healthy), 5U);
}

TEST_F(RecoveryTest, AllThatNeedAPersonKeepItOpenAtTheSameTime) {
  power_cut(6);
  for (int i = 1; i <= 4; ++i) {
    world_.with(a_vm("web" + std::to_string(i)).off().disk("vda", DiskBacking::missing));
  }
  pass(20s);
  ASSERT_EQ(count_of(*recovery(), MemberState::held), 4U);
  pass(world_.policy.tier_timeout - 30s);
  EXPECT_FALSE(recovery()->ended);
  pass(40s);
  EXPECT_TRUE(recovery()->ended);
}

TEST_F(RecoveryTest, WhatItLeftDownIsNoNewOneForTheNextDaemon) {
  power_cut(6);
  for (int i = 1; i <= 4; ++i) {
    world_.with(a_vm("web" + std::to_string(i)).off().disk("vda", DiskBacking::missing));
  }
  pass(world_.policy.tier_timeout + 1min);
  ASSERT_TRUE(recovery()->ended);
  start_daemon();
  pass(20s);
  EXPECT_TRUE(recovery()->ended);
  EXPECT_EQ(recovery()->id, 1);

  // It is news when they have run in between.
  for (int i = 1; i <= 4; ++i) world_.with(a_vm("web" + std::to_string(i)));
  pass(10s);
  crash(1, 4);
  pass(1s);
  EXPECT_EQ(recovery()->id, 2);
  EXPECT_FALSE(recovery()->ended);
}

TEST_F(RecoveryTest, OneWhoseStartHangsKeepsItOpenForAnHour) {
  stuck_ = "web3";
  power_cut(6);
  pass(59min);
  ASSERT_NE(recovery(), nullptr);
  EXPECT_FALSE(recovery()->ended);
  EXPECT_EQ(count_of(*recovery(), MemberState::starting), 1U);
  pass(2min);
  EXPECT_TRUE(recovery()->ended);
  EXPECT_EQ(count_of(*recovery(), MemberState::healthy), 5U);
}

TEST_F(RecoveryTest, OneThatSomebodyTookAwayNeedNotComeBack) {
  power_cut(6);
  world_.policy.vms.push_back({.match = "web6", .keep = Keep::down});
  start_daemon();
  pass(30s);
  ASSERT_NE(recovery(), nullptr);
  EXPECT_TRUE(recovery()->ended);
  EXPECT_THAT(recovery()->members, SizeIs(5));
}

TEST_F(RecoveryTest, AnotherBootBeforeItsEndBeginsAnother) {
  power_cut(6);
  pass(4s);
  power_cut(6);
  pass(30s);
  ASSERT_NE(recovery(), nullptr);
  EXPECT_EQ(recovery()->id, 2);
  EXPECT_TRUE(recovery()->ended);
  EXPECT_TRUE(journal_.recoveries.at(1).ended);
}

class EmptyNodeTest : public RecoveryTest {
 protected:
  EmptyNodeTest() : RecoveryTest(0) {}
};

TEST_F(EmptyNodeTest, ABootWithoutWantedVmsIsNone) {
  power_cut(0);
  pass(10s);
  EXPECT_EQ(recovery(), nullptr);
  EXPECT_THAT(recorder_.starting_with("recovery"), IsEmpty());
}

TEST(RecoveryWords, ReadBack) {
  for (const RecoveryCause cause : kRecoveryCauses) {
    EXPECT_EQ(to_recovery_cause(to_string(cause)), cause);
  }
  for (const MemberState state : kMemberStates) EXPECT_EQ(to_member_state(to_string(state)), state);
  EXPECT_FALSE(to_member_state("lost"));
}

}  // namespace
}  // namespace upkeep
