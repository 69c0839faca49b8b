#include "exporter/sources/node/node_source.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "tests/unit/exporter/sources/node/fake_node.h"

namespace upkeep {
namespace {

using test::FakeNode;
using test::Wtmp;
using namespace std::chrono_literals;

class Listener final : public SourceListener {
 public:
  void published(SourceKind source) override {
    EXPECT_EQ(source, SourceKind::node);
    const std::scoped_lock lock(mutex_);
    ++published_;
    changed_.notify_all();
  }
  void vm_event(const VmEvent&) override { ADD_FAILURE(); }
  void drbd_event(const DrbdEvent&) override { ADD_FAILURE(); }
  void read_finished(SourceKind source, Duration, bool ok) override {
    EXPECT_EQ(source, SourceKind::node);
    succeeded = ok;
  }
  void unparsed(SourceKind, std::string_view) override { ADD_FAILURE(); }

  /// Waits for the next reading after the `count` first ones.
  [[nodiscard]] bool wait_for(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return published_ >= count; });
  }

  std::atomic<bool> succeeded = false;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int published_ = 0;
};

class NodeSourceTest : public testing::Test {
 protected:
  FakeNode fake;
  SystemClock clock;
  Listener listener;
};

TEST_F(NodeSourceTest, SaysNothingBeforeTheFirstReading) {
  const NodeSource source({.root = fake.root()}, clock, listener);
  EXPECT_FALSE(source.latest().reading);
  EXPECT_EQ(source.latest().reading.error().message, "not read yet");
}

TEST_F(NodeSourceTest, PublishesWhatItReads) {
  fake.file("var/log/wtmp", Wtmp().boot(-9000).boot(0).bytes());
  NodeSource source({.root = fake.root(), .interval = 1h}, clock, listener);
  const Tick begun = clock.now();
  source.start();
  ASSERT_TRUE(listener.wait_for(1));
  const Observed<Node> node = source.latest();
  ASSERT_TRUE(node.reading) << node.reading.error().message;
  EXPECT_EQ(node.reading->boot_id.value, "6f1b0b0e-0000-4000-8000-000000000001");
  EXPECT_EQ(node.reading->previous_shutdown, PreviousShutdown::unclean);
  EXPECT_FALSE(node.reading->shutting_down);
  EXPECT_GE(node.at, begun);
  EXPECT_TRUE(listener.succeeded);
}

TEST_F(NodeSourceTest, ReadsAgainWhenPoked) {
  NodeSource source({.root = fake.root(), .interval = 1h}, clock, listener);
  source.start();
  ASSERT_TRUE(listener.wait_for(1));
  fake.file("run/upkeep/shutting-down", "");
  source.poke();
  ASSERT_TRUE(listener.wait_for(2));
  EXPECT_TRUE(source.latest().reading->shutting_down);
}

TEST_F(NodeSourceTest, ReadsAgainByItself) {
  NodeSource source({.root = fake.root(), .interval = 5ms}, clock, listener);
  source.start();
  EXPECT_TRUE(listener.wait_for(3));
}

TEST_F(NodeSourceTest, TurnsAFailureIntoAnErrorAndRecovers) {
  fake.remove("proc/stat");
  NodeSource source({.root = fake.root(), .interval = 1h}, clock, listener);
  source.start();
  ASSERT_TRUE(listener.wait_for(1));
  EXPECT_FALSE(source.latest().reading);
  EXPECT_FALSE(listener.succeeded);
  fake.file("proc/stat", "cpu0 1\nbtime 1772334590\n");
  source.poke();
  ASSERT_TRUE(listener.wait_for(2));
  EXPECT_TRUE(source.latest().reading);
}

TEST_F(NodeSourceTest, LooksUpThePastOfEachBoot) {
  fake.file("var/log/wtmp", Wtmp().boot(-9000).shutdown(-60).boot(0).bytes());
  NodeSource source({.root = fake.root(), .interval = 1h}, clock, listener);
  source.start();
  ASSERT_TRUE(listener.wait_for(1));
  EXPECT_EQ(source.latest().reading->previous_shutdown, PreviousShutdown::clean);
  // The same boot keeps it although the record grows; another boot does not.
  fake.file("var/log/wtmp", Wtmp().boot(-9000).shutdown(-60).boot(0).boot(1).bytes());
  source.poke();
  ASSERT_TRUE(listener.wait_for(2));
  EXPECT_EQ(source.latest().reading->previous_shutdown, PreviousShutdown::clean);
  fake.file("proc/sys/kernel/random/boot_id", "another\n");
  source.poke();
  ASSERT_TRUE(listener.wait_for(3));
  EXPECT_EQ(source.latest().reading->boot_id.value, "another");
  EXPECT_EQ(source.latest().reading->previous_shutdown, PreviousShutdown::unclean);
}

TEST_F(NodeSourceTest, StopsAtOnceAndWithoutAStart) {
  const Tick begun = clock.now();
  {
    NodeSource source({.root = fake.root(), .interval = 1h}, clock, listener);
    source.start();
    ASSERT_TRUE(listener.wait_for(1));
  }
  {
    const NodeSource never_started({.root = fake.root()}, clock, listener);
  }
  EXPECT_LT(clock.now() - begun, 5s);
}

}  // namespace
}  // namespace upkeep
