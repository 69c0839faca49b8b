#include "remediation/journal/sqlite_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>
#include <csignal>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/unit/remediation/journal/journal_samples.h"

namespace upkeep {
namespace {

using test::sample_alert;
using test::sample_intent;
using test::sample_start;
using test::sample_target;
using test::TempDir;
using test::wall_at;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class SqliteJournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteJournal> open() {
    auto opened = SqliteJournal::open(path_);
    EXPECT_TRUE(opened) << opened.error().message;
    if (!opened) std::abort();
    EXPECT_EQ(opened->set_aside, std::nullopt);
    return std::move(opened->journal);
  }

  /// What a daemon that starts now would know.
  JournalState reopened() { return open()->load().value(); }

  TempDir dir_;
  std::filesystem::path path_ = dir_ / "state/upkeep.db";
};

mode_t mode_of(const std::filesystem::path& path) {
  struct ::stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

TEST_F(SqliteJournalTest, StartsEmptyAndOnlyItsOwnerMayRead) {
  const auto journal = open();
  const auto state = journal->load();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_THAT(state->boots, IsEmpty());
  EXPECT_EQ(state->last_heartbeat, std::nullopt);
  ASSERT_TRUE(journal->heartbeat(wall_at(0)));
  EXPECT_EQ(mode_of(path_.parent_path()), 0700U);
  EXPECT_EQ(mode_of(path_), 0600U);
  EXPECT_EQ(mode_of(path_.string() + "-wal"), 0600U);
}

TEST_F(SqliteJournalTest, RemembersBootsAndHeartbeat) {
  const BootRecord first{{"boot-1"}, wall_at(0), PreviousShutdown::unknown, std::nullopt};
  const BootRecord second{{"boot-2"}, wall_at(900), PreviousShutdown::unclean, Seconds{91.5}};
  {
    const auto journal = open();
    ASSERT_TRUE(journal->record_boot(first));
    ASSERT_TRUE(journal->heartbeat(wall_at(800)));
    ASSERT_TRUE(journal->heartbeat(wall_at(808, 250)));
    ASSERT_TRUE(journal->record_boot(second));
  }
  const JournalState state = reopened();
  EXPECT_THAT(state.boots, ElementsAre(first, second));
  EXPECT_EQ(state.last_heartbeat, wall_at(808, 250));
  EXPECT_EQ(state.boot_counts.at(PreviousShutdown::unclean), 1U);
  EXPECT_EQ(state.boot_counts.at(PreviousShutdown::unknown), 1U);
}

TEST_F(SqliteJournalTest, RemembersIntentsWithMarkAndHalfSeenShutdown) {
  Intent plain = sample_intent("web1", true, StopCause::crashed);
  Intent marked = sample_intent("db1", false, StopCause::operator_destroy);
  marked.mark = Mark{Keep::up, "anna", "customer's wish", wall_at(3, 1)};
  marked.shutdown_seen = VmEventKind::shutdown_host;
  marked.remains = Remains::dropped;
  {
    const auto journal = open();
    ASSERT_TRUE(journal->save({plain, marked}));
    plain.wanted = false;
    plain.last_stop = StopCause::guest_shutdown;
    ASSERT_TRUE(journal->save(std::vector{plain}));
  }
  const JournalState state = reopened();
  EXPECT_THAT(state.intents, SizeIs(2));
  EXPECT_EQ(state.intents.at({"uuid-web1"}), plain);
  EXPECT_EQ(state.intents.at({"uuid-db1"}), marked);
}

TEST_F(SqliteJournalTest, RemembersAttemptsAndLatch) {
  TargetRecord latched = sample_target("web1", 5);
  latched.latched_since = wall_at(99);
  latched.last_end = wall_at(98);
  latched.stuck = true;
  latched.last_outcome = Outcome{Outcome::Kind::failed, "storage", "start VM 'web1': no such file"};
  const TargetRecord fresh{.target = target_of(ResourceName{"r0"}),
                           .attempts = {},
                           .last_end = std::nullopt,
                           .last_outcome = std::nullopt,
                           .latched_since = std::nullopt};
  {
    const auto journal = open();
    ASSERT_TRUE(journal->save(std::vector{latched, fresh}));
  }
  EXPECT_THAT(reopened().targets, ElementsAre(fresh, latched));
}

TEST_F(SqliteJournalTest, RemembersLimitedTries) {
  TargetRecord record{.target = target_of(ResourceName{"r0"})};
  record.tries["attach_device"] = {.at = {wall_at(7)}, .latched_since = wall_at(8, 3)};
  record.tries["reconnect_resource"] = {.at = {wall_at(1), wall_at(2)}, .latched_since = {}};
  ASSERT_TRUE(open()->save(std::vector{record}));
  EXPECT_THAT(reopened().targets, ElementsAre(record));
}

TEST_F(SqliteJournalTest, RemembersWhatStandsUntilItIsForgotten) {
  const Standing degraded{.kind = Standing::Kind::allow_degraded,
                          .subject = "uuid-web1",
                          .by = "root",
                          .reason = "node2 burnt down",
                          .at = wall_at(5)};
  const Standing dead{.kind = Standing::Kind::peer_dead, .subject = "node2", .at = wall_at(6)};
  {
    const auto journal = open();
    ASSERT_TRUE(journal->save(degraded));
    ASSERT_TRUE(journal->save(dead));
    ASSERT_TRUE(journal->forget(key_of(dead)));
  }
  EXPECT_EQ(reopened().standings, (Standings{{key_of(degraded), degraded}}));
}

Recovery sample_recovery(std::int64_t id, std::int64_t opened) {
  return {.id = id,
          .cause = RecoveryCause::lost_vms,
          .detail = "crashed",
          .opened = wall_at(opened),
          .ended = std::nullopt,
          .members = {{.uuid = {"uuid-db1"}, .name = {"db1"}, .why = ""},
                      {.uuid = {"uuid-web1"},
                       .name = {"web1"},
                       .state = MemberState::held,
                       .why = "network_missing"}}};
}

TEST_F(SqliteJournalTest, RemembersARecoveryAsItIsNow) {
  Recovery recovery = sample_recovery(1, 10);
  {
    const auto journal = open();
    ASSERT_TRUE(journal->save(recovery));
    // A clock has more digits than the journal keeps.
    recovery.ended = wall_at(42) + std::chrono::nanoseconds(7);
    recovery.members[0].state = MemberState::healthy;
    recovery.members[0].back_at = wall_at(40);
    recovery.members[0].phases = {{"detect", Seconds(0.5)}, {"start", Seconds(3)}};
    ASSERT_TRUE(journal->save(recovery));
    ASSERT_TRUE(journal->save(recovery));
    recovery.ended = wall_at(42);
  }
  EXPECT_THAT(reopened().recoveries, ElementsAre(recovery));
  const auto journal = open();
  EXPECT_EQ(journal->recovery(1).value(), recovery);
  EXPECT_EQ(journal->recovery(0).value(), recovery);
  EXPECT_EQ(journal->recovery(2).value(), std::nullopt);
  std::vector<std::string> story;
  const auto lines = journal->history({}).value();
  for (const HistoryEntry& line : lines) story.push_back(line.text);
  EXPECT_THAT(story, ElementsAre("recovery 1 over after 32 s: 2 VMs lost at once (crashed): 1 "
                                 "healthy, 1 held",
                                 "recovery 1 begins: 2 VMs lost at once (crashed): 1 waiting, 1 "
                                 "held"));
}

TEST_F(SqliteJournalTest, RemembersWhatCountsAgainstTheBudget) {
  const auto journal = open();
  const auto begin = [&](std::int64_t at, Trigger trigger) {
    ActionRecord record = sample_start("web1", wall_at(at));
    record.trigger = trigger;
    return journal->begin(record, sample_target("web1", 1)).value();
  };
  (void)begin(0, Trigger::event);
  const auto counted = begin(3601, Trigger::event);
  (void)begin(3602, Trigger::manual);
  const auto refused = begin(3603, Trigger::poll);
  ASSERT_TRUE(journal->end(
      {{refused, {Outcome::Kind::refused, "", ""}, wall_at(3604), sample_target("web1", 0)}}));
  ActionRecord bring_up = sample_start("web1", wall_at(3605));
  bring_up.action = BringUpResource{.resource = {"r0"}};
  ASSERT_TRUE(journal->begin(bring_up, sample_target("web1", 1)));
  const auto last = begin(3605, Trigger::poll);
  EXPECT_THAT(journal->load().value().recent_actions,
              ElementsAre(Pair(counted, wall_at(3601)), Pair(last, wall_at(3605))));
}

TEST_F(SqliteJournalTest, RemembersEveryKindOfAction) {
  const std::vector<Action> actions{
      BringUpResource{.resource = {"r0"}, .skip_disk = true},
      ReconnectResource{.resource = {"r1"}},
      AttachDevice{.resource = {"r2"}, .volume = {3}},
      ResumeVm{.vm = {"web1"}, .uuid = {"uuid-web1"}},
      ResetVm{.vm = {"web1"}, .uuid = {"uuid-web1"}},
      ReattachDisk{.vm = {"web1"}, .uuid = {"uuid-web1"}, .disk = {"vdb"}},
      ResolveSplitBrain{.resource = {"r3"}, .side = SplitBrainSide::discard_local},
      ResolveSplitBrain{.resource = {"r3"}, .side = SplitBrainSide::keep_local}};
  {
    const auto journal = open();
    for (const Action& action : actions) {
      ActionRecord record = sample_start("", wall_at(11));
      record.action = action;
      ASSERT_TRUE(journal->begin(record, sample_target("x", 1)));
    }
  }
  std::vector<Action> read;
  for (const ActionRecord& record : reopened().unfinished) read.push_back(record.action);
  EXPECT_EQ(read, actions);
}

TEST_F(SqliteJournalTest, BringsAnOlderVersionUpToDateAndLosesNothing) {
  const Intent intent = sample_intent("web1", true, StopCause::crashed);
  {
    const auto journal = open();
    ASSERT_TRUE(journal->save(std::vector{intent}));
    ASSERT_TRUE(journal->save(std::vector{sample_target("web1", 2)}));
  }
  {
    SQLite::Database database(path_.string(), SQLite::OPEN_READWRITE);
    database.exec(
        "DROP TABLE last_primary; DROP TABLE standing; DROP TABLE alert; DROP TABLE recovery_vm; "
        "DROP TABLE recovery; ALTER "
        "TABLE target DROP COLUMN tries; "
        "ALTER TABLE action DROP COLUMN part; ALTER TABLE intent DROP COLUMN remains; "
        "PRAGMA user_version = 1; "
        "UPDATE meta SET value = 1 WHERE key = 'schema'");
  }
  const auto looked = SqliteJournal::open_read_only(path_);
  ASSERT_FALSE(looked);
  EXPECT_THAT(looked.error().message, HasSubstr("an older upkeep wrote it"));
  const JournalState state = reopened();
  EXPECT_EQ(state.intents.at({"uuid-web1"}), intent);
  EXPECT_THAT(state.targets, ElementsAre(sample_target("web1", 2)));
  EXPECT_TRUE(reopened().standings.empty());
  EXPECT_TRUE(reopened().waiting_alerts.empty());
  EXPECT_TRUE(open()->save(sample_recovery(1, 10)));
}

TEST_F(SqliteJournalTest, KnowsOfOlderVersionsWordsWhatAStopLeftBehind) {
  const std::vector<std::pair<std::string, Remains>> told = {
      {"", Remains::unknown},
      {"crashed guest dropped to start it again", Remains::dropped},
      {"event crashed", Remains::dead_guest},
      {"seen crashed/panicked", Remains::dead_guest},
      {"event stopped_crashed", Remains::nothing},
      {"seen shut_off/crashed", Remains::nothing},
      {"off after a boot of the node", Remains::nothing}};
  std::vector<Intent> intents;
  for (const auto& [detail, remains] : told) {
    intents.push_back(
        sample_intent("vm" + std::to_string(intents.size()), true, StopCause::crashed));
    intents.back().last_stop_detail = detail;
  }
  ASSERT_TRUE(open()->save(intents));
  {
    SQLite::Database database(path_.string(), SQLite::OPEN_READWRITE);
    database.exec(
        "DROP TABLE last_primary; ALTER TABLE intent DROP COLUMN remains; ALTER TABLE standing "
        "DROP "
        "COLUMN boot; PRAGMA user_version = 5; "
        "UPDATE meta SET value = 5 WHERE key = 'schema'");
  }
  const JournalState state = reopened();
  for (std::size_t i = 0; i < told.size(); ++i) {
    intents[i].remains = told[i].second;
    EXPECT_EQ(state.intents.at(intents[i].uuid), intents[i]) << told[i].first;
  }
}

TEST_F(SqliteJournalTest, BringsTheVersionsBetweenUpToDate) {
  const Standing dead{.kind = Standing::Kind::peer_dead, .subject = "node2", .at = wall_at(6)};
  ASSERT_TRUE(open()->save(dead));
  {
    SQLite::Database database(path_.string(), SQLite::OPEN_READWRITE);
    database.exec(
        "DROP TABLE last_primary; DROP TABLE alert; DROP TABLE recovery_vm; DROP TABLE recovery; "
        "ALTER TABLE standing DROP COLUMN boot; ALTER TABLE standing DROP COLUMN until; ALTER "
        "TABLE intent DROP COLUMN remains; "
        "PRAGMA user_version = 2; UPDATE meta SET value = 2 WHERE key = 'schema'");
  }
  EXPECT_EQ(reopened().standings, (Standings{{key_of(dead), dead}}));
  EXPECT_TRUE(open()->save(sample_recovery(1, 10)));
  {
    SQLite::Database database(path_.string(), SQLite::OPEN_READWRITE);
    database.exec(
        "DROP TABLE last_primary; DROP TABLE alert; ALTER TABLE standing DROP COLUMN boot; ALTER "
        "TABLE standing DROP COLUMN until; "
        "ALTER TABLE intent DROP COLUMN "
        "remains; PRAGMA user_version = 3; UPDATE meta SET value = 3 WHERE key = 'schema'");
  }
  const auto journal = open();
  const AlertRecord alert = sample_alert("VmDown", wall_at(7));
  ASSERT_TRUE(journal->save({alert}, {}));
  EXPECT_EQ(journal->load()->standings, (Standings{{key_of(dead), dead}}));
  EXPECT_THAT(journal->load()->waiting_alerts, ElementsAre(alert));
}

TEST_F(SqliteJournalTest, BringsTheVersionBeforeWhoWasPrimaryUpToDate) {
  ASSERT_TRUE(open()->save({"boot-1"}, {{{"r0"}, ResourceHistory{.seen_up = true}}}));
  {
    SQLite::Database database(path_.string(), SQLite::OPEN_READWRITE);
    database.exec(
        "DROP TABLE last_primary; ALTER TABLE standing DROP COLUMN boot; PRAGMA user_version = 6; "
        "UPDATE meta SET value = 6 WHERE key = "
        "'schema'");
  }
  EXPECT_TRUE(reopened().last_primary.empty());
  EXPECT_TRUE(reopened().resources.at({"r0"}).seen_up);
  ASSERT_TRUE(open()->save({{"r0"}, {}}, LastPrimary{.since = wall_at(6)}));
  EXPECT_EQ(reopened().last_primary, (PrimaryRecord{{{{"r0"}, {}}, {.since = wall_at(6)}}}));
}

TEST_F(SqliteJournalTest, KnowsInWhichBootANodeWasDeclaredDead) {
  Standing dead{
      .kind = Standing::Kind::peer_dead, .subject = "node2", .at = wall_at(6), .boot = {"boot-1"}};
  ASSERT_TRUE(open()->save(dead));
  EXPECT_EQ(reopened().standings, (Standings{{key_of(dead), dead}}));
  {
    SQLite::Database database(path_.string(), SQLite::OPEN_READWRITE);
    database.exec(
        "ALTER TABLE standing DROP COLUMN boot; PRAGMA user_version = 7; UPDATE meta SET value = 7 "
        "WHERE key = 'schema'");
  }
  dead.boot = {};
  EXPECT_EQ(reopened().standings, (Standings{{key_of(dead), dead}})) << "told before it was kept";
}

TEST_F(SqliteJournalTest, RemembersWhoWasPrimaryAcrossBootsAndForgetsWhatIsOld) {
  const LastPrimary still{.since = wall_at(6, 5)};
  const LastPrimary alone{
      .since = wall_at(6), .until = wall_at(9, 7), .end = PrimaryEnd::demoted_alone};
  const LastPrimary demoted{.since = wall_at(6), .until = wall_at(20), .end = PrimaryEnd::demoted};
  const LastPrimary unseen{
      .since = wall_at(6), .until = wall_at(20), .end = PrimaryEnd::out_of_sight};
  {
    const auto journal = open();
    ASSERT_TRUE(journal->save({{"r0"}, {}}, demoted));
    ASSERT_TRUE(journal->save({{"r0"}, {}}, still));
    ASSERT_TRUE(journal->save({{"r0"}, {"node2"}}, unseen));
    ASSERT_TRUE(journal->save({{"r1"}, {}}, alone));
    ASSERT_TRUE(journal->save({{"r1"}, {"node2"}}, demoted));
    ASSERT_TRUE(journal->save({"boot-2"}, {{{"r0"}, ResourceHistory{}}}));
  }
  PrimaryRecord record{{{{"r0"}, {}}, still},
                       {{{"r0"}, {"node2"}}, unseen},
                       {{{"r1"}, {}}, alone},
                       {{{"r1"}, {"node2"}}, demoted}};
  EXPECT_EQ(reopened().last_primary, record);
  ASSERT_TRUE(open()->prune(wall_at(15)));
  record.erase({{"r1"}, {}});
  EXPECT_EQ(reopened().last_primary, record) << "what lasts still isn't old";
}

TEST_F(SqliteJournalTest, RemembersWhenAPauseEnds) {
  const Standing paused{.kind = Standing::Kind::paused,
                        .subject = "node",
                        .by = "anna",
                        .reason = "new disk",
                        .at = wall_at(6),
                        .until = wall_at(60)};
  const Standing maintenance{
      .kind = Standing::Kind::maintenance, .subject = "boot-1", .at = wall_at(7)};
  {
    const auto journal = open();
    ASSERT_TRUE(journal->save(paused));
    ASSERT_TRUE(journal->save(maintenance));
  }
  EXPECT_EQ(reopened().standings,
            (Standings{{key_of(paused), paused}, {key_of(maintenance), maintenance}}));
}

TEST_F(SqliteJournalTest, RemembersAlertsByFingerprintStartAndAction) {
  AlertRecord waiting = sample_alert("VmDown", wall_at(7, 123456));
  AlertRecord again = waiting;
  again.key.starts_at += std::chrono::microseconds(1);
  again.outcome = AlertOutcome::held;
  again.decided = wall_at(8);
  again.repeated = true;
  AlertRecord unknown = waiting;
  unknown.key.action = std::nullopt;
  unknown.target = std::nullopt;
  unknown.outcome = AlertOutcome::unknown_alert;
  unknown.decided = wall_at(7);
  unknown.resolved = true;
  unknown.over = true;
  const HistoryEntry line{.at = wall_at(8), .kind = "alert", .target = "vm/web1", .text = "held"};
  {
    const auto journal = open();
    ASSERT_TRUE(journal->save({waiting, again, unknown}, {line}));
    EXPECT_EQ(journal->alert(waiting.key).value(), waiting);
  }
  const auto journal = open();
  EXPECT_THAT(journal->load()->waiting_alerts, ElementsAre(waiting));
  EXPECT_EQ(journal->alert(again.key).value(), again);
  EXPECT_EQ(journal->alert(unknown.key).value(), unknown);
  AlertKey other = waiting.key;
  other.action = AlertAction::recheck;
  EXPECT_EQ(journal->alert(other).value(), std::nullopt);
  waiting.outcome = AlertOutcome::nothing_to_do;
  ASSERT_TRUE(journal->save({waiting}, {}));
  EXPECT_EQ(journal->alert(waiting.key).value(), waiting);
  EXPECT_TRUE(journal->load()->waiting_alerts.empty());
  EXPECT_EQ(journal->history({}).value().size(), 1U);
}

TEST_F(SqliteJournalTest, ForgetsAnAlertOnlyWhenItCouldNotBeTakenInAgain) {
  const auto journal = open();
  AlertRecord old = sample_alert("Old", wall_at(1));
  old.outcome = AlertOutcome::acted;
  const AlertRecord waiting = sample_alert("Waiting", wall_at(1));
  AlertRecord from_the_future = old;
  from_the_future.key.fingerprint = "ffffffffffffffff";
  from_the_future.key.starts_at = wall_at(20);
  ASSERT_TRUE(journal->save({old, waiting, from_the_future}, {}));
  ASSERT_TRUE(journal->prune(wall_at(10)));
  EXPECT_EQ(journal->alert(old.key).value(), std::nullopt);
  EXPECT_EQ(journal->alert(waiting.key).value(), waiting);
  EXPECT_EQ(journal->alert(from_the_future.key).value(), from_the_future);
}

TEST_F(SqliteJournalTest, RemembersResourcesOfTheNewestBootOnly) {
  const ResourceHistory split{
      .seen_up = true,
      .primary_alone = true,
      .ever_connected = true,
      .split_brain = SplitBrainEvidence{"helper split-brain", wall_at(4, 5)}};
  const ResourceHistory up{.seen_up = true, .split_brain = std::nullopt};
  {
    const auto journal = open();
    ASSERT_TRUE(journal->save({"boot-1"}, {{{"old"}, {.split_brain = std::nullopt}}}));
    ASSERT_TRUE(journal->save({"boot-2"}, {{{"r0"}, split}, {{"r1"}, up}}));
  }
  const JournalState state = reopened();
  EXPECT_EQ(state.resources_boot, BootId{"boot-2"});
  EXPECT_THAT(state.resources,
              ElementsAre(Pair(ResourceName{"r0"}, split), Pair(ResourceName{"r1"}, up)));
}

TEST_F(SqliteJournalTest, KnowsWhichActionsHaveBegunAndNotEnded) {
  ActionRecord start = sample_start("web1", wall_at(10, 3));
  ActionRecord bring_up = sample_start("", wall_at(11));
  bring_up.action = BringUpResource{{"r0"}};
  bring_up.rule = "drbd_down";
  std::int64_t ended = 0;
  {
    const auto journal = open();
    ended = journal->begin(sample_start("db1", wall_at(9)), sample_target("db1", 1)).value();
    start.id = journal->begin(start, sample_target("web1", 2)).value();
    bring_up.id = journal->begin(bring_up, sample_target("x", 1)).value();
    ASSERT_TRUE(journal->end(
        {{ended, {Outcome::Kind::succeeded, "", ""}, wall_at(12), sample_target("db1", 1)}}));
  }
  const JournalState state = reopened();
  ASSERT_THAT(state.unfinished, SizeIs(2));
  EXPECT_EQ(state.unfinished[0].id, start.id);
  EXPECT_EQ(state.unfinished[0].action, start.action);
  EXPECT_EQ(state.unfinished[0].rule, "vm_down");
  EXPECT_EQ(state.unfinished[0].trigger, Trigger::event);
  EXPECT_EQ(state.unfinished[0].attempt, 2);
  EXPECT_EQ(state.unfinished[0].begun, wall_at(10, 3));
  EXPECT_EQ(state.unfinished[1].action, bring_up.action);
  EXPECT_NE(ended, start.id);
}

TEST_F(SqliteJournalTest, CountsTheAttemptInTheSameWriteAsTheBegin) {
  {
    const auto journal = open();
    ASSERT_TRUE(journal->begin(sample_start("web1", wall_at(10)), sample_target("web1", 3)));
  }
  EXPECT_THAT(reopened().targets, ElementsAre(sample_target("web1", 3)));
}

TEST_F(SqliteJournalTest, EndsAnActionOnceAndKeepsNoOtherWaiting) {
  const auto journal = open();
  const auto first = journal->begin(sample_start("web1", wall_at(1)), sample_target("web1", 1));
  const auto second = journal->begin(sample_start("db1", wall_at(1)), sample_target("db1", 1));
  const Outcome succeeded{Outcome::Kind::succeeded, "", ""};
  const Outcome failed{Outcome::Kind::failed, "failed", ""};
  ASSERT_TRUE(journal->end({{*first, succeeded, wall_at(2), sample_target("web1", 1)}}));
  EXPECT_TRUE(journal->end({{*first, failed, wall_at(3), sample_target("web1", 4)},
                            {*second + 1, failed, wall_at(3), sample_target("mail1", 4)},
                            {*second, failed, wall_at(3), sample_target("db1", 4)}}));
  EXPECT_THAT(journal->load()->targets,
              ElementsAre(sample_target("db1", 4), sample_target("web1", 1)));
  EXPECT_THAT(journal->load()->unfinished, IsEmpty());
  std::vector<std::string> ends;
  const auto lines = journal->history({});
  for (const auto& line : lines.value()) {
    if (line.kind == "end") ends.push_back(line.target + " " + line.text);
  }
  EXPECT_THAT(ends, ElementsAre("vm/db1 start_vm failed (failed) after 2.0 s",
                                "vm/web1 start_vm succeeded after 1.0 s"));
}

TEST_F(SqliteJournalTest, TellsTheStoryNewestFirst) {
  const auto journal = open();
  ASSERT_TRUE(
      journal->record_boot({{"boot-1"}, wall_at(0), PreviousShutdown::unclean, Seconds{91.4}}));
  ASSERT_TRUE(journal->save(std::vector{sample_intent("web1", true, StopCause::crashed)}));
  const auto id = journal->begin(sample_start("web1", wall_at(10)), sample_target("web1", 2));
  ASSERT_TRUE(journal->end({{*id,
                             {Outcome::Kind::failed, "storage", "start VM 'web1': no such file"},
                             wall_at(10, 300'000),
                             sample_target("web1", 2)}}));
  ASSERT_TRUE(
      journal->note({{wall_at(20), "mark", "vm/web1", "marked down by anna", std::nullopt}}));

  const auto lines = journal->history({});
  ASSERT_TRUE(lines);
  std::vector<std::string> told;
  for (const auto& line : *lines) told.push_back(line.kind + "|" + line.target + "|" + line.text);
  EXPECT_THAT(
      told, ElementsAre(
                "mark|vm/web1|marked down by anna",
                "end|vm/web1|start_vm failed (storage) after 0.3 s: start VM 'web1': no such file",
                "begin|vm/web1|start_vm begins: attempt 2, for vm_down shown by event",
                "intent|vm/web1|wanted: crashed (event stopped_crashed)",
                "boot||node booted; the shutdown before it was unclean; it was down for 91 s"));
  EXPECT_EQ((*lines)[1].action_id, *id);
  EXPECT_EQ((*lines)[0].at, wall_at(20));
}

TEST_F(SqliteJournalTest, FiltersTheStoryByTargetTimeAndCount) {
  const auto journal = open();
  for (int i = 0; i < 6; ++i) {
    const std::string target = i % 2 == 0 ? "vm/a" : "vm/b";
    ASSERT_TRUE(journal->note(
        {{wall_at(i), "note", target, std::string("line ") + std::to_string(i), std::nullopt}}));
  }
  const auto of = [&](const HistoryQuery& query) {
    std::vector<std::string> texts;
    const auto lines = journal->history(query);  // named: it must outlive the loop
    for (const auto& line : lines.value()) texts.push_back(line.text);
    return texts;
  };
  EXPECT_THAT(of({.target = "vm/a", .since = std::nullopt}),
              ElementsAre("line 4", "line 2", "line 0"));
  EXPECT_THAT(of({.target = std::nullopt, .since = wall_at(4)}), ElementsAre("line 5", "line 4"));
  EXPECT_THAT(of({.limit = 1, .target = "vm/b", .since = std::nullopt}), ElementsAre("line 5"));
}

TEST_F(SqliteJournalTest, AnIntentThatOnlySawAnotherBootIsNoStory) {
  const auto journal = open();
  Intent intent = sample_intent("web1", true, StopCause::none);
  ASSERT_TRUE(journal->save(std::vector{intent}));
  intent.boot = {"boot-2"};
  ASSERT_TRUE(journal->save(std::vector{intent}));
  EXPECT_THAT(journal->history({}).value(), SizeIs(1));
  EXPECT_EQ(journal->load()->intents.at(intent.uuid).boot, BootId{"boot-2"});
}

TEST_F(SqliteJournalTest, PruneForgetsStoriesButNeverIntentsLatchesCountsOrTheNewestBoot) {
  const auto journal = open();
  TargetRecord latched = sample_target("web1", 5);
  latched.latched_since = wall_at(0);
  ASSERT_TRUE(journal->record_boot({{"b1"}, wall_at(0), PreviousShutdown::clean, std::nullopt}));
  ASSERT_TRUE(journal->record_boot({{"b2"}, wall_at(1), PreviousShutdown::clean, std::nullopt}));
  ASSERT_TRUE(journal->save(std::vector{sample_intent("web1", true, StopCause::crashed)}));
  const auto open_one = journal->begin(sample_start("web1", wall_at(2)), latched);
  const auto done = journal->begin(sample_start("db1", wall_at(2)), sample_target("db1", 1));
  ASSERT_TRUE(journal->end(
      {{*done, {Outcome::Kind::succeeded, "", ""}, wall_at(3), sample_target("db1", 1)}}));

  for (std::int64_t id = 1; id <= 3; ++id) {
    Recovery recovery = sample_recovery(id, id);
    recovery.ended = wall_at(10 + id);
    ASSERT_TRUE(journal->save(recovery));
  }

  ASSERT_TRUE(journal->prune(wall_at(1000)));
  EXPECT_EQ(journal->recovery(2).value(), std::nullopt);
  EXPECT_THAT(journal->recovery(3).value()->members, SizeIs(2));
  const auto state = journal->load();
  EXPECT_THAT(journal->history({}).value(), IsEmpty());
  ASSERT_THAT(state->boots, SizeIs(1));
  EXPECT_EQ(state->boots[0].id, BootId{"b2"});
  EXPECT_EQ(state->boot_counts.at(PreviousShutdown::clean), 2U);
  EXPECT_THAT(state->intents, SizeIs(1));
  EXPECT_THAT(state->targets, SizeIs(2));
  ASSERT_THAT(state->unfinished, SizeIs(1));
  EXPECT_EQ(state->unfinished[0].id, *open_one);
}

TEST_F(SqliteJournalTest, TwoDaemonsCannotShareIt) {
  const auto journal = open();
  const auto second = SqliteJournal::open(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  EXPECT_THAT(second.error().message,
              HasSubstr("another upkeep (process " + std::to_string(::getpid()) + ") uses it"));
  EXPECT_THAT(second.error().message, HasSubstr(path_.string()));
}

TEST_F(SqliteJournalTest, TheLockEndsWithItsHolder) {
  {
    const auto journal = open();
  }
  const auto journal = open();
  EXPECT_TRUE(journal->heartbeat(wall_at(1)));
}

TEST_F(SqliteJournalTest, CanBeReadWhileADaemonWritesAndAfterItEnded) {
  {
    const auto journal = open();
    ASSERT_TRUE(journal->note({{wall_at(1), "note", "", "first", std::nullopt}}));
    const auto reader = SqliteJournal::open_read_only(path_);
    ASSERT_TRUE(reader) << reader.error().message;
    ASSERT_TRUE(journal->note({{wall_at(2), "note", "", "second", std::nullopt}}));
    EXPECT_THAT((*reader)->history({}).value(), SizeIs(2));
  }
  const auto reader = SqliteJournal::open_read_only(path_);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_THAT((*reader)->history({}).value(), SizeIs(2));
  EXPECT_TRUE((*reader)->load());
  const auto refused = (*reader)->heartbeat(wall_at(3));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
}

TEST_F(SqliteJournalTest, ReadingWhereThereIsNoneCreatesNothing) {
  const auto reader = SqliteJournal::open_read_only(path_);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Errc::not_found);
  EXPECT_FALSE(std::filesystem::exists(path_.parent_path()));
}

TEST_F(SqliteJournalTest, SaysWhenThePathCannotBeADirectory) {
  std::ofstream(dir_ / "file") << "x";
  const auto opened = SqliteJournal::open(dir_ / "file/upkeep.db");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::invalid);
  EXPECT_THAT(opened.error().message, HasSubstr((dir_ / "file/upkeep.db").string()));
  EXPECT_THAT(opened.error().message, HasSubstr("set journal.path"));
}

TEST_F(SqliteJournalTest, SaysWhenThePathIsADirectory) {
  std::filesystem::create_directories(path_);
  const auto opened = SqliteJournal::open(path_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::invalid);
  EXPECT_TRUE(std::filesystem::is_directory(path_));
}

TEST_F(SqliteJournalTest, SaysWhatToDoWithoutPermissionAndLeavesTheFileAlone) {
  if (::geteuid() == 0) {  // Root may everything: look as somebody else.
    {
      const auto journal = open();
    }
    ASSERT_EQ(::seteuid(65534), 0);
  } else {
    {
      const auto journal = open();
    }
    ASSERT_EQ(::chmod(path_.parent_path().c_str(), 0), 0);
  }
  const auto opened = SqliteJournal::open(path_);
  const auto reader = SqliteJournal::open_read_only(path_);
  if (::getuid() == 0) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ::chmod(path_.parent_path().c_str(), 0700);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::denied);
  EXPECT_THAT(opened.error().message, HasSubstr("write permission"));
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Errc::denied);
  EXPECT_EQ(open()->load().has_value(), true);
}

