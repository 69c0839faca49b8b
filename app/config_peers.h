#pragma once

#include "app/config.h"
#include "app/config_table.h"

namespace upkeep {

/// Reads the `[[peer]]` blocks into `config`, whose `node` has been read. Names that can't be told
/// from one another, or from this node's, are errors: what one of them says would count for both.
void read_peers(ConfigTable& file, ConfigErrors& errors, Config& config);

}  // namespace upkeep
