#include <fmt/format.h>

#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "drbd_down";

/// In the kernel, but neither attached nor connected, after a bring-up of ours in this row: it was
/// cut short (a backing device that came late). Without a try of ours the same sight may be a disk
/// that failed, which adjust would attach again and again.
bool cut_short(const DrbdResource& resource, const World& world) {
  if (is_brought_up(resource) || history_of(resource.name, world).seen_up) return false;
  const auto tried = world.history.targets.find(target_of(resource.name));
  return tried != world.history.targets.end() && tried->second.in_row > 0;
}

std::vector<Finding> detect(const World& world) {
  const Drbd* drbd = drbd_in_sight(world);
  if (drbd == nullptr || !world.snapshot.drbd_in_use) return {};
  std::vector<Finding> findings;
  for (const DrbdResource& resource : drbd->resources) {
    if (!resource.configured.value_or(false)) continue;
    if (resource.in_kernel && !cut_short(resource, world)) continue;
    const char* detail = resource.in_kernel ? "configured, brought up only in part"
                                            : "configured, not in the kernel";
    findings.push_back(finding(kName, target_of(resource.name), detail, world));
  }
  return findings;
}

std::expected<Action, Held> remedy(const Finding& found, const World& world) {
  const ResourceName name{found.subject.name};
  const DrbdResource* resource = find_resource(world.snapshot, name);
  if (resource == nullptr) {
    return std::unexpected(hold(Hold::storage_unknown, "DRBD does not list it"));
  }
  if (!resource->other_manager.empty()) {
    return std::unexpected(hold(Hold::other_manager, "it belongs to " + resource->other_manager));
  }
  if (world.policy.foreign_cluster_manager) {
    return std::unexpected(
        hold(Hold::other_manager, "a cluster manager is configured on this node"));
  }
  if (history_of(name, world).seen_up) {
    return std::unexpected(hold(Hold::down_by_operator, "it was up earlier in this boot",
                                fmt::format("drbdadm adjust {}", name.value)));
  }
  return BringUpResource{.resource = name};
}

}  // namespace

const Rule& drbd_down_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
