#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "remediation/executor.h"

namespace upkeep::simulation {

/// The pool of the real executor (ThreadedExecutor) in simulated time: as many actions at once, as
/// few of them on DRBD. A ticket's effect comes when a worker takes it; its news when its calls
/// would have returned, or at its deadline.
class SimulatedExecutor final : public Executor {
 public:
  struct Options {
    int workers = 4;
    int replication_actions = 2;
  };
  /// What became of a ticket, and how long it took.
  struct Performed {
    Outcome outcome;
    PhaseTimes times;
    Duration took{};
  };
  using Perform = std::function<Performed(const Ticket&)>;

  SimulatedExecutor(const Clock& clock, Options options, Perform perform)
      : clock_(clock), options_(options), perform_(std::move(perform)) {}

  void submit(Ticket ticket) override;
  void know(Wishes wishes) override { wishes_ = std::move(wishes); }
  [[nodiscard]] std::vector<Completed> drain() override;
  void stop_acting() override;

  [[nodiscard]] const std::optional<Wishes>& wishes() const { return wishes_; }

  /// Takes tickets, and ends what ends by now. True: there is news.
  bool advance();
  /// When it has something to do next; nothing while it waits for tickets.
  [[nodiscard]] std::optional<Tick> next() const;

 private:
  struct Running {
    Ticket ticket;
    Performed performed;
    Tick taken{};
    bool overdue = false;
  };
  [[nodiscard]] std::deque<Ticket>::iterator next_ticket();
  [[nodiscard]] bool is_free() const;
  void report(const Running& running, Outcome outcome, bool ended);

  const Clock& clock_;
  Options options_;
  Perform perform_;
  std::deque<Ticket> queue_;
  std::map<std::int64_t, Running> running_;
  std::vector<Completed> news_;
  std::optional<Wishes> wishes_;
  bool stopping_ = false;
};

}  // namespace upkeep::simulation
