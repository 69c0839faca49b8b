#pragma once

#include <optional>
#include <string_view>

#include "exporter/model/clock.h"

namespace upkeep {

/// RFC 3339, as Go writes it: "2026-11-22T12:59:15.522Z". To the microsecond; from 1970 on.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace upkeep
