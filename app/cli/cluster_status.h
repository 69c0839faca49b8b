#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "app/cli/commands.h"
#include "app/cli/table.h"

namespace upkeep::cli {

/// `status --cluster`: asks this node's daemon and, all at once, the public listeners of the
/// `[[peer]]`s in its configuration. kFailed when a node does not answer; what the others said is
/// shown all the same.
[[nodiscard]] int show_cluster(const CommandLine& line, Output& output);

/// {"nodes": [{"name", "url", "error", "status"}]}: `status` as GET /api/v1/status has it, or null
/// with why in `error`. A line for each node, then what isn't as it is wanted to be.
[[nodiscard]] std::string render_cluster(const nlohmann::json& cluster, const Style& style);

}  // namespace upkeep::cli
