// What shows while upkeep works on a resource, and right after it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// r0 of DRBD 8.4 was down after a boot, and its bring-up has been begun.
class OwnWork : public ::testing::Test {
 protected:
  OwnWork() {
    world_.drbd_version("8.4.11").with(a_resource("r0", 0).down());
    daemon_ = std::make_unique<Reconciler>(
        Reconciler::Parts{
            .clock = clock_, .journal = journal_, .executor = executor_, .recorder = recorder_},
        std::make_shared<const Policy>(world_.policy), journal_.load().value());
    pass(5s);
    EXPECT_THAT(executor_.submitted, SizeIs(1));
    recorder_.lines.clear();
  }
  /// DRBD is read twice a second, as in a burst of events, and each reading is looked at.
  void pass(Duration time) {
    const Tick end = clock_.now() + time;
    while (clock_.now() < end) {
      clock_.advance(std::min<Duration>(500ms, end - clock_.now()));
      world_.later(clock_.now() - world_.now);
      static_cast<void>(daemon_->step(std::make_shared<const Snapshot>(world_.snapshot), {}));
    }
  }
  void command_ends() {
    executor_.end(executor_.submitted.back().id,
                  {.kind = Outcome::Kind::succeeded, .reason = "", .detail = ""}, clock_.now());
  }
  [[nodiscard]] std::vector<std::string> told() const {
    std::vector<std::string> texts;
    for (const HistoryEntry& entry : journal_.story) {
      if (entry.kind == "decision") texts.push_back(entry.target + ": " + entry.text);
    }
    return texts;
  }

  test::FakeClock clock_;
  test::TestWorld world_;
  simulation::MemoryJournal journal_;
  test::RecordingRecorder recorder_;
  test::ScriptedExecutor executor_;
  std::unique_ptr<Reconciler> daemon_;
};

TEST_F(OwnWork, NobodyIsToldThatAResourceIsStandAloneOnItsWayUp) {
  // Its parts come one by one, and what tells of them is a moment late.
  world_.with(a_resource("r0", 0).stand_alone());
  pass(5s);
  command_ends();
  pass(2s);
  EXPECT_THAT(recorder_.starting_with("ended resource/r0 succeeded"), SizeIs(1));
  world_.with(a_resource("r0", 0));
  pass(5s);
  EXPECT_THAT(executor_.submitted, SizeIs(1));
  EXPECT_THAT(recorder_.starting_with("decided"),
              ElementsAre("decided resource/r0 hold in_flight (new)",
                          "decided resource/r0 hold unconfirmed"));
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(OwnWork, AResourceThatStaysStandAloneIsTold) {
  world_.with(a_resource("r0", 0).stand_alone());
  pass(1s);
  command_ends();
  pass(4s);
  EXPECT_THAT(told(), ElementsAre(HasSubstr("resource/r0: ")));
  const auto decisions = daemon_->view()->decisions;
  ASSERT_THAT(decisions, SizeIs(1));
  EXPECT_EQ(decisions[0].finding.rule, "drbd_standalone");
  EXPECT_EQ(hold_of(decisions[0]), Hold::after_sb_policy);
}

}  // namespace
}  // namespace upkeep
