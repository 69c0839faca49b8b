#include "remediation/keepers/primary_keeper.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "remediation/reconciler.h"
#include "simulation/memory_journal.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"
#include "tests/support/fake_recorder.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;

auto r0() { return a_resource("r0", 1); }
auto primary() { return r0().role(DrbdRole::primary); }

const PrimaryKey kHere{{"r0"}, {}};
const PrimaryKey kNode2{{"r0"}, {"node2"}};

/// A daemon in mode observe that reads DRBD with each step.
class PrimaryKeeperTest : public ::testing::Test {
 protected:
  PrimaryKeeperTest() { world_.policy.mode = Mode::observe; }

  void start() {
    daemon_ = std::make_unique<Reconciler>(
        Reconciler::Parts{
            .clock = clock_, .journal = journal_, .executor = executor_, .recorder = recorder_},
        std::make_shared<const Policy>(world_.policy), journal_.load().value());
  }
  /// DRBD is read, and shows the resource so. Returns when.
  WallTime sees(const DrbdResource& resource) {
    world_.with(resource);
    return sees_nothing_new();
  }
  WallTime sees_nothing_new() {
    world_.later(clock_.now() - world_.now);
    world_.snapshot.wall = clock_.wall();
    step();
    return clock_.wall();
  }
  void step() {
    static_cast<void>(daemon_->step(std::make_shared<const Snapshot>(world_.snapshot), {}));
  }
  void pass(Duration time) { clock_.advance(time); }
  /// In the daemon's memory.
  [[nodiscard]] std::optional<LastPrimary> line(const PrimaryKey& key) const {
    const PrimaryRecord& record = daemon_->view()->history.last_primary;
    const auto found = record.find(key);
    return found == record.end() ? std::nullopt : std::optional(found->second);
  }
  /// On the disk.
  [[nodiscard]] std::optional<LastPrimary> written(const PrimaryKey& key) {
    const PrimaryRecord& record = journal_.state().last_primary;
    const auto found = record.find(key);
    return found == record.end() ? std::nullopt : std::optional(found->second);
  }

  test::FakeClock clock_;
  test::TestWorld world_;
  simulation::MemoryJournal journal_;
  test::RecordingRecorder recorder_;
  test::ScriptedExecutor executor_;
  std::unique_ptr<Reconciler> daemon_;
};

TEST_F(PrimaryKeeperTest, KnowsWhenThisNodeWasPrimaryAndThatAPeerSawItEnd) {
  start();
  sees(r0());
  EXPECT_FALSE(line(kHere));
  pass(1s);
  const WallTime begun = sees(primary());
  EXPECT_EQ(line(kHere), (LastPrimary{.since = begun}));
  pass(5s);
  const WallTime last = sees(primary());
  pass(5s);
  sees(r0());
  const LastPrimary over{.since = begun, .until = last, .end = PrimaryEnd::demoted};
  EXPECT_EQ(line(kHere), over);
  EXPECT_EQ(written(kHere), over);
  EXPECT_FALSE(line(kNode2)) << "it was only ever seen Secondary";
}

TEST_F(PrimaryKeeperTest, KnowsThatThisNodeWasAloneWhenItStopped) {
  start();
  const WallTime begun = sees(primary().peer_gone());
  pass(2s);
  sees(r0().peer_gone());
  EXPECT_EQ(line(kHere),
            (LastPrimary{.since = begun, .until = begun, .end = PrimaryEnd::demoted_alone}));
}

