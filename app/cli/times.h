#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/clock.h"

namespace upkeep::cli {

/// Reads "2026-03-01T03:12:44.120Z", the HTTP API's times; the fraction may be absent.
[[nodiscard]] std::optional<WallTime> from_rfc3339(std::string_view text);

/// UTC with milliseconds.
[[nodiscard]] std::string to_rfc3339(WallTime at);

/// "2026-03-01 04:12:44" in the reader's time zone.
[[nodiscard]] std::string local_time(WallTime at);

/// "0.4 s", "12 s", "3 min", "5 h", "2 d": how long, for people.
[[nodiscard]] std::string short_duration(Seconds duration);

}  // namespace upkeep::cli
