#include "app/daemon/peer_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace upkeep {

std::set<NodeName> drbd_peers(const Drbd& drbd) {
  std::set<NodeName> names;
  for (const DrbdResource& resource : drbd.resources) {
    for (const DrbdPeer& peer : resource.peers) {
      if (!peer.name.value.empty() && peer.name.value != kPeerOf84) names.insert(peer.name);
    }
  }
  return names;
}

std::optional<std::string> peer_name_doubt(const std::vector<NodeName>& configured,
                                           const std::set<NodeName>& drbd) {
  std::set<std::string> only_configured;
  std::set<std::string> only_drbd;
  for (const NodeName& name : configured) {
    if (!drbd.contains(name)) only_configured.insert(name.value);
  }
  for (const NodeName& name : drbd) {
    if (std::ranges::find(configured, name) == configured.end()) only_drbd.insert(name.value);
  }
  if (only_configured.empty() || only_drbd.empty()) return std::nullopt;
  return fmt::format(
      "DRBD has no peer named like [[peer]] {}, and no [[peer]] is named like its {}: if one is "
      "the other, what upkeep hears from it is not used for its resources",
      fmt::join(only_configured, ", "), fmt::join(only_drbd, ", "));
}

}  // namespace upkeep
