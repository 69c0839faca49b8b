#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporter/model/ids.h"
#include "exporter/model/peer.h"
#include "exporter/model/result.h"

namespace upkeep {

/// Why an answer is not the one of the peer that is called `name`, and what mends it; nothing when
/// it is. `own` is the boot that this node is in, if that is to be compared. An answer whose name
/// may be that of more than one of `peers` is nobody's.
[[nodiscard]] std::optional<std::string> identity_fault(const PeerFacts& answer,
                                                        const NodeName& name,
                                                        const std::optional<BootId>& own,
                                                        const std::vector<NodeName>& peers);

/// For each of `answers`, by the order of `peers`: another peer that shows the same boot now, or
/// that is silent now and has shown it lately, says what `peers` hold of earlier answers. One node
/// can't be two; but it may have been given another name, which no answer of the old one ends.
[[nodiscard]] std::vector<std::optional<NodeName>> twins_among(
    const std::vector<Result<PeerFacts>>& answers, const std::vector<Peer>& peers, Tick now);

}  // namespace upkeep
