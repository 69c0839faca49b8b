#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "remediation/gates/tries.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "drbd_diskless";

/// An intended client has none. 8.4 knows no such thing; on 9 what isn't told is not touched.
bool is_lost(const DrbdDevice& device, const Drbd& drbd) {
  if (device.disk != DrbdDisk::diskless && device.disk != DrbdDisk::failed) return false;
  return !device.client.value_or(!is_version_84(drbd));
}

const MissingBacking* missing_backing(const DrbdResource& resource, const DrbdDevice& device) {
  const auto found =
      std::ranges::find(resource.missing_backing, device.volume, &MissingBacking::volume);
  return found == resource.missing_backing.end() ? nullptr : &*found;
}

/// The first by volume; one whose backing device is there goes before one whose isn't.
const DrbdDevice* lost_device(const DrbdResource& resource, const Drbd& drbd) {
  const auto rank = [&](const DrbdDevice& device) {
    return std::pair(missing_backing(resource, device) != nullptr, device.volume);
  };
  const DrbdDevice* first = nullptr;
  for (const DrbdDevice& device : resource.devices) {
    if (is_lost(device, drbd) && (first == nullptr || rank(device) < rank(*first))) {
      first = &device;
    }
  }
  return first;
}

std::vector<Finding> detect(const World& world) {
  return findings_about(kName, world, [&](const DrbdResource& resource) -> std::string {
    // Neither attached nor connected is a bring-up that was cut short, not a disk that was lost.
    if (!is_brought_up(resource) && !history_of(resource.name, world).seen_up) return "";
    const DrbdDevice* device = lost_device(resource, *drbd_in_sight(world));
    if (device == nullptr) return "";
    return fmt::format("without its disk (volume {} is {})", device->volume.value,
                       device->disk.text);
  });
}

std::optional<Held> judge_role(const DrbdResource& resource, const World& world) {
  if (resource.role == DrbdRole::secondary) return std::nullopt;
  if (resource.role == DrbdRole::primary && world.policy.attach_on_primary) return std::nullopt;
  if (resource.role != DrbdRole::primary) {
    return hold(Hold::storage_unknown, "its role is not known");
  }
  return hold(Hold::primary_here, "[drbd] attach_on_primary = true would allow it",
              "drbdadm attach " + resource.name.value);
}

std::expected<Action, Held> remedy(const Finding& found, const World& world) {
  const ResourceName name{found.subject.name};
  const Drbd* drbd = drbd_in_sight(world);
  const DrbdResource* resource = find_resource(world.snapshot, name);
  const DrbdDevice* device =
      drbd == nullptr || resource == nullptr ? nullptr : lost_device(*resource, *drbd);
  if (device == nullptr) {
    return std::unexpected(hold(Hold::storage_unknown, "DRBD does not list it"));
  }
  if (auto held = foreign_hold(*resource, world)) return std::unexpected(*held);
  if (!resource->configured.value_or(false)) {
    return std::unexpected(hold(Hold::storage_unknown, "drbdadm's configuration has none of it"));
  }
  if (const auto evidence = split_brain_of(*resource, world)) {
    return std::unexpected(hold(Hold::split_brain, evidence->what));
  }
  if (device->disk == DrbdDisk::failed) {
    return std::unexpected(hold(Hold::storage_not_healthy_yet, "DRBD has not let go of it yet"));
  }
  // Nothing is tried before it comes, so there is no gap to wait out when it has.
  if (const auto* missing = missing_backing(*resource, *device)) {
    return std::unexpected(hold(Hold::disk_missing, missing->path + " does not exist"));
  }
  if (auto held = judge_role(*resource, world)) return std::unexpected(*held);
  if (auto held = half_up_hold(found, world)) return std::unexpected(*held);
  return AttachDevice{.resource = name, .volume = device->volume};
}

}  // namespace

const Rule& drbd_diskless_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
