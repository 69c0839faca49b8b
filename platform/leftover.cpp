#include "platform/leftover.h"

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <vector>

#include "platform/spawn.h"

namespace upkeep {
namespace {

using std::chrono::milliseconds;

// A group has no descriptor to wait on, only its leader has: members are looked after by polling.
constexpr milliseconds kLook{10};
constexpr milliseconds kReaperLook{200};

/// Waits for what could not be killed. Its thread starts with the first such program and sleeps
/// while there is none.
class Reaper {
 public:
  void add(pid_t leader, bool waited_for, std::shared_ptr<std::atomic<bool>> gone) {
    const std::scoped_lock lock(mutex_);
    left_.push_back({leader, waited_for, std::move(gone)});
    start();
  }
  /// The system may have had no thread for it.
  void ensure_thread() {
    const std::scoped_lock lock(mutex_);
    start();
  }

 private:
  struct Left {
    pid_t leader;
    bool waited_for;
    std::shared_ptr<std::atomic<bool>> gone;
  };

  void start() {
    try {
      if (!thread_.joinable()) {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
      }
    } catch (const std::system_error&) {  // Tried again by whoever asks whether it is gone.
      return;
    }
    changed_.notify_one();
  }

  static bool ended(Left& left) {
    if (!left.waited_for) left.waited_for = ::waitpid(left.leader, nullptr, WNOHANG) != 0;
    if (!left.waited_for || group_exists(left.leader)) return false;
    left.gone->store(true);
    return true;
  }

  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      changed_.wait(lock, stop, [this] { return !left_.empty(); });
      std::erase_if(left_, ended);
      if (!left_.empty()) changed_.wait_for(lock, stop, kReaperLook, [] { return false; });
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Left> left_;
  std::jthread thread_;
};

// True when the leader ended within `grace`; then it has been waited for.
bool leader_ends(const Child& child, Duration grace, GroupEnd& end) {
  const Tick until = std::chrono::steady_clock::now() + grace;
  pollfd wait{child.pidfd.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&wait, 1, poll_timeout(std::chrono::steady_clock::now(), until));
  } while (ready < 0 && errno == EINTR);
  int status = 0;
  if (::waitpid(child.pid, &status, WNOHANG) != child.pid) return false;
  end.exit_code = exit_code_of(status);
  return true;
}

bool group_ends(pid_t leader, Duration grace) {
  const Tick until = std::chrono::steady_clock::now() + grace;
  while (group_exists(leader)) {
    if (std::chrono::steady_clock::now() >= until) return false;
    ::poll(nullptr, 0, static_cast<int>(kLook.count()));
  }
  return true;
}

Reaper& reaper() {
  static Reaper only;
  return only;
}

}  // namespace

bool Leftover::gone() const {
  if (gone_ == nullptr || gone_->load()) return true;
  reaper().ensure_thread();
  return false;
}

Leftover leave_to_reaper(pid_t leader, bool leader_waited_for) {
  auto gone = std::make_shared<std::atomic<bool>>(false);
  reaper().add(leader, leader_waited_for, gone);
  Leftover left;
  left.gone_ = std::move(gone);
  return left;
}

GroupEnd end_group(const Child& child, Duration grace) {
  GroupEnd end;
  signal_group(child.pid, SIGTERM);
  bool waited_for = leader_ends(child, grace, end);
  if (waited_for && !group_exists(child.pid)) return end;
  // The leader may be gone while what it started lives on.
  signal_group(child.pid, SIGKILL);
  if (!waited_for) waited_for = leader_ends(child, grace, end);
  if (waited_for && group_ends(child.pid, grace)) return end;
  end.leftover = leave_to_reaper(child.pid, waited_for);
  return end;
}

}  // namespace upkeep
