#pragma once

#include <algorithm>
#include <chrono>

#include "exporter/model/clock.h"

namespace upkeep {

/// How long to wait before connecting again: doubling from 0.2 s to 5 s.
class ReconnectGap {
 public:
  [[nodiscard]] Duration next() {
    const Duration gap = gap_;
    gap_ = std::min(gap_ * 2, kLongest);
    return gap;
  }
  void reset() { gap_ = kShortest; }

 private:
  static constexpr Duration kShortest = std::chrono::milliseconds(200);
  static constexpr Duration kLongest = std::chrono::seconds(5);
  Duration gap_ = kShortest;
};

}  // namespace upkeep
