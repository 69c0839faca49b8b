#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporter/model/ids.h"
#include "exporter/model/peer.h"
#include "exporter/model/result.h"

namespace upkeep {

/// True when both may be one host's name: the same but for case, or one of them is the other
/// without its domain.
[[nodiscard]] bool is_name_of(const NodeName& one, const NodeName& other);

/// Why an answer is not the one of the peer that is called `name`, and what mends it; nothing when
/// it is. `own` is the boot that this node is in, if that is to be compared.
[[nodiscard]] std::optional<std::string> identity_fault(const PeerFacts& answer,
                                                        const NodeName& name,
                                                        const std::optional<BootId>& own);

/// For each of `answers`, by the order of `peers`: another peer that has shown the same boot, now
/// or in what `peers` hold of earlier answers. One node can't be two.
[[nodiscard]] std::vector<std::optional<NodeName>> twins_among(
    const std::vector<Result<PeerFacts>>& answers, const std::vector<Peer>& peers);

}  // namespace upkeep
