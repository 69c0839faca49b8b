#pragma once

#include <vector>

#include "app/config_table.h"
#include "remediation/alerts/alert_rule.h"

namespace upkeep {

/// Reads the `[[alert]]` blocks of a configuration.
void read_alerts(ConfigTable& file, ConfigErrors& errors, std::vector<AlertRule>& alerts);

}  // namespace upkeep
