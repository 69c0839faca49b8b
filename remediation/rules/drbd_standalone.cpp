#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "drbd_standalone";

/// The peers it gave up, by name, for people: "node2, node3".
std::string given_up(const DrbdResource& resource) {
  std::vector<std::string> names;
  for (const DrbdPeer& peer : resource.peers) {
    if (peer.connection == DrbdConnection::stand_alone) names.push_back(peer.name.value);
  }
  std::ranges::sort(names);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<Finding> detect(const World& world) {
  const Drbd* drbd = drbd_in_sight(world);
  if (drbd == nullptr || !world.snapshot.drbd_in_use) return {};
  std::vector<Finding> findings;
  for (const DrbdResource& resource : drbd->resources) {
    // Split brain has its own rule, and says more.
    if (!resource.in_kernel || split_brain_of(resource, world)) continue;
    const std::string peers = given_up(resource);
    if (peers.empty()) continue;
    findings.push_back(
        finding(kName, target_of(resource.name), "StandAlone towards " + peers, world));
  }
  return findings;
}

bool has_unsent_writes(const DrbdResource& resource) {
  return std::ranges::any_of(resource.peers, [](const DrbdPeer& peer) {
    return std::ranges::any_of(peer.devices, [](const DrbdPeerDevice& device) {
      return device.out_of_sync.value_or(Bytes{}).count > 0;
    });
  });
}

std::expected<Action, Held> remedy(const Finding& found, const World& world) {
  const ResourceName name{found.subject.name};
  const DrbdResource* resource = find_resource(world.snapshot, name);
  if (resource == nullptr) {
    return std::unexpected(hold(Hold::storage_unknown, "DRBD does not list it"));
  }
  const std::string connect = "drbdadm connect " + name.value;
  if (resource->role == DrbdRole::primary && has_unsent_writes(*resource)) {
    // A connection could make this side the target of a resync and discard them.
    return std::unexpected(hold(Hold::no_remedy,
                                "this side is Primary and has writes that the peer lacks: compare "
                                "both sides before connecting"));
  }
  if (!history_of(name, world).ever_connected) {
    return std::unexpected(hold(Hold::no_remedy,
                                "not connected since it was brought up: its bring-up may have been "
                                "cut short, or the handshake was refused (see the kernel log)",
                                connect));
  }
  return std::unexpected(hold(
      Hold::no_remedy,
      "it was connected and is not: disconnected by somebody, or the peer was refused (see the "
      "kernel log)",
      connect));
}

}  // namespace

const Rule& drbd_standalone_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
