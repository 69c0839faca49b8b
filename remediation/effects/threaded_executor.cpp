#include "remediation/effects/threaded_executor.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "remediation/effects/threaded_executor_pool.h"

namespace upkeep {

ThreadedExecutor::ThreadedExecutor(ThreadedExecutorOptions options, ActionTools tools,
                                   std::function<void()> wake)
    : pool_(std::make_shared<Pool>(std::move(options), std::move(tools), std::move(wake))) {
  // First: workers that wait for work could not be left alone if this one can't be had.
  watchdog_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  const std::scoped_lock lock(pool_->mutex);
  replenish();
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

void ThreadedExecutor::replenish() {
  while (!pool_->closing && pool_->threads - pool_->overdue < pool_->options.workers &&
         pool_->threads < pool_->most_threads()) {
    if (!add_worker()) return;
  }
}

bool ThreadedExecutor::add_worker() {
  std::erase_if(workers_, [](const Worker& worker) { return *worker.done; });
  Worker& worker = workers_.emplace_back();
  try {
    worker.thread = pool_->options.new_thread([pool = pool_, done = worker.done] {
      work(pool);
      const std::scoped_lock lock(pool->mutex);
      *done = true;
      pool->worker_ended.notify_all();
    });
  } catch (const std::system_error&) {  // The next ticket, or the next look, tries again.
    workers_.pop_back();
    return false;
  }
  ++pool_->threads;
  return true;
}

void ThreadedExecutor::submit(Ticket ticket) {
  {
    const std::scoped_lock lock(pool_->mutex);
    if (!pool_->stopping) {
      pool_->queue.push_back(std::move(ticket));
      pool_->work_changed.notify_one();
      replenish();
      if (!pool_->refuse_hopeless()) return;
    } else {
      pool_->refuse_for_shutdown(ticket);
    }
  }
  pool_->tell();
}

void ThreadedExecutor::know(Wishes wishes) {
  const std::scoped_lock lock(pool_->mutex);
  pool_->wishes = std::move(wishes);
  ++pool_->wishes_edition;
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
    pool_->refuse_unsent();
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

    pool->report_end(std::move(completed));
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
  const int late = pool_->report_late();
  replenish();
  return pool_->refuse_hopeless() || late > 0;
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
      if (!running.overdue && !running.told)
        next = std::min(next.value_or(running.ends_by), running.ends_by);
    }
    const Duration wait = next ? *next - pool_->tools.clock->now() : std::chrono::hours(1);
    // Also woken by every new action, whose deadline may be the earliest.
    pool_->deadline_changed.wait_for(lock, stop, std::max(wait, Duration::zero()),
                                     [seen = pool_->taken, this] { return pool_->taken != seen; });
  }
}

}  // namespace upkeep
