#include <fmt/format.h>

#include "remediation/gates/tries.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "drbd_down";
constexpr std::string_view kAttach = "attach_device";
/// From this daemon's start in a boot that is new to it.
constexpr Duration kAfterBoot = std::chrono::minutes(10);

/// In the kernel, but neither attached nor connected, after a bring-up of ours in this row: it was
/// cut short (a backing device that came late). Without a try of ours the same sight may be a disk
/// that failed, which adjust would attach again and again.
bool cut_short(const DrbdResource& resource, const World& world) {
  if (is_brought_up(resource) || history_of(resource.name, world).seen_up) return false;
  const auto tried = world.history.targets.find(target_of(resource.name));
  return tried != world.history.targets.end() && tried->second.in_row > 0;
}

/// The boot is a definite event: nothing of before it is up any more, and what is down right after
/// it is down because of it.
void confirm_by_boot(Finding& found, const World& world) {
  if (!world.history.booted_since_record) return;
  if (world.now - world.history.started > kAfterBoot) return;
  found.confirmed = true;
  if (found.trigger == Trigger::poll) found.trigger = Trigger::event;
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
    confirm_by_boot(findings.back(), world);
  }
  return findings;
}

std::expected<Action, Held> remedy(const Finding& found, const World& world) {
  const ResourceName name{found.subject.name};
  const DrbdResource* resource = find_resource(world.snapshot, name);
  if (resource == nullptr) {
    return std::unexpected(hold(Hold::storage_unknown, "DRBD does not list it"));
  }
  if (auto held = foreign_hold(*resource, world)) return std::unexpected(*held);
  if (history_of(name, world).seen_up) {
    return std::unexpected(hold(Hold::down_by_operator, "it was up earlier in this boot",
                                fmt::format("drbdadm adjust {}", name.value)));
  }
  // The first try connects it, or leaves it to be connected; only its disk is left to be waited
  // for.
  if (resource->in_kernel && !resource->missing_backing.empty()) {
    return std::unexpected(
        hold(Hold::disk_missing, resource->missing_backing.front().path + " does not exist"));
  }
  if (!is_latched(world.history, found.subject, kAttach)) return BringUpResource{.resource = name};
  const Drbd* drbd = drbd_in_sight(world);
  // 8.4's tools bring up all or nothing, and would attach the disk that failed.
  if (drbd == nullptr || !drbd->kernel_version.starts_with("9.")) {
    return std::unexpected(hold(Hold::latched,
                                "its disk failed, and DRBD's tools can't bring up the rest of it "
                                "alone",
                                "upkeep release " + to_string(found.subject)));
  }
  return BringUpResource{.resource = name, .skip_disk = true};
}

}  // namespace

const Rule& drbd_down_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
