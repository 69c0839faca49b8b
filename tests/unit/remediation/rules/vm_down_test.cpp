#include <gtest/gtest.h>

#include "remediation/rules/rules.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::TestWorld;
using test::vm_target;

const Rule& rule() { return vm_down_rule(); }

std::vector<std::string> found_in(const TestWorld& world) {
  std::vector<std::string> names;
  for (const Finding& finding : rule().detect(world.view())) names.push_back(finding.subject.name);
  return names;
}

std::expected<Action, Held> remedy_of_first(const TestWorld& world) {
  const auto findings = rule().detect(world.view());
  if (findings.empty()) return std::unexpected(Held{.reason = Hold::facts_changed});
  return rule().remedy(findings.front(), world.view());
}

/// The Hold of the first finding, or nothing when there is a remedy.
std::optional<Hold> refused_by(const TestWorld& world) {
  const auto action = remedy_of_first(world);
  if (action) return std::nullopt;
  return action.error().reason;
}

std::string opened_by(const TestWorld& world) {
  const auto action = remedy_of_first(world);
  return action ? "nothing holds it" : action.error().opens_with;
}

TestWorld with_down(const Vm& vm = a_vm("web1").off(VmReason::crashed)) {
  TestWorld world;
  world.with(vm).wanted("web1");
  return world;
}

using Names = std::vector<std::string>;

TEST(VmDownDetect, FindsWantedVmsThatAreOff) {
  TestWorld world;
  world.with(a_vm("web1").off(VmReason::crashed)).wanted("web1");
  world.with(a_vm("web2").crashed()).wanted("web2");
  world.with(a_vm("web3")).wanted("web3", StopCause::none);
  EXPECT_EQ(found_in(world), (Names{"web1", "web2"}));
}

TEST(VmDownDetect, LeavesWhatIsNotWantedOrNotOnRecord) {
  TestWorld world;
  world.with(a_vm("web1").off()).unwanted("web1", StopCause::operator_destroy);
  world.with(a_vm("web2").off());
  EXPECT_EQ(found_in(world), Names{});
}

TEST(VmDownDetect, PausedShuttingDownAndUnknownAreNotDown) {
  for (const VmState state :
       {VmState::paused, VmState::shutting_down, VmState::suspended, VmState::unknown}) {
    EXPECT_EQ(found_in(with_down(a_vm("web1").state(state, VmReason::unknown))), Names{});
  }
}

TEST(VmDownDetect, FollowsMarksAndConfig) {
  TestWorld world;
  world.with(a_vm("web1").off()).unwanted("web1", StopCause::operator_destroy);
  world.marked("web1", Keep::up);
  EXPECT_EQ(found_in(world), Names{"web1"});
  for (const Keep keep : {Keep::down, Keep::ignore}) {
    EXPECT_EQ(found_in(with_down().marked("web1", keep)), Names{});
    EXPECT_EQ(found_in(with_down().vm_policy({.match = "web1", .keep = keep})), Names{});
  }
  TestWorld kept;
  kept.with(a_vm("web9").off()).vm_policy({.match = "web*", .keep = Keep::up});
  EXPECT_EQ(found_in(kept), Names{"web9"});
}

TEST(VmDownDetect, SeesNothingInAStaleOrFailedReading) {
  TestWorld stale = with_down();
  stale.snapshot.vms.at -= 6s;
  EXPECT_EQ(found_in(stale), Names{});
  TestWorld failed = with_down();
  failed.snapshot.vms.reading = fail(Errc::unavailable, "no libvirtd");
  EXPECT_EQ(found_in(failed), Names{});
}

TEST(VmDownDetect, ReportsWantedVmsThatALostInventoryHides) {
  TestWorld world;
  world.wanted("web1", StopCause::none).wanted("web2").unwanted("web3", StopCause::saved);
  EXPECT_EQ(found_in(world), (Names{"web1", "web2"}));
  EXPECT_EQ(found_in(world.with(a_vm("other"))), Names{});
}

