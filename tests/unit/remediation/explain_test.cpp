#include "remediation/explain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <set>

#include "remediation/plan.h"
#include "remediation/words.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::kNow;
using test::resource_target;
using test::TestWorld;
using test::vm_target;

/// Times are shown in the node's zone; the tests' node lives in UTC.
class Explain : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }

  static Explanation of(const TestWorld& world, const Target& target) {
    RemediationView view;
    view.mode = world.policy.mode;
    view.at = world.now;
    view.wall = world.snapshot.wall;
    view.decisions = plan(world.view()).decisions;
    view.history = world.history;
    view.policy = std::make_shared<const Policy>(world.policy);
    return explain(target, world.snapshot, view);
  }

  static Explanation of_web1(const TestWorld& world) { return of(world, vm_target("web1")); }

  static bool has(const std::vector<std::string>& lines, const std::string& part) {
    return std::ranges::any_of(
        lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
  }
};

TEST_F(Explain, EveryHoldHasItsOwnMeaningInASentence) {
  std::set<std::string_view> meanings;
  for (const Hold hold : all_holds()) {
    const auto text = meaning(hold);
    ASSERT_GT(text.size(), 15U) << to_string(hold);
    EXPECT_TRUE(text.ends_with('.')) << text;
    EXPECT_TRUE(std::isupper(text.front()) != 0 || text.starts_with("upkeep") ||
                text.starts_with("libvirt"))
        << text;
    EXPECT_TRUE(meanings.insert(text).second) << text;
    EXPECT_EQ(text.find('_'), std::string_view::npos) << text;
  }
}

TEST_F(Explain, AVmStoppedOnPurposeSaysHowWhenAndWhatToDo) {
  TestWorld world;
  world.with(a_vm("web1").off(VmReason::destroyed));
  world.unwanted("web1", StopCause::operator_destroy);
  const Explanation explanation = of_web1(world);
  EXPECT_EQ(explanation.headline,
            "web1 stays down: it was stopped on purpose with `virsh destroy` on 2026-11-22 "
            "03:12:04. `upkeep mark web1 up` makes upkeep want it again.");
  EXPECT_EQ(explanation.commands, std::vector<std::string>{"upkeep mark web1 up"});
  EXPECT_TRUE(has(explanation.facts, "libvirt: shut off (destroyed)"));
}

TEST_F(Explain, EveryDeliberateStopIsNamed) {
  for (const auto& [cause, words] : std::vector<std::pair<StopCause, std::string>>{
           {StopCause::guest_shutdown, "guest shut itself down"},
           {StopCause::saved, "virsh managedsave"},
           {StopCause::moved_away, "moved to another node"},
           {StopCause::undefined_vm, "undefined on purpose"},
           {StopCause::never_ran, "off since upkeep first saw it"}}) {
    TestWorld world;
    world.with(a_vm("web1").off()).unwanted("web1", cause);
    EXPECT_NE(of_web1(world).headline.find(words), std::string::npos) << words;
  }
}

TEST_F(Explain, EveryCauseHasItsWords) {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(StopCause::unobserved); ++i) {
    EXPECT_TRUE(words.insert(because(static_cast<StopCause>(i))).second);
  }
  EXPECT_FALSE(words.contains(""));
}

TEST_F(Explain, AMarkSaysWhoAndWhy) {
  TestWorld world;
  world.with(a_vm("web1").off()).wanted("web1").marked("web1", Keep::down);
  const Explanation explanation = of_web1(world);
  EXPECT_EQ(explanation.headline,
            "web1 stays down: root marked it down on 2026-11-22 03:12:04 (test).");
  EXPECT_EQ(explanation.commands, std::vector<std::string>{"upkeep mark web1 auto"});
  EXPECT_NE(of_web1(world.marked("web1", Keep::ignore)).headline.find("left alone"),
            std::string::npos);
}

TEST_F(Explain, AConfigSaysSo) {
  TestWorld world;
  world.with(a_vm("web1").off()).vm_policy({.match = "web*", .keep = Keep::down});
  EXPECT_EQ(of_web1(world).headline, "web1 stays down: the configuration says keep = \"down\".");
}

