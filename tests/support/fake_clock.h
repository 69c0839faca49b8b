#pragma once

#include <mutex>

#include "exporter/model/clock.h"
#include "tests/support/world.h"

namespace upkeep::test {

/// Time that stands still until a test moves it. Thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Tick now = kNow, WallTime wall = kWall) : now_(now), wall_(wall) {}

  [[nodiscard]] Tick now() const override {
    const std::scoped_lock lock(mutex_);
    return now_;
  }
  [[nodiscard]] WallTime wall() const override {
    const std::scoped_lock lock(mutex_);
    return wall_;
  }

  void advance(Duration by) {
    const std::scoped_lock lock(mutex_);
    now_ += by;
    wall_ += by;
  }
  /// Somebody sets the clock on the wall.
  void step_wall(Duration by) {
    const std::scoped_lock lock(mutex_);
    wall_ += by;
  }

 private:
  mutable std::mutex mutex_;
  Tick now_;
  WallTime wall_;
};

}  // namespace upkeep::test
