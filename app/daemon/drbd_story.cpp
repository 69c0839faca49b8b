#include "app/daemon/drbd_story.h"

#include <string>
#include <string_view>
#include <utility>

#include "app/daemon/peer_names.h"
#include "exporter/model/drbd.h"
#include "remediation/drbd_peer.h"

namespace upkeep {
namespace {

/// A link stays in one of these; everything else is on the way to one. A word nobody knows is told.
bool rests(DrbdConnection connection) {
  switch (connection) {
    case DrbdConnection::stand_alone:
    case DrbdConnection::connecting:
    case DrbdConnection::connected:
    case DrbdConnection::other: return true;
    case DrbdConnection::disconnecting:
    case DrbdConnection::unconnected:
    case DrbdConnection::timeout:
    case DrbdConnection::broken_pipe:
    case DrbdConnection::network_failure:
    case DrbdConnection::protocol_error:
    case DrbdConnection::tear_down: return false;
  }
  return true;
}

bool rests(DrbdDisk disk) { return disk != DrbdDisk::attaching && disk != DrbdDisk::negotiating; }

}  // namespace

void DrbdStory::tell(const DrbdEvent& event) {
  switch (event.kind) {
    case DrbdEvent::Kind::connection_changed: return tell_link(event);
    case DrbdEvent::Kind::disk_changed: return tell_disk(event);
    case DrbdEvent::Kind::helper: return tell_helper(event);
    case DrbdEvent::Kind::role_changed:
      if (event.initial || event.from.empty()) return;
      log_.info("drbd role changed",
                {{"resource", event.resource.value}, {"from", event.from}, {"to", event.to}});
      return;
    case DrbdEvent::Kind::resource_destroyed:
      disks_.erase(event.resource);
      std::erase_if(links_, [&](const auto& link) { return link.first.first == event.resource; });
      log_.info("drbd resource went down", {{"resource", event.resource.value}});
      return;
  }
}

void DrbdStory::tell(const Drbd& drbd) {
  if (drbd.kernel_log_problem != kernel_log_problem_) {
    kernel_log_problem_ = drbd.kernel_log_problem;
    if (!kernel_log_problem_.empty()) {
      log_.warn("kernel log not known in full, causes of lost drbd links may stay unknown",
                {{"error", kernel_log_problem_}});
    }
  }
  tell_names(drbd);
  tell_losses(drbd);
}

void DrbdStory::tell_names(const Drbd& drbd) {
  const auto doubt = peer_name_doubt(peers_, drbd_peers(drbd));
  if (!doubt || *doubt == name_doubt_) return;
  name_doubt_ = *doubt;
  log_.warn("drbd peers and [[peer]] differ in their names",
            {{"detail", *doubt}, {"fix", std::string(kPeerNameFix)}});
}

void DrbdStory::tell_losses(const Drbd& drbd) {
  std::map<std::pair<ResourceName, std::uint32_t>, LinkLossCause> losses;
  for (const DrbdResource& resource : drbd.resources) {
    for (const DrbdPeer& peer : resource.peers) {
      if (!peer.loss) continue;
      const std::pair link(resource.name, peer.node_id);
      const auto told = losses_.find(link);
      losses.emplace(link, peer.loss->cause);
      // Of a loss that was told, that its cause is on record no more (it is being settled) is no
      // news.
      if (told != losses_.end() &&
          (told->second == peer.loss->cause || peer.loss->cause == LinkLossCause::unknown)) {
        continue;
      }
      log_.warn("drbd link is StandAlone", {{"resource", resource.name.value},
                                            {"peer", peer.name.value},
                                            {"cause", std::string(to_string(peer.loss->cause))},
                                            {"what", peer.loss->what}});
    }
  }
  losses_ = std::move(losses);
}

void DrbdStory::tell_link(const DrbdEvent& event) {
  const auto kind = stated(kDrbdConnections, event.to).kind;
  std::string& last = links_[{event.resource, event.peer}];
  if (last.empty()) last = event.from;
  if (!event.to.empty() && !rests(kind)) return;
  const std::string before = last;
  last = event.to;
  if (event.initial || before == event.to || event.to.empty()) return;
  // A link is created StandAlone, before it is told to connect.
  if (before.empty() && kind == DrbdConnection::stand_alone) return;
  const LogFields fields{{"resource", event.resource.value},
                         {"peer", event.peer.value},
                         {"from", before},
                         {"to", event.to}};
  if (kind == DrbdConnection::connected) {
    log_.info("drbd link connected", fields);
  } else if (before == "Connected" || kind == DrbdConnection::stand_alone) {
    log_.warn("drbd link lost", fields);
  } else {
    log_.info("drbd link changed", fields);
  }
}

void DrbdStory::tell_disk(const DrbdEvent& event) {
  const auto kind = stated(kDrbdDisks, event.to).kind;
  std::string& last = disks_[event.resource];
  if (last.empty()) last = event.from;
  if (!rests(kind)) return;
  const std::string before = last;
  last = event.to;
  // A device is created diskless, before anything is attached.
  if (event.initial || before == event.to || before.empty()) return;
  const LogFields fields{{"resource", event.resource.value}, {"from", before}, {"to", event.to}};
  if (kind == DrbdDisk::failed || kind == DrbdDisk::diskless) {
    log_.warn("drbd disk lost", fields);
  } else {
    log_.info("drbd disk changed", fields);
  }
}

void DrbdStory::tell_helper(const DrbdEvent& event) const {
  if (event.status) return;  // The answer to a call that was told.
  const LogFields fields{
      {"resource", event.resource.value}, {"peer", event.peer.value}, {"helper", event.to}};
  if (event.to.find("split-brain") != std::string::npos) {
    log_.warn("drbd calls its helper", fields);
  } else {
    log_.debug("drbd calls its helper", fields);
  }
}

}  // namespace upkeep