TEST_F(Explain, AVmThatIsUpIsFine) {
  TestWorld world;
  world.with(a_vm("web1")).wanted("web1", StopCause::none);
  EXPECT_EQ(of_web1(world).headline, "web1 is up, as it should be.");
  EXPECT_NE(of_web1(world.marked("web1", Keep::down)).headline.find("would not start it again"),
            std::string::npos);
}

TEST_F(Explain, APausedVmIsLeftToAPerson) {
  TestWorld world;
  world.with(a_vm("web1").state(VmState::paused, VmReason::user));
  EXPECT_NE(of_web1(world).headline.find("web1 is paused (user)"), std::string::npos);
}

TEST_F(Explain, ADecisionIsTheHeadline) {
  TestWorld world;
  world.with(a_vm("web1").off(VmReason::crashed)).wanted("web1");
  world.confirmed("vm_down", vm_target("web1"));
  EXPECT_EQ(of_web1(world).headline, "web1 is shut off (crashed). upkeep is about to start it.");
  world.policy.mode = Mode::dry_run;
  EXPECT_EQ(of_web1(world).headline,
            "web1 is shut off (crashed). The mode is dry-run; in mode act upkeep would start it "
            "now.");
  EXPECT_TRUE(has(of_web1(world).facts, "mode: dry-run"));
}

TEST_F(Explain, AClosedGateNamesDiskPeerAndTheWayOut) {
  TestWorld world;
  world.with(a_vm("web1").off(VmReason::crashed).on_drbd(1)).wanted("web1");
  world.confirmed("vm_down", vm_target("web1")).with(a_resource("r0", 1).peer_gone());
  world.history.progress[{"r0"}].unconnected_since[1] = kNow - 5min;
  const Explanation explanation = of_web1(world);
  EXPECT_NE(explanation.headline.find("silence is never taken for gone"), std::string::npos);
  EXPECT_NE(explanation.headline.find("node2 is not connected (Connecting)"), std::string::npos);
  EXPECT_EQ(explanation.commands.front(), "drbdadm primary r0");
  EXPECT_TRUE(has(explanation.facts, "storage gate: closed, peer_not_connected"));
}

TEST_F(Explain, ABackOffSaysWhatFailedAndWhenItGoesOn) {
  TestWorld world;
  world.with(a_vm("web1").off(VmReason::failed)).wanted("web1");
  world.confirmed("vm_down", vm_target("web1"));
  world.tried(vm_target("web1")) =
      after_end(after_begin({}, 1, kNow - 62s),
                {.kind = Outcome::Kind::failed, .reason = "storage", .detail = "no such disk"}, {},
                kNow - 1s);
  const Explanation explanation = of_web1(world);
  EXPECT_NE(explanation.headline.find("Next try in "), std::string::npos);
  EXPECT_TRUE(has(explanation.facts, "last attempt: failed on 2026-11-22 03:12:03: no such disk"));
  EXPECT_TRUE(has(explanation.facts, "attempts since it was last stable: 1"));
}

TEST_F(Explain, ALatchOffersTheRelease) {
  TestWorld world;
  world.with(a_vm("web1").off(VmReason::failed)).wanted("web1");
  world.confirmed("vm_down", vm_target("web1"));
  world.tried(vm_target("web1")).latched_since = kNow - 10min;
  const Explanation explanation = of_web1(world);
  EXPECT_NE(explanation.headline.find("Next try in 20 min."), std::string::npos);
  EXPECT_EQ(std::ranges::count(explanation.commands, "upkeep release vm/web1"), 1);
  EXPECT_TRUE(has(explanation.facts, "latched on 2026-11-22 03:02:04"));
}

