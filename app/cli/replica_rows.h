#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "app/cli/table.h"

namespace upkeep::cli {

/// The cells of one volume as one peer sees it; `peer` may be null.
using PeerCells = std::vector<Cell> (*)(const nlohmann::json& peer, const nlohmann::json& volume);

/// Good or bad, as a colour.
[[nodiscard]] Colour good_if(bool good);

/// Adds a row for each volume and peer of a resource of /api/v1/status: its name, role and disk,
/// what `peer_cells` says of the pair, and `last`, which only the first row has.
void add_replica_rows(Table& table, const nlohmann::json& resource, PeerCells peer_cells,
                      Cell last);

}  // namespace upkeep::cli
