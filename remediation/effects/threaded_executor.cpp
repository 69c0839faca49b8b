#include "remediation/effects/threaded_executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace upkeep {
namespace {

/// An action that a worker has taken.
struct Running {
  Finding finding;
  Action action;
  Duration deadline{};
  Tick ends_by{};
  bool overdue = false;
};

bool needs_replication(const Action& action) {
  if (const auto* start = std::get_if<StartVm>(&action)) return !start->promote.empty();
  return target_of(action).kind == Target::Kind::resource;
}

Completed refused_for_shutdown(const Ticket& ticket, Tick now) {
  return {.id = ticket.id,
          .finding = ticket.finding,
          .action = ticket.action,
          .outcome = {.kind = Outcome::Kind::refused,
                      .reason = std::string(to_string(Errc::unavailable)),
                      .detail = "upkeep is shutting down"},
          .times = {},
          .ended = true,
          .at = now};
}

}  // namespace

/// What the threads share. It lives for as long as any of them does.
struct ThreadedExecutor::Pool {
  Pool(const ThreadedExecutorOptions& given, ActionTools with, std::function<void()> waker)
      : options(given), tools(std::move(with)), wake(std::move(waker)) {}

  const ThreadedExecutorOptions options;
  const ActionTools tools;

  std::mutex mutex;
  std::condition_variable work_changed;          ///< For workers.
  std::condition_variable_any deadline_changed;  ///< For the watchdog.
  std::condition_variable worker_ended;
  std::deque<Ticket> queue;
  std::map<std::int64_t, Running> running;
  std::vector<Completed> news;
  std::optional<Standings> standings;  ///< Absent: nothing changed since the first ticket.
  int threads = 0;
  int overdue = 0;
  std::uint64_t taken = 0;  ///< Tickets that a worker has taken, ever.
  bool stopping = false;    ///< No more effects.
  bool closing = false;     ///< Workers end.

  std::mutex wake_mutex;  ///< Taken alone, so that `wake` is free to take locks of its own.
  std::function<void()> wake;

  void tell() {
    const std::scoped_lock lock(wake_mutex);
    if (wake) wake();
  }

  /// The first ticket that may run now. Under the lock.
  [[nodiscard]] std::deque<Ticket>::iterator next_ticket() {
    const auto replicating = std::ranges::count_if(
        running, [](const auto& entry) { return needs_replication(entry.second.action); });
    const bool free = replicating < options.replication_actions;
    return std::ranges::find_if(
        queue, [&](const Ticket& ticket) { return free || !needs_replication(ticket.action); });
  }

  [[nodiscard]] Completed perform(const Ticket& ticket) {
    Completed completed{.id = ticket.id,
                        .finding = ticket.finding,
                        .action = ticket.action,
                        .outcome = {},
                        .times = {},
                        .ended = true,
                        .at = {}};
    ActionRun run(ticket, tools,
                  {.may_act =
                       [this] {
                         const std::scoped_lock lock(mutex);
                         return !stopping;
                       },
                   .standings =
                       [this, &ticket] {
                         const std::scoped_lock lock(mutex);
                         return standings.value_or(ticket.history->standings);
                       }});
    try {
      completed.outcome = run.run();
    } catch (const std::exception& exception) {  // A bug; the daemon goes on without this action.
      completed.outcome = {.kind = Outcome::Kind::failed,
                           .reason = std::string(to_string(Errc::failed)),
                           .detail = exception.what()};
    }
    completed.times = run.times();
    completed.at = tools.clock->now();
    return completed;
  }
};