TEST_F(Explain, AStuckMonitorIsNoUpVmThatIsFine) {
  TestWorld world;
  Vm stuck = a_vm("web1");
  stuck.monitor_blocked = 75s;
  world.with(stuck).wanted("web1", StopCause::none);
  world.confirmed("vm_monitor_stuck", vm_target("web1"));
  const Explanation explanation = of_web1(world);
  EXPECT_EQ(explanation.headline,
            "web1 is running (booted), and its QEMU has not answered libvirt for over a minute. "
            "upkeep does nothing about this by itself. (its guest may still be working, so killing "
            "it is for a person to decide; most often it waits for storage, and goes on with "
            "that)");
  EXPECT_TRUE(has(explanation.facts, "QEMU: has not answered for 75 s"));
  EXPECT_EQ(explanation.commands,
            (std::vector<std::string>{"virsh domcontrol web1", "upkeep mark web1 down"}));
}

TEST_F(Explain, ASilentLibvirtIsNotADownVm) {
  TestWorld world;
  world.with(a_vm("web1")).wanted("web1", StopCause::none);
  world.snapshot.vms.reading = fail(Errc::unavailable, "connection refused");
  const Explanation explanation = of_web1(world);
  EXPECT_TRUE(explanation.headline.starts_with("Nothing is known of web1 now."));
  EXPECT_NE(explanation.headline.find("connection refused"), std::string::npos);
  EXPECT_TRUE(has(explanation.facts, "wish: auto: it was running when last seen"));
}

TEST_F(Explain, WhatIsNotThereIsSaidToBeUnknown) {
  TestWorld world;
  world.with(a_vm("other"));
  EXPECT_EQ(of_web1(world).headline, "upkeep knows no VM web1.");
  EXPECT_EQ(of_web1(world.unwanted("web1", StopCause::guest_shutdown)).headline,
            "libvirt no longer lists web1; upkeep only remembers it.");
  world.wanted("web1").confirmed("vm_missing", test::vm_target("web1"));
  EXPECT_TRUE(of_web1(world).headline.starts_with("web1 is not listed by libvirt."));
  EXPECT_EQ(of(world, resource_target("r9")).headline, "upkeep knows no DRBD resource r9.");
}

TEST_F(Explain, AResourceShowsItsSides) {
  TestWorld world;
  world.with(a_resource("r0", 1));
  const Explanation fine = of(world, resource_target("r0"));
  EXPECT_EQ(fine.headline, "DRBD resource r0 is up, and nothing about it needs mending.");
  EXPECT_TRUE(has(fine.facts, "/dev/drbd1: UpToDate"));
  EXPECT_TRUE(has(fine.facts, "node2: Connected, Secondary"));
  world.with(a_resource("r0", 1).stand_alone());
  world.confirmed("drbd_standalone", resource_target("r0"));
  const Explanation alone = of(world, resource_target("r0"));
  EXPECT_TRUE(alone.headline.starts_with("DRBD resource r0 is StandAlone towards node2."));
  EXPECT_EQ(alone.commands, std::vector<std::string>{"drbdadm connect r0"});
  world.snapshot.drbd.reading = fail(Errc::unavailable, "no");
  EXPECT_NE(of(world, resource_target("r0")).headline.find("DRBD's state is not known"),
            std::string::npos);
}

TEST_F(Explain, NamesOnlyCommandsThatExist) {
  const std::set<std::string> known{"mark", "release"};
  const auto check = [&](const Explanation& explanation) {
    for (const std::string& command : explanation.commands) {
      if (!command.starts_with("upkeep ")) continue;
      EXPECT_TRUE(known.contains(command.substr(7, command.find(' ', 7) - 7))) << command;
    }
  };
  for (const StopCause cause : {StopCause::unobserved, StopCause::moved_away, StopCause::crashed}) {
    TestWorld world;
    world.with(a_vm("web1").off().managed_by("nova")).wanted("web1", cause);
    check(of_web1(world));
    check(of_web1(world.with(a_vm("web1").off().disk("vda", DiskBacking::shared))));
  }
}

TEST_F(Explain, SpansArePromisedNoEarlierThanTheyEnd) {
  EXPECT_EQ(span(7900ms), "8 s");
  EXPECT_EQ(span(119s), "119 s");
  EXPECT_EQ(span(121s), "3 min");
  EXPECT_EQ(span(30min), "30 min");
}

}  // namespace
}  // namespace upkeep
