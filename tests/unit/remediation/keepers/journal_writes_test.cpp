// How often the loop waits for the disk: after a power cut that is what everybody waits for.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <string>

#include "tests/support/daemon_test.h"

namespace upkeep {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::a_resource;
using test::a_vm;
using testing::IsEmpty;
using testing::SizeIs;

Target vm_target(const std::string& name) { return target_of(VmName{name}); }

class JournalWritesTest : public test::DaemonTest {
 protected:
  static std::string name_of(int number) { return fmt::format("vm{:02}", number); }
  static std::string resource_of(int number) { return fmt::format("r{:02}", number); }

  /// A node of so many VMs, each with its DRBD resource and with a start on record, on which the
  /// power came back just now.
  void power_comes_back(int vms) {
    journal_.state() = {};
    journal_.actions.clear();
    journal_.recoveries.clear();
    journal_.state().boots = {
        {{"boot-1"}, clock_.wall() - hours(5), PreviousShutdown::unclean, std::nullopt}};
    for (int i = 0; i < vms; ++i) {
      const std::string name = name_of(i);
      journal_.state().intents[{test::uuid_of(name)}] = {.uuid = {test::uuid_of(name)},
                                                         .name = {name},
                                                         .wanted = true,
                                                         .last_stop = StopCause::none,
                                                         .last_stop_detail = "",
                                                         .changed = {},
                                                         .boot = {"boot-1"},
                                                         .mark = std::nullopt,
                                                         .shutdown_seen = std::nullopt};
      TargetRecord& tried = journal_.target(vm_target(name));
      tried.target = vm_target(name);
      tried.attempts = {clock_.wall() - hours(4)};
      tried.in_row = 1;
      world_.with(a_vm(name).off().on_drbd(static_cast<unsigned>(i)));
      world_.with(a_resource(resource_of(i), static_cast<unsigned>(i)));
    }
    world_.snapshot.node.reading->boot_id = {"boot-2"};
  }

  /// Starts a daemon and steps until something is begun; the writes until then, its own included.
  int writes_before_the_first_start() {
    std::optional<int> until;
    on_submit_ = [&](const Ticket& /*ticket*/) {
      if (!until) until = journal_.writes;
    };
    journal_.writes = 0;
    start_daemon();
    for (int i = 0; i < 70 && !until; ++i) pass(seconds(1));
    EXPECT_TRUE(until) << "nothing was begun";
    return until.value_or(-1);
  }
};

TEST_F(JournalWritesTest, ANodeOfManyVmsWaitsForTheDiskAsOftenAsOneOfTwo) {
  power_comes_back(2);
  const int of_two = writes_before_the_first_start();
  ASSERT_THAT(journal_.state().intents, SizeIs(2));
  power_comes_back(62);
  EXPECT_EQ(writes_before_the_first_start(), of_two);
  EXPECT_EQ(journal_.state().intents.at({test::uuid_of(name_of(61))}).boot, BootId{"boot-2"});
  EXPECT_EQ(journal_.target(vm_target(name_of(61))).in_row, 0) << "a boot starts anew";
  EXPECT_EQ(journal_.state().resources_boot, BootId{"boot-2"});
  EXPECT_THAT(journal_.state().resources, SizeIs(62));
}

TEST_F(JournalWritesTest, WhatEndsInOneStepIsWrittenTogether) {
  power_comes_back(62);
  world_.policy.pacing.slots = 100;
  EXPECT_GT(writes_before_the_first_start(), 0);
  ASSERT_THAT(executor_->submitted, SizeIs(8));
  const int before = journal_.writes;
  for (const Ticket& ticket : executor_->submitted) {
    executor_->end(ticket.id, {.kind = Outcome::Kind::failed, .reason = "failed", .detail = ""},
                   clock_.now());
  }
  libvirt_answers_ = false;  // Nothing else is begun.
  step();
  int open = 0;
  for (const auto& [id, action] : journal_.actions) open += action.ended ? 0 : 1;
  EXPECT_EQ(open, 0);
  EXPECT_LE(journal_.writes - before, 4) << "ends, recovery, notes, and a heartbeat";
}

TEST_F(JournalWritesTest, WhatIsSaidOfManyInOneStepIsWrittenTogether) {
  world_.policy.mode = Mode::observe;
  power_comes_back(62);
  start_daemon();
  pass(seconds(70));
  int told = 0;
  for (const HistoryEntry& entry : journal_.story) told += entry.kind == "decision" ? 1 : 0;
  EXPECT_GE(told, 62);
  EXPECT_LT(journal_.writes, 62);
}

TEST_F(JournalWritesTest, WhatCouldNotBeWrittenTogetherStaysDue) {
  power_comes_back(62);
  journal_.failing = true;
  start_daemon();
  pass(seconds(70));
  EXPECT_THAT(executor_->submitted, IsEmpty());
  EXPECT_EQ(journal_.target(vm_target(name_of(61))).in_row, 1);
  journal_.failing = false;
  pass(seconds(6));
  EXPECT_THAT(executor_->submitted, testing::Not(IsEmpty()));
  EXPECT_EQ(journal_.target(vm_target(name_of(61))).in_row, 0);
  EXPECT_EQ(journal_.state().intents.at({test::uuid_of(name_of(61))}).boot, BootId{"boot-2"});
  EXPECT_THAT(journal_.state().resources, SizeIs(62));
}

}  // namespace
}  // namespace upkeep
