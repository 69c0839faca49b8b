#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "app/cli/table.h"

// The HTTP API's answers as text for people. A key that is absent or of another type is shown as
// not known, for the daemon may be another version.

namespace upkeep::cli {

/// GET /api/v1/status
[[nodiscard]] std::string render_status(const nlohmann::json& status, const Style& style);

/// DRBD alone, from GET /api/v1/status: who sends to whom, how long it takes, what is diverged, and
/// which VMs it carries.
[[nodiscard]] std::string render_drbd(const nlohmann::json& status, const Style& style);

/// GET /api/v1/recovery: each VM, how far it came and what the parts of its outage took, seconds.
[[nodiscard]] std::string render_recovery(const nlohmann::json& recovery, const Style& style);

/// A recovery in one line; also of the status, which has no VMs in it.
[[nodiscard]] std::string recovery_line(const nlohmann::json& recovery);

/// GET /api/v1/history, oldest first: the end of the story is where the eye is.
[[nodiscard]] std::string render_history(const nlohmann::json& history, const Style& style);

/// GET /api/v1/plan: what would be done first, then what is held.
[[nodiscard]] std::string render_plan(const nlohmann::json& plan, const Style& style);

/// GET /api/v1/why
[[nodiscard]] std::string render_why(const nlohmann::json& why, const Style& style);

}  // namespace upkeep::cli
