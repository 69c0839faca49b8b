#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "app/config_table.h"

namespace upkeep {

/// Reads the `[[peer]]` blocks into `config`, whose `node` has been read. A name that is there
/// twice, or this node's, is an error.
void read_peers(ConfigTable& file, ConfigErrors& errors, Config& config);

/// Names that may be one node's. What holds goes by both, what opens by neither.
struct PeerNameDoubt {
  std::string text;
  std::string fix;
  bool is_usual = false;  ///< In order where each node calls itself by its full name.
};

/// Of the `[[peer]]` blocks and this node itself, in their order.
[[nodiscard]] std::vector<PeerNameDoubt> peer_name_doubts(const Config& config);

}  // namespace upkeep
