#pragma once

#include <string_view>

#include "exporter/model/peer.h"
#include "exporter/model/result.h"

namespace upkeep {

/// Reads another node's answer to `GET /api/v1/node`. Anything that does not say plainly who and
/// which boot it is and which VMs are active there is an Error: half an answer must not look like
/// "not here". Which it wants is an Error of its own.
[[nodiscard]] Result<PeerFacts> parse_peer_facts(std::string_view text);

}  // namespace upkeep
