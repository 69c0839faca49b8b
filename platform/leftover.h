#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <optional>

#include "exporter/model/clock.h"

namespace upkeep {

struct Child;

/// What a killed program left behind: a task in uninterruptible sleep (drbdsetup inside the
/// kernel) can't be killed until the kernel lets it go. Copies share the answer; thread-safe.
class Leftover {
 public:
  /// Nothing is left.
  Leftover() = default;

  /// True once nothing of the program lives any more.
  [[nodiscard]] bool gone() const;

 private:
  friend Leftover leave_to_reaper(pid_t leader, bool leader_waited_for);
  std::shared_ptr<const std::atomic<bool>> gone_;
};

/// Hands what lives of a group to the background reaper, which waits for it: no zombie stays. Where
/// the system has no thread for the reaper it is on record all the same, as not gone.
[[nodiscard]] Leftover leave_to_reaper(pid_t leader, bool leader_waited_for);

/// How ending a group went.
struct GroupEnd {
  std::optional<int> exit_code;  ///< Of the leader; absent when it would not die.
  Leftover leftover;
};

/// Ends a program and everything in its group: SIGTERM, after `grace` SIGKILL, after another
/// `grace` what still lives is left to the reaper.
[[nodiscard]] GroupEnd end_group(const Child& child, Duration grace);

}  // namespace upkeep