TEST(VmDownDetect, SaysWhatItSawAndWhatIsOnRecord) {
  TestWorld world = with_down();
  world.confirmed("vm_down", vm_target("web1"));
  const Finding finding = rule().detect(world.view()).front();
  EXPECT_EQ(finding.detail, "shut off (crashed)");
  EXPECT_EQ(finding.trigger, Trigger::event);
  EXPECT_EQ(finding.since, test::kNow - 3s);
  EXPECT_TRUE(finding.confirmed);
  const Finding fresh = rule().detect(with_down().view()).front();
  EXPECT_FALSE(fresh.confirmed);
  EXPECT_EQ(fresh.trigger, Trigger::poll);
  EXPECT_EQ(fresh.since, test::kNow);
}

TEST(VmDownDetect, ABootIsConfirmationEnough) {
  TestWorld world;
  world.with(a_vm("web1").off()).wanted("web1", StopCause::node_down);
  EXPECT_TRUE(rule().detect(world.view()).front().confirmed);
}

TEST(VmDownDetect, WaitsForTheLedgerToSayWhyItStopped) {
  TestWorld world;
  world.with(a_vm("web1").off(VmReason::unknown)).wanted("web1", StopCause::none);
  world.confirmed("vm_down", vm_target("web1"));
  EXPECT_FALSE(rule().detect(world.view()).front().confirmed);
  EXPECT_TRUE(rule().detect(TestWorld(world).marked("web1", Keep::up).view()).front().confirmed);
  EXPECT_TRUE(
      rule().detect(TestWorld(world).vm_policy({.keep = Keep::up}).view()).front().confirmed);
}

TEST(VmDownDetect, WaitsWhenLibvirtTellsOfALaterStopOnPurpose) {
  TestWorld world = with_down(a_vm("web1").off(VmReason::destroyed));
  world.confirmed("vm_down", vm_target("web1"));
  EXPECT_FALSE(rule().detect(world.view()).front().confirmed);
  EXPECT_TRUE(rule().detect(world.marked("web1", Keep::up).view()).front().confirmed);
}

TEST(VmDownRemedy, StartsIt) {
  const auto action = remedy_of_first(with_down());
  ASSERT_TRUE(action);
  EXPECT_EQ(*action, Action(StartVm{.vm = {"web1"}, .uuid = {test::uuid_of("web1")}}));
}

TEST(VmDownRemedy, DropsACrashedGuestFirst) {
  const auto action = remedy_of_first(with_down(a_vm("web1").crashed()));
  ASSERT_TRUE(action);
  EXPECT_TRUE(std::get<StartVm>(*action).destroy_first);
}

TEST(VmDownRemedy, PromotesWhatMustBe) {
  TestWorld world = with_down(a_vm("web1").off().on_drbd(1));
  world.with(a_resource("r0", 1)).drbd_version("8.4.11");
  const auto action = remedy_of_first(world);
  ASSERT_TRUE(action);
  EXPECT_EQ(std::get<StartVm>(*action).promote, (std::vector<ResourceName>{{"r0"}}));
}

TEST(VmDownRemedy, RefusesAClosedStorageGate) {
  TestWorld world = with_down(a_vm("web1").off().on_drbd(1));
  world.with(a_resource("r0", 1).peer_gone());
  EXPECT_EQ(refused_by(world), Hold::peer_not_connected);
}

TEST(VmDownRemedy, RefusesATransientVm) {
  EXPECT_EQ(refused_by(with_down(a_vm("web1").crashed().transient())), Hold::transient);
  EXPECT_EQ(refused_by(with_down(a_vm("web1").crashed().transient()).marked("web1", Keep::up)),
            Hold::transient);
}

TEST(VmDownRemedy, LeavesOtherManagersVmsAloneUnlessMarked) {
  const TestWorld nova = with_down(a_vm("web1").off().managed_by("nova"));
  EXPECT_EQ(refused_by(nova), Hold::other_manager);
  EXPECT_EQ(opened_by(nova), "upkeep mark web1 up");
  EXPECT_EQ(refused_by(TestWorld(nova).vm_policy({.keep = Keep::up})), Hold::other_manager);
  EXPECT_FALSE(refused_by(TestWorld(nova).marked("web1", Keep::up)));
  TestWorld cluster = with_down();
  cluster.policy.foreign_cluster_manager = true;
  EXPECT_EQ(refused_by(cluster), Hold::other_manager);
  EXPECT_FALSE(refused_by(cluster.marked("web1", Keep::up)));
}

