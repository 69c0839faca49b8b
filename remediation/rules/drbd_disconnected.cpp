#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "remediation/drbd_peer.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "drbd_disconnected";

/// Reconnecting after a glitch or a peer's reboot takes DRBD some seconds.
constexpr Duration kPatience = std::chrono::seconds(60);

std::string describe(const DrbdResource& resource, const World& world) {
  const auto progress = world.history.progress.find(resource.name);
  if (progress == world.history.progress.end()) return "";
  std::vector<std::string> silent;
  for (const DrbdPeer& peer : resource.peers) {
    const auto since = progress->second.unconnected_since.find(peer.node_id);
    if (!is_trying(peer) || since == progress->second.unconnected_since.end()) continue;
    if (world.now - since->second < kPatience) continue;
    silent.push_back(fmt::format("{} ({})", peer.name.value, peer.connection.text));
  }
  if (silent.empty()) return "";
  std::ranges::sort(silent);
  return fmt::format("not connected to {}", fmt::join(silent, ", "));
}

std::vector<Finding> detect(const World& world) {
  return findings_about(kName, world,
                        [&](const DrbdResource& resource) { return describe(resource, world); });
}

std::expected<Action, Held> remedy(const Finding& /*found*/, const World& /*world*/) {
  return std::unexpected(
      hold(Hold::no_remedy,
           "DRBD connects by itself once the peer answers: see whether that node is "
           "up, and the network and firewall between"));
}

}  // namespace

const Rule& drbd_disconnected_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
