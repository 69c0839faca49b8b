#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"

namespace upkeep {

/// What is wrong with the `after` list of block number `block`, as one sentence: a VM that would
/// wait for itself, over any number of others, or for one of a later priority. Nothing: it is fine.
[[nodiscard]] std::optional<std::string> fault_in_order(const std::vector<VmConfig>& blocks,
                                                        std::size_t block);

}  // namespace upkeep
