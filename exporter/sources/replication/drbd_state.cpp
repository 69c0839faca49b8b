#include "exporter/sources/replication/drbd_state.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "exporter/sources/replication/drbd_state_step.h"

namespace upkeep {
namespace {

constexpr std::size_t kShown = 120;  // Of a line nobody understands.

DrbdPeer stand_alone_peer() {
  DrbdPeer peer;
  peer.name = NodeName{std::string(kPeerOf84)};
  peer.connection = stated(kDrbdConnections, kStandAlone);
  peer.role = stated(kDrbdRoles, "Unknown");
  return peer;
}

DrbdPeerDevice stand_alone_device(VolumeNumber volume) {
  DrbdPeerDevice device;
  device.volume = volume;
  device.replication = stated(kDrbdReplications, "Off");
  device.peer_disk = stated(kDrbdDisks, "DUnknown");
  device.resync_suspended = "no";
  return device;
}

}  // namespace

void DrbdState::begin_dump() {
  // A dump that broke off half way is worth nothing: what was known before it still counts.
  if (complete_) before_ = std::move(resources_);
  resources_.clear();
  complete_ = false;
}

AppliedLine DrbdState::apply(std::string_view text, Moment moment) {
  AppliedLine applied;
  if (text.find_first_not_of(" \t\r") == std::string_view::npos) return applied;
  const Events2Line line = parse_events2_line(text);
  if (line.object == Events2Object::end_of_dump) {
    end_dump(applied, moment);
    return applied;
  }
  if (line.object == Events2Object::skipped) {
    applied.unparsed.emplace_back("skipped messages");
    applied.resync = true;
    return applied;
  }
  const auto name = line.value("name");
  if (line.verb == Events2Verb::other || line.object == Events2Object::other || !name) {
    applied.unparsed.push_back(fmt::format("unknown line '{}'", text.substr(0, kShown)));
    return applied;
  }
  for (const std::string_view key : line.unknown) {
    applied.unparsed.push_back(fmt::format("unknown key '{}'", key));
  }
  Step step{line, moment, applied, {line, applied.unparsed}, ResourceName{std::string(*name)}};
  applied.changed = true;
  switch (line.object) {
    case Events2Object::resource: apply_resource(step); break;
    case Events2Object::device: apply_device(step); break;
    case Events2Object::connection: apply_connection(step); break;
    case Events2Object::peer_device: apply_peer_device(step); break;
    case Events2Object::helper: apply_helper(step); break;
    case Events2Object::path:  // Nothing rests on paths: the connection's state says it all.
    case Events2Object::end_of_dump:
    case Events2Object::skipped:
    case Events2Object::other: break;
  }
  return applied;
}

void DrbdState::apply_helper(Step& step) {
  const auto helper = step.line.value("helper");
  if (!helper) return step.incomplete("helper without its name");
  DrbdEvent event;
  event.kind = DrbdEvent::Kind::helper;
  event.resource = step.name;
  step.values.text("conn-name", event.peer.value);
  event.to = *helper;
  event.at = step.moment.at;
  event.wall = step.moment.wall;
  // Printed unsigned; -2 (the program is missing) comes as 4294967294.
  if (const auto status = step.values.number("status")) event.status = static_cast<int>(*status);
  step.applied.events.push_back(std::move(event));
  if (*helper == "split-brain" && step.line.verb == Events2Verb::call) {
    const auto node = step.values.number("peer-node-id");
    step.applied.evidence = true;
    evidence_[step.name][node] = {"helper split-brain", step.moment.wall};
    if (node) {
      story_of(step.name, *node)
          .refused({LinkLossCause::split_brain, "helper split-brain", step.moment.wall});
    }
  }
}

void DrbdState::judge_evidence(const ResourceName& name) {
  const auto found = evidence_.find(name);
  if (found == evidence_.end()) return;
  const auto resource = resources_.find(name);
  if (resource == resources_.end()) return;
  const auto& links = resource->second.links;
  std::erase_if(found->second, [&](const auto& entry) {
    if (entry.first) {
      const auto link = links.find(*entry.first);
      return link != links.end() && link->second.is_past_handshake();
    }
    return !links.empty() && std::ranges::all_of(links, [](const auto& link) {
      return link.second.is_past_handshake();
    });
  });
  if (found->second.empty()) evidence_.erase(found);
}

DrbdState::Evidence DrbdState::evidence() const {
  Evidence by_resource;
  for (const auto& [name, by_peer] : evidence_) by_resource[name] = by_peer.begin()->second;
  return by_resource;
}

void DrbdState::rename(Step& step) {
  const auto new_name = step.line.value("new_name");
  if (!new_name) return step.incomplete("rename without new_name");
  const ResourceName to{std::string(*new_name)};
  if (auto node = resources_.extract(step.name)) {
    node.key() = to;
    resources_.insert(std::move(node));
  } else {
    step.applied.resync = complete_;
  }
  step.applied.evidence = true;
  if (auto node = stories_.extract(step.name)) {
    node.key() = to;
    stories_.insert(std::move(node));
  }
  if (auto node = evidence_.extract(step.name)) {
    node.key() = to;
    evidence_.insert(std::move(node));
  }
}

void DrbdState::destroy_resource(const ResourceName& name, Moment moment,
                                 std::vector<DrbdEvent>& events) {
  stories_.erase(name);
  if (resources_.erase(name) == 0) return;
  DrbdEvent event;
  event.kind = DrbdEvent::Kind::resource_destroyed;
  event.resource = name;
  event.at = moment.at;
  event.wall = moment.wall;
  events.push_back(std::move(event));
}

void DrbdState::end_dump(AppliedLine& applied, Moment moment) {
  if (complete_) return;
  // Gone while nobody listened.
  for (const auto& [name, old] : before_) {
    const auto now = resources_.find(name);
    if (now == resources_.end()) {
      resources_.try_emplace(name);
      destroy_resource(name, moment, applied.events);
    } else if (is_84() && now->second.links.empty() && !old.links.empty()) {
      const DrbdPeer& peer = old.links.begin()->second.facts;
      if (peer.connection == DrbdConnection::stand_alone) continue;
      story_of(name, peer.node_id)
          .moved(LinkPhase::stand_alone, "gone while the stream was away", moment.wall);
      DrbdEvent event;
      event.kind = DrbdEvent::Kind::connection_changed;
      event.resource = name;
      event.peer = peer.name;
      event.from = peer.connection.text;
      event.to = kStandAlone;
      event.at = moment.at;
      event.wall = moment.wall;
      applied.events.push_back(std::move(event));
    }
  }
  before_.clear();
  complete_ = true;
  applied.changed = true;
  applied.dump_ended = true;
  applied.evidence = true;
}

std::vector<DrbdEvent> DrbdState::clear(Moment moment) {
  begin_dump();
  AppliedLine applied;
  end_dump(applied, moment);
  return std::move(applied.events);
}

bool DrbdState::Link::is_past_handshake() const {
  return facts.connection == DrbdConnection::connected && !devices.empty() &&
         std::ranges::none_of(devices, [](const auto& device) {
           return device.second.replication == DrbdReplication::off ||
                  device.second.replication == DrbdReplication::other;
         });
}

DrbdPeer DrbdState::Link::peer() const {
  DrbdPeer peer = facts;
  for (const auto& [volume, device] : devices) peer.devices.push_back(device);
  return peer;
}

Drbd DrbdState::drbd() const {
  Drbd drbd;
  drbd.module_loaded = true;
  drbd.kernel_version = kernel_version_;
  for (const auto& [name, known] : resources_) {
    DrbdResource resource = known.facts;
    resource.name = name;
    resource.in_kernel = true;
    for (const auto& [volume, device] : known.devices) resource.devices.push_back(device);
    for (const auto& [node, link] : known.links) resource.peers.push_back(link.peer());
    if (is_84() && resource.peers.empty()) {
      DrbdPeer peer = stand_alone_peer();
      for (const DrbdDevice& device : resource.devices) {
        peer.devices.push_back(stand_alone_device(device.volume));
      }
      resource.peers.push_back(std::move(peer));
    }
    drbd.resources.push_back(std::move(resource));
  }
  return drbd;
}

}  // namespace upkeep
