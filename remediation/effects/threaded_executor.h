#pragma once

#include <functional>
#include <list>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "remediation/effects/action_run.h"
#include "remediation/executor.h"

namespace upkeep {

struct ThreadedExecutorOptions {
  /// Actions at once.
  int workers = 4;
  /// Workers that may be added for VMs while others are stuck in a call past its deadline. As many
  /// as may be stuck before the plan holds further ones (`kMostHungCalls`): none of them costs a
  /// worker. libvirtd, which has 20 of its own, keeps some for others even if all hang.
  int replacements = 8;
  /// Actions on DRBD at once, starts that promote included.
  int replication_actions = 2;
  /// Real time that the destructor waits for calls in progress.
  std::chrono::milliseconds stop_grace{2000};
  /// Runs a worker; throws std::system_error when the system has no thread. Replaced by tests.
  std::function<std::jthread(std::function<void()>)> new_thread = [](std::function<void()> work) {
    return std::jthread(std::move(work));
  };
};

/// Carries actions out on a bounded pool of threads. A ticket's deadline counts from when a worker
/// takes it; what has sent nothing by then never sends anything, and is refused when its thread
/// returns, be it from a look that hangs. A call or a look that is stuck keeps its worker, and
/// holds up neither the other actions nor the destructor: its thread is left to itself then, and
/// keeps alive what it uses. When no worker can be left for a ticket before a stuck call ends, the
/// ticket is refused at once; so it is while the system has no thread for a worker. Thread-safe.
class ThreadedExecutor final : public Executor {
 public:
  /// `wake` is called, from any thread, when `drain` has something new; it must return at once.
  ThreadedExecutor(ThreadedExecutorOptions options, ActionTools tools, std::function<void()> wake);
  ThreadedExecutor(const ThreadedExecutor&) = delete;
  ThreadedExecutor& operator=(const ThreadedExecutor&) = delete;
  ~ThreadedExecutor() override;

  void submit(Ticket ticket) override;
  void know(Wishes wishes) override;
  [[nodiscard]] std::vector<Completed> drain() override;
  void stop_acting() override;

 private:
  struct Pool;
  /// A thread of the pool; `done` says, under the pool's lock, that it can be joined at once.
  struct Worker {
    std::shared_ptr<bool> done = std::make_shared<bool>(false);
    std::jthread thread;
  };

  static void work(const std::shared_ptr<Pool>& pool);
  void watch(const std::stop_token& stop);
  /// Reports what has passed its deadline, and replaces its worker; then what waits for a worker
  /// that can't come. Under the pool's lock.
  [[nodiscard]] bool report_overdue();
  /// As many workers as shall be, while the system has threads for them. Under the pool's lock.
  void replenish();
  [[nodiscard]] bool add_worker();

  std::shared_ptr<Pool> pool_;
  std::list<Worker> workers_;  ///< Under the pool's lock.
  std::jthread watchdog_;
};

}  // namespace upkeep
