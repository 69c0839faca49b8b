#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/web/report.h"
#include "remediation/explain.h"
#include "remediation/journal.h"

// The HTTP API's answers, as docs/http-api.md describes them. What isn't known is null.

namespace upkeep::web {

/// GET /api/v1/status
[[nodiscard]] std::string status_json(const Moment& moment);

/// GET /api/v1/node
[[nodiscard]] std::string node_json(const Moment& moment);

/// GET /api/v1/plan: what would be done now in mode act, and what not.
[[nodiscard]] std::string plan_json(const Moment& moment);

/// GET /api/v1/why
[[nodiscard]] std::string why_json(const Target& target, const Explanation& explanation);

/// GET /api/v1/history
[[nodiscard]] std::string history_json(const std::vector<HistoryEntry>& entries);

/// The answer to a command that was carried out: {"text": …}.
[[nodiscard]] std::string text_json(std::string_view text);

/// {"error": …}
[[nodiscard]] std::string error_json(std::string_view message);

}  // namespace upkeep::web
