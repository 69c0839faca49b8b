#pragma once

#include <nlohmann/json_fwd.hpp>

#include "remediation/recovery.h"

namespace upkeep {

/// A recovery as the HTTP API and the command line give it; docs/http-api.md describes it.
[[nodiscard]] nlohmann::ordered_json recovery_json(const Recovery& recovery);

/// The same without its members, but with how many are in each state.
[[nodiscard]] nlohmann::ordered_json recovery_summary_json(const Recovery& recovery);

}  // namespace upkeep
