#pragma once

#include <chrono>
#include <optional>

#include "exporter/model/vm.h"

namespace upkeep {

/// QEMU's monitor has been waiting for longer: the guest counts as stuck.
inline constexpr std::chrono::seconds kMonitorStuck{60};

/// Nothing while nobody knows how long the monitor has been waiting: unknown is not stuck.
[[nodiscard]] inline std::optional<bool> is_monitor_stuck(const Vm& vm) {
  if (!vm.monitor_blocked) return std::nullopt;
  return *vm.monitor_blocked > kMonitorStuck;
}

}  // namespace upkeep
