#pragma once

#include "app/cli/command_line.h"
#include "app/cli/commands.h"

namespace upkeep::cli {

/// metrics: everything that /metrics can show, and what it means. Asks nobody. Returns the exit
/// code.
[[nodiscard]] int print_metrics(const MetricsCommand& command, bool json, Output& output);

}  // namespace upkeep::cli
