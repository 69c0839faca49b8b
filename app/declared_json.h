#pragma once

#include <nlohmann/json_fwd.hpp>

#include "remediation/history.h"

namespace upkeep {

/// What persons said that still holds, as the HTTP API and the command line give it;
/// docs/http-api.md describes it.
[[nodiscard]] nlohmann::ordered_json declared_json(const History& history);

}  // namespace upkeep
