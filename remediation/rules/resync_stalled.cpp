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

constexpr std::string_view kName = "resync_stalled";

constexpr Duration kStalled = std::chrono::minutes(5);

bool is_paused(const DrbdPeerDevice& device) {
  const std::string& reasons = device.resync_suspended;
  return device.replication == DrbdReplication::paused_sync_s ||
         device.replication == DrbdReplication::paused_sync_t ||
         (!reasons.empty() && reasons != "no");
}

std::string describe(const DrbdPeer& peer, const DrbdPeerDevice& device,
                     const ResourceProgress& progress, Tick now) {
  if (!is_resync(device.replication.kind)) return "";
  const std::string which = fmt::format("volume {} with {}", device.volume.value, peer.name.value);
  if (is_paused(device)) {
    const std::string& by = device.resync_suspended;
    return fmt::format("in a resync that is paused ({}{}{})", which,
                       by.empty() || by == "no" ? "" : ", by ", by == "no" ? "" : by);
  }
  const auto line = progress.resyncs.find({peer.node_id, device.volume});
  if (line == progress.resyncs.end() || now - line->second.moved < kStalled) return "";
  // Without a figure nobody can say that it doesn't move.
  if (!line->second.out_of_sync && !line->second.done_ratio) return "";
  return fmt::format("in a resync that does not move ({})", which);
}

std::string describe(const DrbdResource& resource, const World& world) {
  static const ResourceProgress none;
  const auto found = world.history.progress.find(resource.name);
  const ResourceProgress& progress = found == world.history.progress.end() ? none : found->second;
  std::string first;
  for (const DrbdPeer& peer : resource.peers) {
    for (const DrbdPeerDevice& device : peer.devices) {
      const std::string text = describe(peer, device, progress, world.now);
      if (!text.empty() && (first.empty() || text < first)) first = text;
    }
  }
  return first;
}

std::vector<Finding> detect(const World& world) {
  return findings_about(kName, world,
                        [&](const DrbdResource& resource) { return describe(resource, world); });
}

std::expected<Action, Held> remedy(const Finding& found, const World& /*world*/) {
  return std::unexpected(
      hold(Hold::no_remedy,
           fmt::format(
               "a pause by \"user\" is somebody's (drbdadm resume-sync {}), one by "
               "\"dependency\" waits for another resync; otherwise see the network and the disks "
               "of both nodes",
               found.subject.name)));
}

}  // namespace

const Rule& resync_stalled_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
