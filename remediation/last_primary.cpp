#include "remediation/last_primary.h"

#include <algorithm>

namespace upkeep {
namespace {

bool is_connected(const DrbdPeer& peer) { return peer.connection == DrbdConnection::connected; }

PrimaryEnd this_side(const DrbdResource& resource) {
  if (!resource.in_kernel) return PrimaryEnd::out_of_sight;
  if (resource.role == DrbdRole::primary) return PrimaryEnd::still;
  if (resource.role != DrbdRole::secondary) return PrimaryEnd::out_of_sight;
  return std::ranges::any_of(resource.peers, is_connected) ? PrimaryEnd::demoted
                                                           : PrimaryEnd::demoted_alone;
}

PrimaryEnd other_side(const DrbdPeer& peer) {
  if (!is_connected(peer)) return PrimaryEnd::out_of_sight;
  if (peer.role == DrbdRole::primary) return PrimaryEnd::still;
  return peer.role == DrbdRole::secondary ? PrimaryEnd::demoted : PrimaryEnd::out_of_sight;
}

}  // namespace

std::map<PrimaryKey, PrimaryEnd> sides_in(const Drbd& drbd) {
  std::map<PrimaryKey, PrimaryEnd> sides;
  for (const DrbdResource& resource : drbd.resources) {
    sides[{resource.name, NodeName{}}] = this_side(resource);
    for (const DrbdPeer& peer : resource.peers) {
      sides[{resource.name, peer.name}] = other_side(peer);
    }
  }
  return sides;
}

LastPrimary ended(LastPrimary line, PrimaryEnd how, WallTime last_seen) {
  line.end = how;
  line.until = std::max(line.since, last_seen);  // The clock may have been set back.
  return line;
}

}  // namespace upkeep
