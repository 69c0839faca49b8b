#pragma once

#include <chrono>

namespace upkeep {

/// Monotonic: computes intervals, back-off, deadlines. Never shown, never stored.
using Tick = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// Wall clock: shown to people, exported, journaled. Never used to wait; may step.
using WallTime = std::chrono::system_clock::time_point;

/// Fractional seconds, as metrics want them.
using Seconds = std::chrono::duration<double>;

/// Where time comes from, so that tests and the simulation own it. Thread-safe.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual Tick now() const = 0;
  [[nodiscard]] virtual WallTime wall() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Tick now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime wall() const override { return std::chrono::system_clock::now(); }
};

/// Seconds since the epoch, for metrics and the journal.
[[nodiscard]] inline double to_unix_seconds(WallTime at) {
  return std::chrono::duration_cast<Seconds>(at.time_since_epoch()).count();
}

}  // namespace upkeep
