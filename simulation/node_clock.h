#pragma once

#include <chrono>

#include "exporter/model/clock.h"

namespace upkeep::simulation {

/// Where simulated time begins: far from both ends of the clock.
inline constexpr Tick kBegin{std::chrono::hours(1000)};
/// The wall's time then: 2026-11-22 03:12:04 UTC.
inline constexpr WallTime kBeginWall{std::chrono::seconds(1795317124)};

/// A node's clocks. Monotonic time is the whole cluster's; what hangs on the wall may be off.
class NodeClock final : public Clock {
 public:
  /// `now` is read at each call and must outlive this.
  explicit NodeClock(const Tick& now) : now_(now) {}

  [[nodiscard]] Tick now() const override { return now_; }
  [[nodiscard]] WallTime wall() const override {
    return kBeginWall + std::chrono::duration_cast<WallTime::duration>(now_ - kBegin + off_);
  }
  /// Somebody sets the clock on the wall.
  void step_wall(Duration by) { off_ += by; }

 private:
  const Tick& now_;
  Duration off_{};
};

/// Time as one action sees it: it begins with the action, and each of its calls takes a while.
class ActionClock final : public Clock {
 public:
  explicit ActionClock(const Clock& begun) : now_(begun.now()), wall_(begun.wall()) {}

  [[nodiscard]] Tick now() const override { return now_ + spent_; }
  [[nodiscard]] WallTime wall() const override {
    return wall_ + std::chrono::duration_cast<WallTime::duration>(spent_);
  }
  void spend(Duration time) { spent_ += time; }
  [[nodiscard]] Duration spent() const { return spent_; }

 private:
  Tick now_;
  WallTime wall_;
  Duration spent_{};
};

}  // namespace upkeep::simulation