TEST_F(PrimaryKeeperTest, APeerIsKnownUntilTheLinkIsLostAndNoLonger) {
  start();
  const WallTime begun = sees(r0().peer(DrbdConnection::connected, DrbdRole::primary));
  pass(3s);
  const WallTime last = sees(r0().peer(DrbdConnection::connected, DrbdRole::primary));
  pass(1s);
  sees(r0().peer_gone());
  EXPECT_EQ(line(kNode2),
            (LastPrimary{.since = begun, .until = last, .end = PrimaryEnd::out_of_sight}));
  pass(1s);
  sees(r0());
  EXPECT_EQ(line(kNode2)->end, PrimaryEnd::out_of_sight) << "Secondary now says nothing of then";
  pass(1s);
  const WallTime again = sees(r0().peer(DrbdConnection::connected, DrbdRole::primary));
  EXPECT_EQ(line(kNode2), (LastPrimary{.since = again}));
  pass(1s);
  sees(r0());
  EXPECT_EQ(line(kNode2)->end, PrimaryEnd::demoted);
}

TEST_F(PrimaryKeeperTest, AResourceThatIsGoneIsOutOfSight) {
  start();
  const WallTime begun = sees(primary());
  pass(1s);
  sees(r0().down());
  EXPECT_EQ(line(kHere),
            (LastPrimary{.since = begun, .until = begun, .end = PrimaryEnd::out_of_sight}));
}

TEST_F(PrimaryKeeperTest, WhatNobodyLookedAtIsOutOfSight) {
  start();
  const WallTime begun = sees(primary());
  pass(11s);
  const WallTime again = sees(primary());
  EXPECT_EQ(line(kHere), (LastPrimary{.since = again}));
  pass(1s);
  world_.snapshot.drbd.reading = fail(Errc::unavailable, "drbdsetup failed");
  step();
  EXPECT_EQ(line(kHere), (LastPrimary{.since = again})) << "a reading that failed shows nothing";
  EXPECT_NE(begun, again);
}

TEST_F(PrimaryKeeperTest, TheJournalHearsOfChangesOnly) {
  start();
  sees(primary());
  pass(1s);
  sees_nothing_new();
  const int writes = journal_.writes;
  for (int i = 0; i < 10; ++i) {
    pass(1s);
    sees_nothing_new();
  }
  EXPECT_LE(journal_.writes - writes, 1) << "a heartbeat";
}

TEST_F(PrimaryKeeperTest, ADaemonThatEndedSawItUntilItsLastHeartbeat) {
  start();
  const WallTime begun = sees(primary());
  pass(20s);
  sees_nothing_new();  // Too late: it begins anew.
  const WallTime anew = written(kHere)->since;
  EXPECT_EQ(anew - begun, 20s);
  const WallTime heartbeat = journal_.state().last_heartbeat.value();
  ASSERT_GE(heartbeat, anew);
  daemon_.reset();
  pass(1h);
  start();
  const LastPrimary over{.since = anew, .until = heartbeat, .end = PrimaryEnd::out_of_sight};
  sees(r0());
  EXPECT_EQ(line(kHere), over);
  EXPECT_EQ(written(kHere), over) << "the next daemon must not take its own heartbeat";
}

TEST_F(PrimaryKeeperTest, AClockThatWasSetBackEndsNothingBeforeItBegan) {
  const LastPrimary line{.since = test::kWall};
  EXPECT_EQ(ended(line, PrimaryEnd::demoted, test::kWall - 1h).until, test::kWall);
}

TEST_F(PrimaryKeeperTest, AJournalThatFailsStopsNothingAndHearsOfItLater) {
  start();
  sees(r0());
  journal_.failing_primaries = true;
  pass(1s);
  const WallTime begun = sees(primary());
  EXPECT_FALSE(written(kHere));
  EXPECT_EQ(recorder_.lines, std::vector<std::string>{"journal lacks: journal: I/O error"})
      << "once, until it is tried again";
  EXPECT_TRUE(daemon_->view()->history.journal_ok);
  EXPECT_EQ(line(kHere), (LastPrimary{.since = begun}));
  journal_.failing_primaries = false;
  pass(6s);
  sees_nothing_new();
  EXPECT_EQ(written(kHere), (LastPrimary{.since = begun}));
}

}  // namespace
}  // namespace upkeep
