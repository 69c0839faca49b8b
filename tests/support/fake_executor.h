#pragma once

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#include "remediation/executor.h"

namespace upkeep::test {

/// Keeps what is submitted; a test says when and how each action ends.
class ScriptedExecutor final : public Executor {
 public:
  std::vector<Ticket> submitted;  ///< All, also the ended ones.
  bool stopped = false;
  Standings known;  ///< What it was told last, as is what follows.
  IntentLedger known_intents;
  std::shared_ptr<const Policy> known_policy;
  /// Called at each submit, before it returns.
  std::function<void(const Ticket&)> on_submit;

  void submit(Ticket ticket) override {
    submitted.push_back(ticket);
    if (on_submit) on_submit(ticket);
  }
  void know(Wishes wishes) override {
    known = std::move(wishes.standings);
    known_intents = std::move(wishes.intents);
    known_policy = std::move(wishes.policy);
  }
  [[nodiscard]] std::vector<Completed> drain() override { return std::exchange(news_, {}); }
  void stop_acting() override { stopped = true; }

  void end(std::int64_t id, Outcome outcome, Tick at, PhaseTimes times = {}) {
    report(id, std::move(outcome), at, true, times);
  }
  void pass_deadline(std::int64_t id, Tick at, Outcome::Kind kind = Outcome::Kind::timed_out) {
    report(id, {.kind = kind, .reason = "timed_out", .detail = "no answer"}, at, false, {});
  }

 private:
  void report(std::int64_t id, Outcome outcome, Tick at, bool ended, PhaseTimes times) {
    const auto ticket = std::ranges::find(submitted, id, &Ticket::id);
    if (ticket == submitted.end()) std::abort();
    news_.push_back({.id = id,
                     .finding = ticket->finding,
                     .action = ticket->action,
                     .outcome = std::move(outcome),
                     .times = times,
                     .ended = ended,
                     .at = at});
  }

  std::vector<Completed> news_;
};

}  // namespace upkeep::test
