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

/// Unless every peer's figure is known to be zero; 8.4 often has none for a link that is gone.
bool may_have_unsent_writes(const DrbdResource& resource) {
  const auto in_sync = [](const DrbdPeerDevice& device) {
    return device.out_of_sync.has_value() && device.out_of_sync->count == 0;
  };
  return !std::ranges::all_of(resource.peers, [&](const DrbdPeer& peer) {
    return !peer.devices.empty() && std::ranges::all_of(peer.devices, in_sync);
  });
}

/// What a known cause of the loss says. Connecting mends none of them: where it would, it would
/// undo what a person did.
Held held_by(const DrbdPeer& peer, const LinkLoss& loss, const std::string& connect) {
  const std::string why = fmt::format("{}: {}{}{}", peer.name.value, to_string(loss.cause),
                                      loss.what.empty() ? "" : ": ", loss.what);
  switch (loss.cause) {
    case LinkLossCause::disconnected_by_operator:
    case LinkLossCause::trial_connect: return hold(Hold::disconnected_by_operator, why, connect);
    case LinkLossCause::split_brain: return hold(Hold::split_brain, why);
    case LinkLossCause::role_conflict:
    case LinkLossCause::unrelated_data:
    case LinkLossCause::incompatible_settings:
    case LinkLossCause::disk_size:
    case LinkLossCause::authentication: return hold(Hold::link_refused, why);
    case LinkLossCause::unknown: break;
  }
  return hold(Hold::link_loss_unknown, why, connect);
}

std::optional<Held> judge_losses(const DrbdResource& resource, const std::string& connect) {
  const DrbdPeer* first = nullptr;
  for (const DrbdPeer& peer : resource.peers) {
    if (peer.connection != DrbdConnection::stand_alone || !peer.loss) continue;
    // The one by name, so that the order in the reading is no matter.
    if (first == nullptr ||
        std::pair(peer.name, peer.node_id) < std::pair(first->name, first->node_id)) {
      first = &peer;
    }
  }
  if (first == nullptr) return std::nullopt;
  return held_by(*first, *first->loss, connect);
}

/// Only a bring-up that was cut short leaves a link that was never up and never refused: no command
/// of upkeep's ends a link.
std::optional<Held> judge_link(const DrbdResource& resource, const World& world) {
  const std::string connect = "drbdadm connect " + resource.name.value;
  // A connection could make this side the target of a resync and discard them.
  if (resource.role == DrbdRole::primary && may_have_unsent_writes(resource)) {
    return hold(Hold::unsent_writes, "compare both sides before connecting");
  }
  if (auto held = judge_losses(resource, connect)) return held;
  if (history_of(resource.name, world).ever_connected) {
    return hold(Hold::link_loss_unknown, "it was connected since it was brought up", connect);
  }
  if (!resource.after_sb_all_disconnect.value_or(false)) {
    return hold(Hold::after_sb_policy,
                resource.after_sb_all_disconnect ? "after-sb-* is not \"disconnect\" throughout"
                                                 : "the configuration does not tell",
                connect);
  }
  if (resource.role != DrbdRole::primary && resource.role != DrbdRole::secondary) {
    return hold(Hold::storage_unknown, "its role is not known");
  }
  return std::nullopt;
}

std::expected<Action, Held> remedy(const Finding& found, const World& world) {
  const ResourceName name{found.subject.name};
  const DrbdResource* resource = find_resource(world.snapshot, name);
  if (resource == nullptr) {
    return std::unexpected(hold(Hold::storage_unknown, "DRBD does not list it"));
  }
  if (auto held = foreign_hold(*resource, world)) return std::unexpected(*held);
  if (auto held = judge_link(*resource, world)) return std::unexpected(*held);
  if (auto held = half_up_hold(found, world)) return std::unexpected(*held);
  return ReconnectResource{.resource = name};
}

}  // namespace

const Rule& drbd_standalone_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
