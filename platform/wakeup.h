#pragma once

#include "exporter/model/clock.h"
#include "platform/unique_fd.h"

namespace upkeep {

/// Wakes a thread that sleeps in poll(2). Thread-safe; what was set before the sleep is not lost.
class Wakeup {
 public:
  /// Without a descriptor left (EMFILE), `fd()` is -1, which poll(2) ignores: the sleeper then
  /// notices only at its own deadline.
  Wakeup();

  void set() const;
  /// Sleeps until it is set or `timeout` is over; true when it was set.
  [[nodiscard]] bool wait(Duration timeout) const;
  /// Takes back every `set` so far.
  void clear() const;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace upkeep
