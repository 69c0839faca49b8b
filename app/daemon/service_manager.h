#pragma once

#include <optional>
#include <string>

#include "exporter/model/clock.h"

namespace upkeep {

/// systemd, when it started us (NOTIFY_SOCKET); otherwise every call does nothing. Owned by the
/// loop's thread: a watchdog fed from a thread of its own would vouch for a loop that hangs.
class ServiceManager {
 public:
  explicit ServiceManager(const Clock& clock);

  void ready(const std::string& status);
  void reloading();
  void stopping();
  /// Feeds the watchdog when it is time to.
  void alive();

  /// How long the loop may sleep at most so that the watchdog is fed; absent: no watchdog.
  [[nodiscard]] std::optional<Duration> longest_sleep() const { return interval_; }

 private:
  const Clock& clock_;
  std::optional<Duration> interval_;  ///< A quarter of WatchdogSec.
  Tick fed_{};
};

}  // namespace upkeep
