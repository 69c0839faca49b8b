#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "remediation/reconciler.h"
#include "simulation/memory_journal.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"
#include "tests/support/fake_recorder.h"
#include "tests/support/world.h"

namespace upkeep::test {

/// A node whose time and sources the test owns, and a daemon on it that can be killed and started
/// again on the same journal.
class DaemonTest : public ::testing::Test {
 protected:
  /// What was heard of the one before is forgotten.
  void start_daemon() {
    recorder_.lines.clear();
    executor_ = std::make_unique<ScriptedExecutor>();
    executor_->on_submit = on_submit_;
    daemon_ = std::make_unique<Reconciler>(Reconciler::Parts{.clock = clock_,
                                                             .journal = journal_,
                                                             .executor = *executor_,
                                                             .recorder = recorder_,
                                                             .reread = [this] { ++rereads_; }},
                                           std::make_shared<const Policy>(world_.policy),
                                           journal_.load().value());
  }

  /// Reads again what answers, and steps; returns when the loop wants to step again.
  Tick step(Inputs inputs = {}) {
    world_.later(clock_.now() - world_.now);
    auto snapshot = std::make_shared<Snapshot>(world_.snapshot);
    if (!libvirt_answers_) {
      snapshot->vms.reading = fail(Errc::unavailable, "libvirt: no connection");
    }
    if (drbd_hangs_) {
      snapshot->drbd = last_drbd_;
    } else {
      last_drbd_ = snapshot->drbd;
    }
    snapshot_ = snapshot;
    return daemon_->step(snapshot_, std::move(inputs));
  }
  /// A step each second.
  void pass(Duration time) {
    const Tick end = clock_.now() + time;
    while (clock_.now() < end) {
      clock_.advance(std::min<Duration>(std::chrono::seconds(1), end - clock_.now()));
      step();
    }
  }

  [[nodiscard]] VmEvent event(const std::string& vm, VmEventKind kind) const {
    return {.uuid = {uuid_of(vm)},
            .name = {vm},
            .kind = kind,
            .detail = "",
            .at = clock_.now(),
            .wall = clock_.wall()};
  }
  /// Asks, steps, and returns the answer.
  Result<std::string> ask(Command command) {
    Result<std::string> answer = fail(Errc::failed, "no answer came");
    Inputs inputs;
    inputs.commands.emplace_back(std::move(command),
                                 [&](Result<std::string> given) { answer = std::move(given); });
    step(std::move(inputs));
    return answer;
  }
  /// The action ends well.
  void succeeds(std::int64_t id, PhaseTimes times = {}) {
    executor_->end(id, {.kind = Outcome::Kind::succeeded, .reason = "", .detail = ""}, clock_.now(),
                   times);
  }

  FakeClock clock_;
  TestWorld world_;
  simulation::MemoryJournal journal_;
  RecordingRecorder recorder_;
  std::unique_ptr<ScriptedExecutor> executor_;
  std::unique_ptr<Reconciler> daemon_;
  std::function<void(const Ticket&)> on_submit_;  ///< Of every executor from the next start on.
  std::shared_ptr<const Snapshot> snapshot_;      ///< Of the last step.
  bool libvirt_answers_ = true;
  bool drbd_hangs_ = false;  ///< Its reading grows old.
  int rereads_ = 0;

 private:
  decltype(Snapshot::drbd) last_drbd_;
};

}  // namespace upkeep::test
