#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exporter/model/ids.h"

namespace upkeep {

/// A sentence about each [[peer]] that DRBD has no peer of that name for (with or without its
/// domain), while DRBD has peers that no [[peer]] is named like, or about a name that is several's:
/// what is known of the one is then not used for the other, as far as they are one node. Nothing
/// when one of the two sides is known throughout.
[[nodiscard]] std::optional<std::string> peer_name_doubt(const std::vector<NodeName>& configured,
                                                         const std::set<NodeName>& drbd);

/// What mends it.
inline constexpr std::string_view kPeerNameFix =
    "name a [[peer]] as DRBD does, by what `uname -n` says on that node";

}  // namespace upkeep
