#include "remediation/keepers/settling.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "tests/support/daemon_test.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;

/// A daemon whose sources read only when the test says so.
class SettlingTest : public test::DaemonTest {
 protected:
  SettlingTest() { world_.with(a_vm("web1")); }

  [[nodiscard]] bool settled() const { return daemon_->view()->history.settled_at.has_value(); }

  /// The loop steps, and no source has been read since.
  Tick step_unread(Duration later) {
    clock_.advance(later);
    return daemon_->step(snapshot_, {});
  }
};

TEST_F(SettlingTest, ASecondReadingIsAskedForAfterAQuarterOfASecondOnce) {
  start_daemon();
  EXPECT_EQ(step(), clock_.now() + 250ms);
  step_unread(249ms);
  EXPECT_EQ(rereads_, 0);
  step_unread(1ms);
  EXPECT_EQ(rereads_, 1);
  step_unread(250ms);
  EXPECT_EQ(rereads_, 1);
  EXPECT_FALSE(settled());
  step();
  EXPECT_TRUE(settled());
  pass(10s);
  EXPECT_EQ(rereads_, 1);
}

TEST_F(SettlingTest, ReadingsThatFollowEachOtherAtOnceSettleNothing) {
  start_daemon();
  step();
  for (int i = 0; i < 24; ++i) {
    clock_.advance(10ms);
    step();
    EXPECT_FALSE(settled());
  }
  clock_.advance(10ms);
  step();
  EXPECT_TRUE(settled());
}

TEST_F(SettlingTest, AListThatChangesIsLookedAtAnewWithoutAskingAgain) {
  start_daemon();
  step();
  clock_.advance(250ms);
  world_.with(a_vm("web2"));
  step();
  EXPECT_EQ(rereads_, 1);
  EXPECT_FALSE(settled());
  clock_.advance(240ms);
  step();
  EXPECT_FALSE(settled());
  clock_.advance(10ms);
  step();
  EXPECT_TRUE(settled());
  EXPECT_EQ(rereads_, 1);
}

TEST_F(SettlingTest, NothingIsAskedForBeforeEachSourceInUseHasAnswered) {
  world_.with(a_resource("r0", 0));
  drbd_hangs_ = true;
  start_daemon();
  pass(5s);
  EXPECT_EQ(rereads_, 0);
  EXPECT_FALSE(settled());
  drbd_hangs_ = false;
  EXPECT_EQ(step(), clock_.now() + 250ms);
  EXPECT_FALSE(settled());
  clock_.advance(250ms);
  step();
  EXPECT_TRUE(settled());
}

TEST_F(SettlingTest, AFailedReadingIsNoAnswer) {
  libvirt_answers_ = false;
  start_daemon();
  pass(5s);
  EXPECT_EQ(rereads_, 0);
  EXPECT_FALSE(settled());
}

TEST_F(SettlingTest, APeerIsHeardOrFoundSilentFirst) {
  world_.peer("node2", {});
  Peer& peer = world_.snapshot.peers.front();
  const auto said = std::exchange(peer.facts.reading, fail(Errc::unavailable, "not read yet"));
  start_daemon();
  pass(5s);
  EXPECT_FALSE(settled());

  peer.error = Error{Errc::timed_out, "no answer in time"};
  step();
  EXPECT_TRUE(settled());

  peer.error.reset();
  start_daemon();
  pass(5s);
  EXPECT_FALSE(settled());
  peer.facts.reading = said;
  step();
  EXPECT_TRUE(settled());
}

TEST_F(SettlingTest, AfterTheGraceNobodyIsWaitedForAnyMore) {
  libvirt_answers_ = false;
  start_daemon();
  pass(59s);
  EXPECT_FALSE(settled());
  pass(1s);
  EXPECT_TRUE(settled());
}

}  // namespace
}  // namespace upkeep
