#include "remediation/intent.h"

#include <gtest/gtest.h>

#include "tests/support/intents.h"

namespace upkeep {
namespace {

using enum VmEventKind;
using test::a_vm;
using test::after_events;
using test::in_boot;
using test::kWall;
using test::off_line;
using test::running_line;
using test::seen_twice;

TEST(IntentFirstSeen, WantsWhatRunsAndNothingThatIsOff) {
  const Intent up = after_observation(nullptr, a_vm("web1"), false, in_boot());
  EXPECT_TRUE(up.wanted);
  EXPECT_EQ(up.last_stop, StopCause::none);
  EXPECT_EQ(up.boot.value, "boot-1");
  for (const VmReason reason : {VmReason::crashed, VmReason::unknown, VmReason::failed}) {
    const Intent off =
        after_observation(nullptr, a_vm("web1").off(reason).autostart(), true, in_boot());
    EXPECT_FALSE(off.wanted);
    EXPECT_EQ(off.last_stop, StopCause::never_ran);
  }
}

TEST(IntentFirstSeen, APausedGuestIsWantedOnlyIfItWaitsForItsDisk) {
  const auto first = [](VmReason reason) {
    return after_observation(nullptr, a_vm("web1").state(VmState::paused, reason), true, in_boot());
  };
  EXPECT_TRUE(first(VmReason::io_error).wanted);
  EXPECT_FALSE(first(VmReason::user).wanted);
  EXPECT_EQ(first(VmReason::user).last_stop, StopCause::none);
}

TEST(IntentFirstSeen, OffStaysUnwantedHoweverOftenItIsSeen) {
  Intent line = after_observation(nullptr, a_vm("web1").off(VmReason::crashed), false, in_boot());
  for (int i = 0; i < 3; ++i) line = seen_twice(line, a_vm("web1").off(VmReason::crashed));
  EXPECT_FALSE(line.wanted);
  EXPECT_EQ(line.last_stop, StopCause::never_ran);
}

struct ReasonRow {
  VmReason reason;
  bool wanted;
  StopCause last_stop;
};

TEST(IntentAfterPolls, ReadsLibvirtsReasonWhenTheEventWasLost) {
  const std::vector<ReasonRow> rows{
      {VmReason::crashed, true, StopCause::crashed},
      {VmReason::failed, true, StopCause::start_failed},
      {VmReason::daemon, true, StopCause::crashed},
      {VmReason::shutdown, false, StopCause::guest_shutdown},
      {VmReason::destroyed, false, StopCause::operator_destroy},
      {VmReason::saved, false, StopCause::saved},
      {VmReason::migrated, false, StopCause::moved_away},
      {VmReason::unknown, true, StopCause::unobserved},
      {VmReason::from_snapshot, true, StopCause::unobserved},
  };
  for (const ReasonRow& row : rows) {
    const Intent line = seen_twice(running_line(), a_vm("web1").off(row.reason));
    EXPECT_EQ(line.wanted, row.wanted) << to_string(row.reason);
    EXPECT_EQ(line.last_stop, row.last_stop) << to_string(row.reason);
  }
  EXPECT_EQ(seen_twice(running_line(), a_vm("web1").crashed()).last_stop, StopCause::crashed);
}

TEST(IntentAfterPolls, AStopSeenOnceChangesNothing) {
  const Intent line = running_line();
  EXPECT_EQ(after_observation(&line, a_vm("web1").off(VmReason::destroyed), false, in_boot()),
            line);
}

TEST(IntentAfterPolls, AnOldLookDoesNotUndoAnEvent) {
  const Intent destroyed = after_events(running_line(), {stopped_destroyed});
  const Intent line = after_observation(&destroyed, a_vm("web1"), false, in_boot());
  EXPECT_FALSE(line.wanted);
  EXPECT_TRUE(after_observation(&destroyed, a_vm("web1"), true, in_boot()).wanted);
}

TEST(IntentAfterPolls, AnEventGoesBeforeAnEarlierGuess) {
  const Intent guess = seen_twice(running_line(), a_vm("web1").off(VmReason::unknown));
  ASSERT_EQ(guess.last_stop, StopCause::unobserved);
  const Intent line = after_events(guess, {stopped_destroyed});
  EXPECT_FALSE(line.wanted);
  EXPECT_EQ(line.last_stop, StopCause::operator_destroy);
}

TEST(IntentAfterPolls, TheHostsSigtermIsToldFromTheGuestsWillByItsShutdownEvent) {
  const Intent line = after_events(running_line(), {shutdown_host});
  EXPECT_EQ(seen_twice(line, a_vm("web1").off(VmReason::shutdown)).last_stop,
            StopCause::host_shutdown);
  // Once known as the host's, the reason "shutdown" can't make it the guest's.
  const Intent stopped = after_events(running_line(), {shutdown_host, stopped_shutdown});
  EXPECT_TRUE(seen_twice(stopped, a_vm("web1").off(VmReason::shutdown)).wanted);
}

TEST(IntentAfterPolls, ADeliberateReasonGoesBeforeACrashOnRecord) {
  // Started again and destroyed while the connection to libvirt was down.
  const Intent line =
      seen_twice(off_line(true, StopCause::crashed), a_vm("web1").off(VmReason::destroyed));
  EXPECT_FALSE(line.wanted);
  EXPECT_EQ(line.last_stop, StopCause::operator_destroy);
}

TEST(IntentAfterPolls, ACrashReasonDoesNotReviveWhatWasStoppedOnPurpose) {
  for (const VmReason reason : {VmReason::crashed, VmReason::failed, VmReason::unknown}) {
    const Intent line =
        seen_twice(off_line(false, StopCause::operator_destroy), a_vm("web1").off(reason));
    EXPECT_FALSE(line.wanted);
    EXPECT_EQ(line.last_stop, StopCause::operator_destroy);
  }
}

TEST(IntentAfterPolls, OurOwnActionInFlightIsNotJudged) {
  IntentContext ours = in_boot();
  ours.own_action = true;
  EXPECT_EQ(seen_twice(running_line(), a_vm("web1").off(VmReason::destroyed), ours),
            running_line());
}

TEST(IntentAfterPolls, WhatNoStartOfOursLeavesIsAPersonsAlsoWhileItIsUnderWay) {
  IntentContext ours = in_boot();
  ours.own_action = true;
  for (const VmReason reason : {VmReason::saved, VmReason::shutdown}) {
    EXPECT_FALSE(seen_twice(running_line(), a_vm("web1").off(reason), ours).wanted);
  }
}

TEST(IntentAfterPolls, ACrashedGuestThatOurStartDroppedIsNotTheOperators) {
  IntentContext ours = in_boot();
  ours.own_action = true;
  const Vm dropped = a_vm("web1").off(VmReason::destroyed);
  const Intent line = seen_twice(off_line(true, StopCause::crashed), dropped, ours);
  EXPECT_TRUE(line.wanted);
  EXPECT_TRUE(seen_twice(line, dropped).wanted) << "also when the start is over";
}

TEST(IntentAfterPolls, ADestroySeenDuringOurStartIsAPersonsWhereThereWasNoDeadGuestToDrop) {
  IntentContext ours = in_boot();
  ours.own_action = true;
  const Vm destroyed = a_vm("web1").off(VmReason::destroyed);
  const Intent gone = seen_twice(running_line(), a_vm("web1").off(VmReason::crashed));
  ASSERT_TRUE(gone.wanted);
  const Intent line = seen_twice(gone, destroyed, ours);
  EXPECT_FALSE(line.wanted);
  EXPECT_EQ(line.last_stop, StopCause::operator_destroy);
  const Intent kept = seen_twice(running_line(), a_vm("web1").crashed());
  EXPECT_TRUE(seen_twice(kept, destroyed, ours).wanted);
  // It ran since, which nobody saw, and is kept dead now.
  EXPECT_TRUE(seen_twice(seen_twice(gone, a_vm("web1").crashed()), destroyed, ours).wanted);
}

TEST(IntentAfterPolls, WhileTheHostGoesDownEveryStopButMigrationIsTheHosts) {
  IntentContext context = in_boot();
  context.host_shutting_down = true;
  for (const VmReason reason :
       {VmReason::shutdown, VmReason::destroyed, VmReason::saved, VmReason::unknown}) {
    const Intent line = seen_twice(running_line(), a_vm("web1").off(reason), context);
    EXPECT_TRUE(line.wanted) << to_string(reason);
    EXPECT_EQ(line.last_stop, StopCause::host_shutdown) << to_string(reason);
  }
  EXPECT_FALSE(seen_twice(running_line(), a_vm("web1").off(VmReason::migrated), context).wanted);
}

TEST(IntentAfterPolls, OffHereAndActiveElsewhereHasMovedAway) {
  IntentContext there = in_boot();
  there.active_elsewhere = true;
  for (const Intent& before : {running_line(), off_line(true, StopCause::crashed),
                               off_line(false, StopCause::never_ran)}) {
    const Intent line = seen_twice(before, a_vm("web1").off(VmReason::crashed), there);
    EXPECT_FALSE(line.wanted);
    EXPECT_EQ(line.last_stop, StopCause::moved_away);
    // Durable: also when the other node is no longer heard of, and after a reboot with autostart.
    EXPECT_FALSE(seen_twice(line, a_vm("web1").off(VmReason::crashed)).wanted);
    EXPECT_FALSE(seen_twice(line, a_vm("web1").off().autostart(), in_boot("boot-2")).wanted);
  }
}

TEST(IntentAfterPolls, OurOwnActionInFlightDoesNotHideThatItMovedAway) {
  IntentContext there = in_boot();
  there.active_elsewhere = true;
  there.own_action = true;
  const Intent line =
      seen_twice(off_line(true, StopCause::crashed), a_vm("web1").off(VmReason::failed), there);
  EXPECT_EQ(line.last_stop, StopCause::moved_away);
  EXPECT_FALSE(line.wanted);
  EXPECT_EQ(seen_twice(line, a_vm("web1").off(VmReason::destroyed), there), line);
}

TEST(IntentAfterPolls, RunningHereIsWantedAlsoWhenItIsActiveElsewhere) {
  IntentContext there = in_boot();
  there.active_elsewhere = true;
  EXPECT_TRUE(seen_twice(running_line(), a_vm("web1"), there).wanted);
}

TEST(IntentAfterPolls, PausedSaysNothingAboutTheWish) {
  const Intent line = off_line(false, StopCause::operator_destroy);
  EXPECT_EQ(seen_twice(line, a_vm("web1").state(VmState::paused, VmReason::user)), line);
  EXPECT_EQ(seen_twice(line, a_vm("web1").state(VmState::unknown, VmReason::unknown)), line);
}

TEST(IntentAfterPolls, FollowsARename) {
  const Intent line = running_line();
  Vm vm = a_vm("web2");
  vm.uuid = line.uuid;
  EXPECT_EQ(after_observation(&line, vm, false, in_boot()).name.value, "web2");
}

TEST(IntentAfterBoot, WhatWasWantedStillIs) {
  for (const StopCause cause : {StopCause::none, StopCause::crashed, StopCause::host_shutdown,
                                StopCause::start_failed, StopCause::node_down}) {
    const Intent line = seen_twice(off_line(true, cause), a_vm("web1").off(), in_boot("boot-2"));
    EXPECT_TRUE(line.wanted) << to_string(cause);
    EXPECT_EQ(line.last_stop, StopCause::node_down) << to_string(cause);
    EXPECT_EQ(line.boot.value, "boot-2") << to_string(cause);
  }
}

TEST(IntentAfterBoot, WhatWasStoppedOnPurposeStaysDown) {
  for (const StopCause cause : {StopCause::operator_destroy, StopCause::guest_shutdown,
                                StopCause::saved, StopCause::moved_away, StopCause::never_ran}) {
    const Intent line = seen_twice(off_line(false, cause), a_vm("web1").off(), in_boot("boot-2"));
    EXPECT_FALSE(line.wanted) << to_string(cause);
    EXPECT_EQ(line.last_stop, cause);
    EXPECT_EQ(line.boot.value, "boot-2") << to_string(cause);
  }
}

TEST(IntentAfterBoot, AutostartCountsExceptForWhatMovedAway) {
  const auto booted = [](StopCause cause) {
    return seen_twice(off_line(false, cause), a_vm("web1").off().autostart(), in_boot("boot-2"))
        .wanted;
  };
  EXPECT_TRUE(booted(StopCause::operator_destroy));
  EXPECT_TRUE(booted(StopCause::never_ran));
  EXPECT_FALSE(booted(StopCause::moved_away));
}

TEST(IntentAfterBoot, AutostartCountsOnlyAtABootAndOnlyAfterARecordedOne) {
  EXPECT_FALSE(
      seen_twice(off_line(false, StopCause::operator_destroy), a_vm("web1").off().autostart())
          .wanted);
  Intent unrecorded = off_line(false, StopCause::never_ran);
  unrecorded.boot = {};
  EXPECT_FALSE(seen_twice(unrecorded, a_vm("web1").off().autostart(), in_boot("boot-2")).wanted);
}

TEST(IntentAfterBoot, WhatRanAgainAndWasStoppedOnPurposeBeforeAnybodyLookedStaysDown) {
  const std::vector<ReasonRow> rows{
      {VmReason::destroyed, false, StopCause::operator_destroy},
      {VmReason::shutdown, false, StopCause::guest_shutdown},
      {VmReason::migrated, false, StopCause::moved_away},
      {VmReason::crashed, true, StopCause::node_down},
      {VmReason::failed, true, StopCause::node_down},
      {VmReason::unknown, true, StopCause::node_down},
      // In this boot: what libvirt-guests saved when the node went down has no reason any more.
      {VmReason::saved, false, StopCause::saved},
  };
  for (const ReasonRow& row : rows) {
    const Intent line =
        seen_twice(running_line(), a_vm("web1").off(row.reason).autostart(), in_boot("boot-2"));
    EXPECT_EQ(line.wanted, row.wanted) << to_string(row.reason);
    EXPECT_EQ(line.last_stop, row.last_stop) << to_string(row.reason);
    EXPECT_EQ(line.boot.value, "boot-2") << to_string(row.reason);
  }
}

TEST(IntentAfterBoot, OurOwnDropOfAGuestThatIsKeptDeadIsNotTheOperators) {
  const Intent line = seen_twice(running_line(), a_vm("web1").crashed(), in_boot("boot-2"));
  ASSERT_TRUE(line.wanted);
  IntentContext ours = in_boot("boot-2");
  ours.own_action = true;
  EXPECT_TRUE(after_events(line, {stopped_destroyed}, ours).wanted);
  EXPECT_TRUE(seen_twice(line, a_vm("web1").off(VmReason::destroyed), ours).wanted);
  EXPECT_FALSE(after_events(line, {stopped_destroyed}, in_boot("boot-2")).wanted)
      << "a person's, before we began";
}

TEST(IntentAfterBoot, AGuestThatShutsItselfDownIsStartedWhereThatIsNoWish) {
  IntentContext context = in_boot("boot-2");
  context.guest_shutdown = GuestShutdown::restart;
  EXPECT_TRUE(seen_twice(running_line(), a_vm("web1").off(VmReason::shutdown), context).wanted);
  context.guest_shutdown = GuestShutdown::respect;
  context.host_shutting_down = true;  // And on the way down again.
  EXPECT_TRUE(seen_twice(running_line(), a_vm("web1").off(VmReason::shutdown), context).wanted);
}

TEST(IntentAfterBoot, DoesNotMakeAnUnobservedStopSafe) {
  const Intent line =
      seen_twice(off_line(true, StopCause::unobserved), a_vm("web1").off(), in_boot("boot-2"));
  EXPECT_EQ(line.last_stop, StopCause::unobserved);
}

TEST(IntentAfterBoot, WithoutAKnownBootNothingIsConcluded) {
  EXPECT_EQ(seen_twice(running_line(), a_vm("web1").off(), in_boot("")), running_line());
}

}  // namespace
}  // namespace upkeep
