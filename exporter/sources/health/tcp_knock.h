#pragma once

#include <cstdint>
#include <string>

#include "exporter/sources/health/check.h"

namespace upkeep {

/// Opens a TCP connection and closes it at once: healthy when it was accepted in time. What this
/// node itself can't do (resolve the name, get a socket) says nothing about the guest: not_asked.
/// Blocks for `deadline` at most, plus the time to resolve a name.
[[nodiscard]] CheckAnswer knock(const std::string& host, std::uint16_t port, Duration deadline);

}  // namespace upkeep
