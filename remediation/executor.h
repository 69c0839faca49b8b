#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "exporter/model/clock.h"
#include "remediation/decision.h"
#include "remediation/history.h"
#include "remediation/policy.h"

namespace upkeep {

/// One journaled action on its way to its effect.
struct Ticket {
  std::int64_t id = 0;  ///< The journal's.
  Finding finding;
  Action action;
  Tick submitted{};
  Duration deadline{};
  // What the last look before acting needs; frozen when the action was chosen. What is wanted by
  // then (`Wishes`) goes before it.
  std::shared_ptr<const Policy> policy;
  std::shared_ptr<const History> history;
};

/// What is wanted by now, by persons, by the configuration and by the ledger.
struct Wishes {
  std::shared_ptr<const Policy> policy;
  IntentLedger intents;
  Standings standings;

  friend bool operator==(const Wishes&, const Wishes&) = default;
};

/// How long each part of an action took; zero when it was not reached.
struct PhaseTimes {
  Duration queue{};     ///< Submitted → a worker took it and judged again.
  Duration storage{};   ///< Promotion, dry run.
  Duration start{};     ///< The command itself.
  Tick command_sent{};  ///< When the first command with an effect was sent; epoch when none was.
};

/// News of an action. A late one is reported twice: at its deadline (`ended` false), whether it
/// had sent anything by then or hangs in its last look, and when its thread really came back.
struct Completed {
  std::int64_t id = 0;
  Finding finding;
  Action action;
  Outcome outcome;
  PhaseTimes times;
  bool ended = true;
  Tick at{};
};

/// The only place where an Action gets an effect.
class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor() = default;

  /// Never blocks.
  virtual void submit(Ticket ticket) = 0;
  /// What is wanted from now on: the last look of what waits or runs goes by it.
  virtual void know(Wishes wishes) = 0;
  /// What happened since the last call.
  [[nodiscard]] virtual std::vector<Completed> drain() = 0;
  /// From now on nothing that has not sent its command sends it: it comes back as refused, queued
  /// or begun, also if its thread hangs. Returns at once.
  virtual void stop_acting() = 0;
};

}  // namespace upkeep