ThreadedExecutor::ThreadedExecutor(ThreadedExecutorOptions options, ActionTools tools,
                                   std::function<void()> wake)
    : pool_(std::make_shared<Pool>(options, std::move(tools), std::move(wake))) {
  {
    const std::scoped_lock lock(pool_->mutex);
    for (int i = 0; i < options.workers; ++i) add_worker();
  }
  watchdog_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

ThreadedExecutor::~ThreadedExecutor() {
  stop_acting();
  {
    // From here on nobody outside is called any more.
    const std::scoped_lock lock(pool_->wake_mutex);
    pool_->wake = nullptr;
  }
  watchdog_.request_stop();
  watchdog_.join();
  std::unique_lock lock(pool_->mutex);
  pool_->closing = true;
  pool_->work_changed.notify_all();
  pool_->worker_ended.wait_for(lock, pool_->options.stop_grace, [&] {
    return std::ranges::all_of(workers_, [](const Worker& worker) { return *worker.done; });
  });
  for (Worker& worker : workers_) {
    if (!*worker.done) worker.thread.detach();
  }
  // The others have no more to do than to let go of the lock.
  lock.unlock();
  workers_.clear();
}

void ThreadedExecutor::add_worker() {
  std::erase_if(workers_, [](const Worker& worker) { return *worker.done; });
  Worker worker;
  worker.thread = std::jthread([pool = pool_, done = worker.done] {
    work(pool);
    const std::scoped_lock lock(pool->mutex);
    *done = true;
    pool->worker_ended.notify_all();
  });
  workers_.push_back(std::move(worker));
  ++pool_->threads;
}

void ThreadedExecutor::submit(Ticket ticket) {
  {
    const std::scoped_lock lock(pool_->mutex);
    if (!pool_->stopping) {
      pool_->queue.push_back(std::move(ticket));
      pool_->work_changed.notify_one();
      return;
    }
    pool_->news.push_back(refused_for_shutdown(ticket, pool_->tools.clock->now()));
  }
  pool_->tell();
}

void ThreadedExecutor::know(Standings standings) {
  const std::scoped_lock lock(pool_->mutex);
  pool_->standings = std::move(standings);
}

std::vector<Completed> ThreadedExecutor::drain() {
  const std::scoped_lock lock(pool_->mutex);
  (void)report_overdue();
  return std::exchange(pool_->news, {});
}

void ThreadedExecutor::stop_acting() {
  {
    const std::scoped_lock lock(pool_->mutex);
    pool_->stopping = true;
    const Tick now = pool_->tools.clock->now();
    for (const Ticket& ticket : pool_->queue) {
      pool_->news.push_back(refused_for_shutdown(ticket, now));
    }
    pool_->queue.clear();
  }
  pool_->tell();
}

void ThreadedExecutor::work(const std::shared_ptr<Pool>& pool) {
  std::unique_lock lock(pool->mutex);
  for (;;) {
    pool->work_changed.wait(
        lock, [&] { return pool->closing || pool->next_ticket() != pool->queue.end(); });
    if (pool->closing) return;
    const auto next = pool->next_ticket();
    const Ticket ticket = std::move(*next);
    pool->queue.erase(next);
    pool->running[ticket.id] = {.finding = ticket.finding,
                                .action = ticket.action,
                                .deadline = ticket.deadline,
                                .ends_by = pool->tools.clock->now() + ticket.deadline};
    ++pool->taken;
    pool->deadline_changed.notify_all();

    lock.unlock();
    Completed completed = pool->perform(ticket);
    lock.lock();

    const bool was_replaced = pool->running.at(ticket.id).overdue;
    if (was_replaced) --pool->overdue;
    pool->running.erase(ticket.id);
    pool->news.push_back(std::move(completed));
    // A place for an action on DRBD may be free now, for whichever worker is waiting.
    pool->work_changed.notify_all();
    lock.unlock();
    pool->tell();
    lock.lock();
    if (pool->threads - pool->overdue > pool->options.workers) {
      --pool->threads;  // A replacement does this worker's work now.
      return;
    }
  }
}

bool ThreadedExecutor::report_overdue() {
  const Tick now = pool_->tools.clock->now();
  bool any = false;
  for (auto& [id, running] : pool_->running) {
    if (running.overdue || now < running.ends_by) continue;
    running.overdue = true;
    any = true;
    ++pool_->overdue;
    pool_->news.push_back(
        {.id = id,
         .finding = running.finding,
         .action = running.action,
         .outcome = {.kind = Outcome::Kind::timed_out,
                     .reason = std::string(to_string(Errc::timed_out)),
                     .detail = fmt::format("it has not ended within {:.0f} s and may still happen",
                                           Seconds(running.deadline).count())},
         .times = {},
         .ended = false,
         .at = now});
    const int most = pool_->options.workers + pool_->options.replacements;
    if (pool_->threads < most && !pool_->closing) add_worker();
  }
  return any;
}

void ThreadedExecutor::watch(const std::stop_token& stop) {
  std::unique_lock lock(pool_->mutex);
  while (!stop.stop_requested()) {
    const bool told = report_overdue();
    if (told) {
      lock.unlock();
      pool_->tell();
      lock.lock();
    }
    std::optional<Tick> next;
    for (const auto& [id, running] : pool_->running) {
      if (!running.overdue) next = std::min(next.value_or(running.ends_by), running.ends_by);
    }
    const Duration wait = next ? *next - pool_->tools.clock->now() : std::chrono::hours(1);
    // Also woken by every new action, whose deadline may be the earliest.
    pool_->deadline_changed.wait_for(lock, stop, std::max(wait, Duration::zero()),
                                     [seen = pool_->taken, this] { return pool_->taken != seen; });
  }
}

}  // namespace upkeep
