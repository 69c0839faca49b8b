#include <fmt/core.h>

#include <algorithm>

#include "exporter/sources/replication/proc_drbd.h"

namespace upkeep {
namespace {

const ProcDrbdDevice* find_minor(const ProcDrbd& proc, DeviceMinor minor) {
  const auto found = std::ranges::find(proc.devices, minor, &ProcDrbdDevice::minor);
  return found == proc.devices.end() ? nullptr : &*found;
}

void merge_link(const ProcDrbdDevice& from, const DrbdPeer& peer, DrbdPeerDevice& to) {
  to.sent = from.sent;
  to.received = from.received;
  to.out_of_sync = from.out_of_sync;
  to.resync_done_ratio = from.done_ratio;
  to.resync_bytes_per_second = from.bytes_per_second;
  to.resync_eta = from.eta;
  // A StandAlone link has no object whose state could be newer.
  if (peer.connection == DrbdConnection::stand_alone &&
      from.connection == DrbdConnection::stand_alone) {
    to.peer_disk = from.peer_disk;
  }
}

// The sentence, or nothing when both words are the same.
template <class Kind>
std::optional<std::string> differ(std::string_view what, const Stated<Kind>& told,
                                  const Stated<Kind>& shown) {
  if (told == shown) return std::nullopt;
  return fmt::format("events2 told {} '{}', /proc/drbd shows '{}'", what, told.text, shown.text);
}

std::optional<std::string> link_difference(const DrbdPeer& peer, VolumeNumber volume,
                                           const ProcDrbdDevice& shown) {
  if (auto text = differ("connection", peer.connection, shown.connection)) return text;
  if (peer.connection != DrbdConnection::connected) return std::nullopt;
  if (auto text = differ("peer role", peer.role, shown.peer_role)) return text;
  const auto device = std::ranges::find(peer.devices, volume, &DrbdPeerDevice::volume);
  if (device == peer.devices.end()) return "events2 told of no peer device";
  if (auto text = differ("replication", device->replication, shown.replication)) return text;
  return differ("peer disk", device->peer_disk, shown.peer_disk);
}

std::optional<std::string> device_difference(const DrbdResource& resource, const DrbdDevice& device,
                                             const ProcDrbd& proc) {
  const ProcDrbdDevice* shown = find_minor(proc, device.minor);
  if (shown == nullptr) return fmt::format("/proc/drbd has no minor {}", device.minor.value);
  if (auto text = differ("role", resource.role, shown->role)) return text;
  if (auto text = differ("disk", device.disk, shown->disk)) return text;
  for (const DrbdPeer& peer : resource.peers) {
    if (auto text = link_difference(peer, device.volume, *shown)) return text;
  }
  return std::nullopt;
}

}  // namespace

void merge(const ProcDrbd& proc, Drbd& drbd) {
  for (DrbdResource& resource : drbd.resources) {
    for (DrbdDevice& device : resource.devices) {
      const ProcDrbdDevice* from = find_minor(proc, device.minor);
      if (from == nullptr || !from->out_of_sync) continue;  // "Unconfigured" has no figures.
      device.read = from->read;
      device.written = from->written;
      for (DrbdPeer& peer : resource.peers) {
        const auto to = std::ranges::find(peer.devices, device.volume, &DrbdPeerDevice::volume);
        if (to != peer.devices.end()) merge_link(*from, peer, *to);
      }
    }
  }
}

std::optional<std::string> disagreement(const ProcDrbd& proc, const Drbd& drbd) {
  std::vector<DeviceMinor> told;
  for (const DrbdResource& resource : drbd.resources) {
    for (const DrbdDevice& device : resource.devices) {
      told.push_back(device.minor);
      if (auto text = device_difference(resource, device, proc)) {
        return fmt::format("{}: {}", resource.name.value, *text);
      }
    }
  }
  for (const ProcDrbdDevice& shown : proc.devices) {
    if (std::ranges::find(told, shown.minor) == told.end()) {
      return fmt::format("/proc/drbd shows minor {}, events2 told nothing of it",
                         shown.minor.value);
    }
  }
  return std::nullopt;
}

}  // namespace upkeep
