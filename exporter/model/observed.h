#pragma once

#include "exporter/model/clock.h"
#include "exporter/model/result.h"

namespace upkeep {

/// One reading: what a source said and when. A reading that failed is an Error, never a zero,
/// so "no VMs" and "could not ask" stay different.
template <class T>
struct Observed {
  Result<T> reading = std::unexpected(Error{Errc::unavailable, "not read yet"});
  Tick at{};  ///< When the reading was taken; meaningless before the first one.

  /// True when the last reading succeeded and is at most `max_age` old.
  [[nodiscard]] bool fresh(Tick now, Duration max_age) const {
    return reading.has_value() && now - at <= max_age;
  }
};

}  // namespace upkeep
