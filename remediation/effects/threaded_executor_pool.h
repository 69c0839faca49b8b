#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "remediation/effects/threaded_executor.h"

namespace upkeep {

/// What the threads of a ThreadedExecutor share. It lives for as long as any of them does.
struct ThreadedExecutor::Pool {
  /// An action that a worker has taken.
  struct Running {
    Finding finding;
    Action action;
    Duration deadline{};
    Tick ends_by{};
    std::string_view late{};  ///< What it was doing at its deadline.
    bool sent = false;        ///< A command, which may still have its effect.
    bool overdue = false;     ///< Its worker has been replaced.
    std::string_view doing = "beginning";
    bool told = false;  ///< Its end, although its thread has not returned: nobody waits for it.
    /// Overdue with nothing sent: it sends nothing any more, and ends with this when it returns.
    std::optional<Outcome> given_up = std::nullopt;
  };

  Pool(ThreadedExecutorOptions given, ActionTools with, std::function<void()> waker)
      : options(std::move(given)), tools(std::move(with)), wake(std::move(waker)) {}

  const ThreadedExecutorOptions options;
  const ActionTools tools;

  std::mutex mutex;
  std::condition_variable work_changed;          ///< For workers.
  std::condition_variable_any deadline_changed;  ///< For the watchdog.
  std::condition_variable worker_ended;
  std::deque<Ticket> queue;
  std::map<std::int64_t, Running> running;
  std::vector<Completed> news;
  std::optional<Wishes> wishes;      ///< Absent: those of the tickets.
  std::uint64_t wishes_edition = 0;  ///< How often they were told.
  int threads = 0;
  int overdue = 0;
  std::uint64_t taken = 0;  ///< Tickets that a worker has taken, ever.
  bool stopping = false;    ///< No more effects.
  bool closing = false;     ///< Workers end.

  std::mutex wake_mutex;  ///< Taken alone, so that `wake` is free to take locks of its own.
  std::function<void()> wake;

  // Each takes the lock itself.
  void tell();
  /// Carries the ticket out; its action is among `running`.
  [[nodiscard]] Completed perform(const Ticket& ticket);

  // Each is called under the lock.
  /// The first ticket that may run now.
  [[nodiscard]] std::deque<Ticket>::iterator next_ticket();
  /// Reports what has passed its deadline; how many, so that their workers are replaced.
  [[nodiscard]] int report_late();
  /// Refuses the tickets that no worker will take before a stuck call ends. False: there are none.
  [[nodiscard]] bool refuse_hopeless();
  /// Refuses what waits, and what runs and has sent nothing: it never will.
  void refuse_unsent();
  void refuse_for_shutdown(const Ticket& ticket);
  /// Its thread has returned: reports how, and what it was doing at a deadline that it missed.
  void report_end(Completed completed);
  [[nodiscard]] int most_threads() const { return most_on_vms() + options.replication_actions; }

 private:
  [[nodiscard]] int count(const std::function<bool(const Running&)>& is_one) const;
  /// Actions on VMs, stuck ones included: the workers beyond them are DRBD's.
  [[nodiscard]] int most_on_vms() const { return options.workers + options.replacements; }
  [[nodiscard]] bool is_hopeless(const Ticket& ticket) const;
  [[nodiscard]] Outcome hopeless() const;
  [[nodiscard]] std::optional<Outcome> stop(const Ticket& ticket);
  [[nodiscard]] KnownWishes known_wishes(const Ticket& ticket);
  /// True: from here on it is late at its deadline, but not given up.
  [[nodiscard]] bool may_send(const Ticket& ticket, std::uint64_t edition);
  void note(const Ticket& ticket, std::string_view doing);
  /// Under the lock.
  [[nodiscard]] std::optional<Outcome> stop_of(const Running& one) const;
};

}  // namespace upkeep