TEST(VmDownRemedy, DoesNotPromoteAnotherManagersResourceUnlessMarked) {
  TestWorld world = with_down(a_vm("web1").off().on_drbd(1));
  world.with(a_resource("resource1", 1).managed_by("ganeti")).drbd_version("8.4.11");
  EXPECT_EQ(refused_by(world), Hold::other_manager);
  EXPECT_FALSE(refused_by(TestWorld(world).marked("web1", Keep::up)));
  // Where DRBD promotes by itself nothing of the other manager's is touched.
  EXPECT_FALSE(refused_by(world.drbd_version("9.2.18")));
}

TEST(VmDownRemedy, LetsOnlyAlertsActWhereTheConfigSaysSo) {
  TestWorld world = with_down();
  world.vm_policy({.act_on = ActOn::alerts}).confirmed("vm_down", vm_target("web1"));
  EXPECT_EQ(refused_by(world), Hold::not_allowed_to_act);
  world.history.problems.begin()->second.trigger = Trigger::webhook;
  EXPECT_FALSE(refused_by(world));
  EXPECT_FALSE(refused_by(with_down().vm_policy({.act_on = ActOn::loop})));
}

TEST(VmDownRemedy, DoesNotStartWhatWentOffUnobservedUnlessAPersonWantsIt) {
  TestWorld world;
  world.with(a_vm("web1").off()).wanted("web1", StopCause::unobserved);
  EXPECT_EQ(refused_by(world), Hold::stopped_unobserved);
  EXPECT_EQ(opened_by(world), "upkeep mark web1 up");
  EXPECT_FALSE(refused_by(TestWorld(world).marked("web1", Keep::up)));
  EXPECT_FALSE(refused_by(TestWorld(world).vm_policy({.keep = Keep::up})));
}

TEST(VmDownRemedy, WhatMovedAwayComesBackByMarkOnly) {
  TestWorld world;
  world.with(a_vm("web1").off()).unwanted("web1", StopCause::moved_away);
  world.vm_policy({.keep = Keep::up});
  EXPECT_EQ(refused_by(world), Hold::may_run_elsewhere);
  EXPECT_FALSE(refused_by(world.marked("web1", Keep::up)));
  world.history.intents.at(VmUuid{test::uuid_of("web1")}).changed = test::kWall + 1s;
  EXPECT_EQ(refused_by(world), Hold::may_run_elsewhere) << "it moved after it was marked";
}

TEST(VmDownRemedy, RefusesWithoutItsNetworks) {
  const auto net = [](std::optional<bool> present, bool bridge) {
    return with_down(a_vm("web1").off().network("net0", present, bridge));
  };
  EXPECT_EQ(refused_by(net(false, false)), Hold::network_missing);
  EXPECT_EQ(opened_by(net(false, false)), "virsh net-start net0");
  EXPECT_EQ(refused_by(net(false, true)), Hold::network_missing);
  EXPECT_EQ(opened_by(net(false, true)), "");
  EXPECT_FALSE(refused_by(net(true, false)));
  EXPECT_FALSE(refused_by(net(std::nullopt, false)));
}

TEST(VmDownRemedy, RefusesMissingAndUnknownDisks) {
  EXPECT_EQ(refused_by(with_down(a_vm("web1").off().disk("vdb", DiskBacking::missing))),
            Hold::disk_missing);
  EXPECT_EQ(refused_by(with_down(a_vm("web1").off().disk("vdb", DiskBacking::unknown))),
            Hold::disk_unknown);
  EXPECT_EQ(refused_by(with_down(a_vm("web1").off().definition_unknown())), Hold::disk_unknown);
}

TEST(VmDownRemedy, RefusesWhatRunsElsewhereAlsoWhenMarked) {
  TestWorld world = with_down();
  world.peer("node2", {"web1"}).marked("web1", Keep::up);
  EXPECT_EQ(refused_by(world), Hold::runs_elsewhere);
}

}  // namespace
}  // namespace upkeep
