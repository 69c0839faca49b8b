#include "remediation/intent.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/intents.h"

namespace upkeep {
namespace {

using enum VmEventKind;
using test::a_vm;
using test::after_events;
using test::event;
using test::in_boot;
using test::kEventWall;
using test::kWall;
using test::off_line;
using test::running_line;
using test::seen_twice;

// The measured table: cause → events → what it means for a VM that was running and wanted.
struct Row {
  const char* cause;
  std::vector<VmEventKind> events;
  bool wanted;
  StopCause last_stop;
};

TEST(IntentAfterEvents, FollowsTheMeasuredTable) {
  const std::vector<Row> rows{
      {"1 virsh start", {resumed, started}, true, StopCause::none},
      {"2 virsh shutdown", {shutdown_guest, stopped_shutdown}, false, StopCause::guest_shutdown},
      {"5 virsh destroy", {shutdown_host, stopped_destroyed}, false, StopCause::operator_destroy},
      {"5 virsh destroy, short", {stopped_destroyed}, false, StopCause::operator_destroy},
      {"6 kill -9", {stopped_failed}, true, StopCause::crashed},
      {"7 kill -TERM", {shutdown_host, stopped_shutdown}, true, StopCause::host_shutdown},
      {"8 panic, destroy", {suspended, crashed, stopped_crashed}, true, StopCause::crashed},
      {"9 panic, preserve", {crashed}, true, StopCause::crashed},
      {"10 panic, restart", {crashed, rebooted, resumed}, true, StopCause::none},
      {"11 guest reboot", {rebooted, rebooted}, true, StopCause::none},
      {"14 managedsave", {suspended, stopped_saved}, false, StopCause::saved},
      {"16 virsh suspend", {suspended}, true, StopCause::none},
      {"17 I/O error", {io_error, suspended_io_error}, true, StopCause::none},
      {"20 migrated away", {suspended_migrated, stopped_migrated}, false, StopCause::moved_away},
      {"undefine", {undefined}, false, StopCause::undefined_vm},
      {"24 powered off unseen", {stopped_shutdown}, false, StopCause::guest_shutdown},
      {"an unknown stop", {stopped_other}, true, StopCause::unobserved},
      {"other news", {defined, watchdog, disk_changed}, true, StopCause::none},
  };
  for (const Row& row : rows) {
    const Intent line = after_events(running_line(), row.events);
    EXPECT_EQ(line.wanted, row.wanted) << row.cause;
    EXPECT_EQ(line.last_stop, row.last_stop) << row.cause;
  }
}

TEST(IntentAfterEvents, RemembersWhenAndHowItStopped) {
  const Intent line = after_events(running_line(), {stopped_destroyed});
  EXPECT_EQ(line.changed, kEventWall);
  EXPECT_EQ(line.last_stop_detail, "event stopped_destroyed");
}

TEST(IntentAfterEvents, ChangedMovesOnlyWithTheWishOrTheCause) {
  Intent line = running_line();
  line.changed = kWall;
  EXPECT_EQ(after_events(line, {suspended, resumed, rebooted, started}).changed, kWall);
}

TEST(IntentAfterEvents, ForgetsTheShutdownDetailOnceItStopped) {
  Intent line = after_events(running_line(), {shutdown_host});
  EXPECT_EQ(line.shutdown_seen, shutdown_host);
  line = after_events(line, {stopped_shutdown});
  EXPECT_FALSE(line.shutdown_seen);
  // A later power-off by the guest without its SHUTDOWN is not blamed on the host.
  line = after_events(line, {started, stopped_shutdown});
  EXPECT_EQ(line.last_stop, StopCause::guest_shutdown);
}

TEST(IntentAfterEvents, GuestShutdownRestartKeepsTheWishButNotForDestroy) {
  IntentContext context = in_boot();
  context.guest_shutdown = GuestShutdown::restart;
  EXPECT_TRUE(after_events(running_line(), {shutdown_guest, stopped_shutdown}, context).wanted);
  EXPECT_FALSE(after_events(running_line(), {stopped_destroyed}, context).wanted);
  EXPECT_FALSE(after_events(running_line(), {stopped_saved}, context).wanted);
}

TEST(IntentAfterEvents, WhileTheHostGoesDownEveryStopButMigrationIsTheHosts) {
  IntentContext context = in_boot();
  context.host_shutting_down = true;
  for (const VmEventKind kind : {stopped_shutdown, stopped_destroyed, stopped_saved, stopped_failed,
                                 stopped_crashed, stopped_other}) {
    const Intent line = after_events(running_line(), {shutdown_guest, kind}, context);
    EXPECT_TRUE(line.wanted) << to_string(kind);
    EXPECT_EQ(line.last_stop, StopCause::host_shutdown) << to_string(kind);
  }
  const Intent moved = after_events(running_line(), {stopped_migrated}, context);
  EXPECT_FALSE(moved.wanted);
  EXPECT_EQ(moved.last_stop, StopCause::moved_away);
}

TEST(IntentAfterEvents, AStopNeverCreatesAWish) {
  for (const VmEventKind kind :
       {stopped_failed, stopped_crashed, crashed, stopped_other, stopped_shutdown}) {
    EXPECT_FALSE(after_events(off_line(false, StopCause::operator_destroy), {kind}).wanted)
        << to_string(kind);
    EXPECT_FALSE(after_events(off_line(false, StopCause::never_ran), {kind}).wanted)
        << to_string(kind);
  }
}

TEST(IntentAfterEvents, AFailedStartOfAVmThatIsOffKeepsTheStory) {
  const Intent line = after_events(off_line(false, StopCause::operator_destroy), {stopped_failed});
  EXPECT_EQ(line.last_stop, StopCause::operator_destroy);
}

TEST(IntentAfterEvents, OurOwnDestroyOfACrashedGuestIsNotTheOperators) {
  IntentContext ours = in_boot();
  ours.own_action = true;
  const Intent line = after_events(off_line(true, StopCause::crashed), {stopped_destroyed}, ours);
  EXPECT_TRUE(line.wanted);
  EXPECT_EQ(line.last_stop, StopCause::crashed);
  // The start after it failed early: libvirt goes on saying "destroyed".
  const Intent later = seen_twice(line, a_vm("web1").off(VmReason::destroyed));
  EXPECT_TRUE(later.wanted);
  EXPECT_EQ(later.last_stop, StopCause::crashed);
}

TEST(IntentAfterEvents, ADestroyDuringOurStartIsAPersonsWhereThereWasNoDeadGuestToDrop) {
  IntentContext ours = in_boot();
  ours.own_action = true;
  const Intent gone = after_events(running_line(), {stopped_crashed});
  const Intent line = after_events(gone, {stopped_destroyed}, ours);
  EXPECT_FALSE(line.wanted);
  EXPECT_EQ(line.last_stop, StopCause::operator_destroy);
  // libvirt kept the dead guest: then it is our first step.
  const Intent kept = after_events(running_line(), {crashed});
  EXPECT_TRUE(after_events(kept, {stopped_destroyed}, ours).wanted);
  // Its start, unheard, brought up a guest that panicked in its turn.
  EXPECT_TRUE(after_events(gone, {crashed, stopped_destroyed}, ours).wanted);
}

TEST(IntentAfterEvents, WhatItLeftIsNoMatterOfWords) {
  IntentContext ours = in_boot();
  ours.own_action = true;
  Intent line = after_events(running_line(), {crashed});
  EXPECT_EQ(line.remains, Remains::dead_guest);
  line.last_stop_detail = "said otherwise by a later version";
  line = after_events(line, {stopped_destroyed}, ours);
  EXPECT_TRUE(line.wanted);
  EXPECT_EQ(line.remains, Remains::dropped);
  line.last_stop_detail = "here as well";
  EXPECT_TRUE(seen_twice(line, a_vm("web1").off(VmReason::destroyed)).wanted);
  line = after_events(line, {stopped_failed, started, stopped_crashed});
  EXPECT_EQ(line.remains, Remains::nothing);
  line.last_stop_detail = "event crashed";
  EXPECT_FALSE(after_events(line, {stopped_destroyed}, ours).wanted);
}

TEST(IntentAfterEvents, AStopAfterOurStartWorkedIsSomebodyElses) {
  IntentContext ours = in_boot();
  ours.own_action = true;
  const Intent line = after_events(off_line(true, StopCause::crashed),
                                   {stopped_destroyed, resumed, started, stopped_destroyed}, ours);
  EXPECT_FALSE(line.wanted);
  EXPECT_EQ(line.last_stop, StopCause::operator_destroy);
}

TEST(IntentAfterEvents, MovedAwayOutlivesTheUndefineThatComesWithIt) {
  const Intent line = after_events(running_line(), {stopped_migrated, undefined});
  EXPECT_EQ(line.last_stop, StopCause::moved_away);
  EXPECT_FALSE(line.wanted);
}

TEST(IntentAfterEvents, ALocalStartRestoresWhatMovedAway) {
  EXPECT_TRUE(after_events(off_line(false, StopCause::moved_away), {resumed, started}).wanted);
}

TEST(IntentAfterEvents, AMigrationToHereIsNoStartWhileItStillRunsThere) {
  IntentContext there = in_boot();
  there.active_elsewhere = true;
  Intent line = after_events(off_line(false, StopCause::moved_away), {started}, there);
  EXPECT_FALSE(line.wanted);
  // It failed half-way: nothing may be started here.
  EXPECT_FALSE(after_events(line, {stopped_failed}, there).wanted);
  // It worked.
  EXPECT_TRUE(after_events(line, {resumed}).wanted);
}

TEST(IntentAfterEvents, MakesALineForAVmItDidNotKnow) {
  const Intent line = after_event({}, event(started), in_boot());
  EXPECT_EQ(line.uuid.value, test::uuid_of("web1"));
  EXPECT_EQ(line.name.value, "web1");
  EXPECT_TRUE(line.wanted);
  EXPECT_EQ(line.boot.value, "boot-1");
}

TEST(IntentAfterEvents, AnEventWithoutAKnownBootKeepsTheRecordedOne) {
  EXPECT_EQ(after_events(running_line(), {stopped_failed}, in_boot("")).boot.value, "boot-1");
}

TEST(IntentMark, SurvivesEverything) {
  Intent line = running_line();
  line.mark = Mark{.keep = Keep::up, .by = "root", .reason = "mine", .at = kWall};
  const Mark mark = *line.mark;
  line = after_events(line, {stopped_destroyed, started, stopped_migrated, undefined});
  line = seen_twice(line, a_vm("web1").off().autostart(), in_boot("boot-2"));
  line = seen_twice(line, a_vm("web1"), in_boot("boot-3"));
  EXPECT_EQ(line.mark, mark);
}

TEST(WishFor, AsksTheMarkThenTheConfigThenTheLedger) {
  Intent line = running_line();
  VmPolicy policy;
  EXPECT_EQ(wish_for(&line, policy),
            (Wish{.keep = Keep::up, .authority = Wish::Authority::automatic, .known = true}));
  policy.keep = Keep::down;
  EXPECT_EQ(wish_for(&line, policy),
            (Wish{.keep = Keep::down, .authority = Wish::Authority::config, .known = true}));
  line.mark = Mark{.keep = Keep::ignore};
  EXPECT_EQ(wish_for(&line, policy),
            (Wish{.keep = Keep::ignore, .authority = Wish::Authority::mark, .known = true}));
  line.mark = Mark{.keep = Keep::automatic};
  EXPECT_EQ(wish_for(&line, policy).authority, Wish::Authority::config);
}

TEST(WishFor, AVmThatIsNotOnRecordIsNotWanted) {
  EXPECT_EQ(wish_for(nullptr, {}),
            (Wish{.keep = Keep::down, .authority = Wish::Authority::automatic, .known = false}));
  EXPECT_EQ(wish_for(nullptr, {.keep = Keep::up}).keep, Keep::up);
}

TEST(StopCause, HasOneWordEachThatReadsBack) {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(StopCause::unobserved); ++i) {
    const auto cause = static_cast<StopCause>(i);
    EXPECT_TRUE(words.insert(to_string(cause)).second);
    EXPECT_EQ(to_stop_cause(to_string(cause)), cause);
  }
  EXPECT_FALSE(to_stop_cause("bored"));
  for (const Remains remains :
       {Remains::unknown, Remains::nothing, Remains::dead_guest, Remains::dropped}) {
    EXPECT_EQ(to_remains(to_string(remains)), remains);
  }
  EXPECT_FALSE(to_remains("ashes"));
}

}  // namespace
}  // namespace upkeep
