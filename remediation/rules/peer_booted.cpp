#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "remediation/drbd_peer.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "peer_booted";

/// After so long it is a link that is down, not one that is coming up.
constexpr Duration kShown = std::chrono::minutes(10);

bool is_connected_to(const DrbdResource& resource, const NodeName& node) {
  return std::ranges::all_of(resource.peers, [&](const DrbdPeer& peer) {
    return peer.connection == DrbdConnection::connected || !may_be(peer, node);
  });
}

std::vector<Finding> detect(const World& world) {
  return findings_about(kName, world, [&](const DrbdResource& resource) -> std::string {
    for (const auto& [node, boot] : world.history.peer_boots) {
      if (!boot.changed || world.now - *boot.changed > kShown) continue;
      if (!is_shared_with(resource, node) || is_connected_to(resource, node)) continue;
      return fmt::format("not connected again to {}, which booted", node.value);
    }
    return "";
  });
}

std::expected<Action, Held> remedy(const Finding& /*found*/, const World& /*world*/) {
  return std::unexpected(
      hold(Hold::no_remedy, "DRBD connects by itself, and its own rules see to what doesn't"));
}

}  // namespace

const Rule& peer_booted_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