/// No file of this process may grow beyond `bytes` while it lives: a full disk, near enough.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(SqliteJournalTest, AWriteThatDoesNotFitFailsWholeAndTheNextOneWorks) {
  const auto journal = open();
  ASSERT_TRUE(journal->begin(sample_start("web1", wall_at(1)), sample_target("web1", 1)));
  {
    const FileSizeLimit full(4096);
    const auto begun = journal->begin(sample_start("web1", wall_at(2)), sample_target("web1", 2));
    ASSERT_FALSE(begun);
    EXPECT_THAT(begun.error().message, HasSubstr(path_.string()));
  }
  EXPECT_THAT(journal->load()->unfinished, SizeIs(1));
  EXPECT_THAT(journal->load()->targets, ElementsAre(sample_target("web1", 1)));
  EXPECT_TRUE(journal->begin(sample_start("web1", wall_at(3)), sample_target("web1", 2)));
}

TEST_F(SqliteJournalTest, OfManyLinesAllFitOrNone) {
  const auto journal = open();
  const auto begun = journal->begin(sample_start("vm0", wall_at(1)), sample_target("vm0", 1));
  std::vector<Intent> intents;
  std::vector<TargetRecord> targets;
  std::vector<EndRecord> ends = {
      {*begun, {Outcome::Kind::succeeded, "", ""}, wall_at(2), sample_target("vm0", 2)}};
  std::map<ResourceName, ResourceHistory> resources;
  std::vector<HistoryEntry> notes;
  for (int i = 0; i < 500; ++i) {
    const std::string name = "vm" + std::to_string(i);
    intents.push_back(sample_intent(name, true, StopCause::crashed));
    targets.push_back(sample_target(name, 3));
    // Only the first has begun; what follows makes its outcome too large.
    ends.front().outcome.detail += std::string(200, 'x');
    resources[{name}] = {.seen_up = true, .split_brain = std::nullopt};
    notes.push_back({wall_at(2), "note", "vm/" + name, "a line", std::nullopt});
  }
  const auto write_all = [&] {
    return std::vector{journal->save(intents).has_value(), journal->save(targets).has_value(),
                       journal->end(ends).has_value(),
                       journal->save({"boot-1"}, resources).has_value(),
                       journal->note(notes).has_value()};
  };
  {
    const FileSizeLimit full(40'000);
    EXPECT_THAT(write_all(), Each(false));
  }
  const JournalState none = journal->load().value();
  EXPECT_THAT(none.intents, IsEmpty());
  EXPECT_THAT(none.targets, ElementsAre(sample_target("vm0", 1)));
  EXPECT_THAT(none.unfinished, SizeIs(1));
  EXPECT_THAT(none.resources, IsEmpty());
  EXPECT_THAT(journal->history({}).value(), SizeIs(1)) << "the begin's line only";

  EXPECT_THAT(write_all(), Each(true));
  const JournalState all = journal->load().value();
  EXPECT_THAT(all.intents, SizeIs(500));
  EXPECT_THAT(all.targets, SizeIs(500));
  EXPECT_THAT(all.unfinished, IsEmpty());
  EXPECT_THAT(all.resources, SizeIs(500));
}

TEST_F(SqliteJournalTest, AFullDiskAtTheFirstStartLeavesNothingBehind) {
  std::filesystem::create_directories(path_.parent_path());
  {
    const FileSizeLimit full(8192);
    const auto opened = SqliteJournal::open(path_);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr(path_.string()));
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(open()->heartbeat(wall_at(1)));
}

}  // namespace
}  // namespace upkeep
