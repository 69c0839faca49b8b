#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"

namespace upkeep {

/// How the boot before this one ended.
enum class PreviousShutdown { clean, unclean, unknown };

inline constexpr std::array kPreviousShutdowns{PreviousShutdown::clean, PreviousShutdown::unclean,
                                               PreviousShutdown::unknown};

[[nodiscard]] constexpr std::string_view to_string(PreviousShutdown previous) {
  switch (previous) {
    case PreviousShutdown::clean: return "clean";
    case PreviousShutdown::unclean: return "unclean";
    case PreviousShutdown::unknown: return "unknown";
  }
  return "unknown";
}

/// Pressure stall information, /proc/pressure/*: share of the last 10 s in which some task waited,
/// as a ratio 0..1.
struct Pressure {
  std::optional<double> cpu_some, io_some, io_full, memory_some;
};

/// This host.
struct Node {
  BootId boot_id;
  WallTime boot_time{};                                            ///< btime of /proc/stat.
  PreviousShutdown previous_shutdown = PreviousShutdown::unknown;  ///< From wtmp.
  std::uint32_t cores = 1;
  std::optional<double> load1;
  Pressure pressure;
  bool shutting_down = false;  ///< logind's PrepareForShutdown, or its injected stand-in.
};

}  // namespace upkeep
