#include <string_view>
#include <utility>

#include "exporter/sources/replication/drbd_state.h"
#include "exporter/sources/replication/drbd_state_step.h"

namespace upkeep {
namespace {

constexpr double kPercent = 0.01;
constexpr double kMebibyte = 1048576;

bool has_progress(const Stated<DrbdReplication>& replication) {
  switch (replication.kind) {
    case DrbdReplication::sync_source:
    case DrbdReplication::sync_target:
    case DrbdReplication::verify_s:
    case DrbdReplication::verify_t:
    case DrbdReplication::paused_sync_s:
    case DrbdReplication::paused_sync_t:
    case DrbdReplication::other: return true;
    case DrbdReplication::off:
    case DrbdReplication::established:
    case DrbdReplication::starting_sync_s:
    case DrbdReplication::starting_sync_t:
    case DrbdReplication::wf_bitmap_s:
    case DrbdReplication::wf_bitmap_t:
    case DrbdReplication::wf_sync_uuid:
    case DrbdReplication::ahead:
    case DrbdReplication::behind: return false;
  }
  return false;
}

}  // namespace

DrbdState::Resource& DrbdState::resource_of(Step& step) {
  const auto [at, is_new] = resources_.try_emplace(step.name);
  // A change of something unknown is normal inside a dump (8.4 doesn't sort) and a loss after it.
  if (is_new && complete_ && step.line.verb == Events2Verb::change) step.applied.resync = true;
  return at->second;
}

LinkStory& DrbdState::story_of(const ResourceName& name, std::uint32_t node) {
  return stories_[name].try_emplace(node, LinkStory::Witness::stream).first->second;
}

void DrbdState::follow(Step& step, std::uint32_t node, const Link& link) {
  LinkStory& story = story_of(step.name, node);
  const LinkPhase phase = link_phase(link.facts.connection, link.is_past_handshake());
  if (story.phase() == phase) return;
  story.moved(phase, "connection " + link.facts.connection.text, step.moment.wall);
  step.applied.evidence = true;
  if (phase == LinkPhase::established) {
    step.applied.established.emplace_back(step.name, link.facts.name);
  }
}

DrbdState::Link& DrbdState::link_of(Step& step, Resource& resource, std::uint32_t node) {
  const auto [at, is_new] = resource.links.try_emplace(node);
  if (is_new) {
    at->second.facts.node_id = node;
    at->second.facts.role = stated(kDrbdRoles, "Unknown");
    if (complete_ && step.line.verb == Events2Verb::change) step.applied.resync = true;
  }
  step.values.text("conn-name", at->second.facts.name.value);
  if (is_84()) at->second.facts.name.value = kPeerOf84;
  return at->second;
}

const DrbdState::Resource* DrbdState::known_before(const ResourceName& name) const {
  if (complete_) return nullptr;
  const auto found = before_.find(name);
  return found == before_.end() ? nullptr : &found->second;
}

std::string DrbdState::connection_before(const ResourceName& name, std::uint32_t node) const {
  const Resource* before = known_before(name);
  if (before == nullptr) return {};
  const auto link = before->links.find(node);
  if (link != before->links.end()) return link->second.facts.connection.text;
  return is_84() ? std::string(kStandAlone) : std::string();
}

void DrbdState::apply_resource(Step& step) {
  if (step.line.verb == Events2Verb::rename) return rename(step);
  if (step.destroys()) {
    step.applied.evidence = true;
    return destroy_resource(step.name, step.moment, step.applied.events);
  }
  Resource& resource = resource_of(step);
  if (step.line.verb == Events2Verb::create) {
    stories_.erase(step.name);
    if (is_84()) story_of(step.name, 0).created();  // A link without an object is there at once.
    step.applied.created.push_back(step.name);
    step.applied.evidence = true;
  }
  std::string from = resource.facts.role.text;
  const Resource* before = known_before(step.name);
  if (from.empty() && before != nullptr) from = before->facts.role.text;
  step.values.word("role", kDrbdRoles, resource.facts.role);
  step.values.text("suspended", resource.facts.suspended);
  step.values.flag("may_promote", resource.facts.may_promote);
  step.event(DrbdEvent::Kind::role_changed, {}, std::move(from), resource.facts.role.text);
}

void DrbdState::apply_device(Step& step) {
  const auto volume = step.values.number("volume");
  if (!volume) return step.incomplete("device without volume");
  if (step.destroys()) {
    if (const auto at = resources_.find(step.name); at != resources_.end()) {
      at->second.devices.erase(*volume);
    }
    return;
  }
  Resource& resource = resource_of(step);
  const auto [at, is_new] = resource.devices.try_emplace(*volume);
  if (is_new && complete_ && step.line.verb == Events2Verb::change) step.applied.resync = true;
  DrbdDevice& device = at->second;
  std::string from = device.disk.text;
  if (const Resource* before = known_before(step.name); from.empty() && before != nullptr) {
    const auto old = before->devices.find(*volume);
    if (old != before->devices.end()) from = old->second.disk.text;
  }
  device.volume = VolumeNumber{*volume};
  if (const auto minor = step.values.number("minor")) device.minor = DeviceMinor{*minor};
  step.values.word("disk", kDrbdDisks, device.disk);
  step.values.flag("client", device.client);
  step.values.flag("quorum", device.quorum);
  step.values.flag("open", device.open);
  step.values.kibibytes("size", device.size);
  step.values.kibibytes("read", device.read);
  step.values.kibibytes("written", device.written);
  step.values.text("backing_dev", device.backing_device);
  if (device.backing_device == "none") device.backing_device.clear();
  step.event(DrbdEvent::Kind::disk_changed, {}, std::move(from), device.disk.text);
}

void DrbdState::apply_connection(Step& step) {
  const auto node = step.values.number("peer-node-id");
  if (!node) return step.incomplete("connection without peer-node-id");
  if (step.destroys()) {
    const auto at = resources_.find(step.name);
    if (at == resources_.end() || !at->second.links.contains(*node)) return;
    // On 8.4 this is how StandAlone looks, and it is what readers see from now on.
    step.applied.evidence = true;
    const DrbdPeer gone = at->second.links.at(*node).facts;
    at->second.links.erase(*node);
    if (is_84()) {
      step.event(DrbdEvent::Kind::connection_changed, gone.name, gone.connection.text,
                 std::string(kStandAlone));
      story_of(step.name, *node)
          .moved(LinkPhase::stand_alone, "connection destroyed", step.moment.wall);
    } else if (const auto stories = stories_.find(step.name); stories != stories_.end()) {
      stories->second.erase(*node);
    }
    return;
  }
  Link& link = link_of(step, resource_of(step), *node);
  // On 8.4 the object comes with each attempt to connect, and is no news.
  if (step.line.verb == Events2Verb::create && !is_84()) story_of(step.name, *node).created();
  std::string from = link.facts.connection.text;
  if (from.empty()) from = connection_before(step.name, *node);
  step.values.word("connection", kDrbdConnections, link.facts.connection);
  step.values.word("role", kDrbdRoles, link.facts.role);
  step.values.flag("congested", link.facts.congested);
  step.event(DrbdEvent::Kind::connection_changed, link.facts.name, std::move(from),
             link.facts.connection.text);
  if (link.facts.connection == DrbdConnection::stand_alone) take_sync_state(step, *node);
  follow(step, *node, link);
  judge_evidence(step.name);
}

/// Only newest drbd-utils say why the sides of a StandAlone link can't be synchronized; none says
/// that they can. They say it with each line about the link, and only the first is news.
void DrbdState::take_sync_state(Step& step, std::uint32_t node) {
  const auto state = step.line.value("sync-state");
  if (!state) return;
  const std::string what = "sync-state " + std::string(*state);
  if (*state == "SplitBrain") {
    if (!evidence_[step.name].try_emplace(node, what, step.moment.wall).second) return;
    step.applied.evidence = true;
    story_of(step.name, node).refused({LinkLossCause::split_brain, what, step.moment.wall});
  } else if (*state == "Unrelated") {
    LinkStory& story = story_of(step.name, node);
    if (story.phase() == LinkPhase::stand_alone) return;
    story.refused({LinkLossCause::unrelated_data, what, step.moment.wall});
  } else {
    step.applied.unparsed.push_back("unknown value sync-state:" + std::string(*state));
  }
}

void DrbdState::apply_peer_device(Step& step) {
  const auto node = step.values.number("peer-node-id");
  const auto volume = step.values.number("volume");
  if (!node || !volume) {
    return step.incomplete("peer-device without peer-node-id or volume");
  }
  if (step.destroys()) {
    const auto at = resources_.find(step.name);
    if (at != resources_.end() && at->second.links.contains(*node)) {
      at->second.links.at(*node).devices.erase(*volume);
    }
    return;
  }
  Link& link = link_of(step, resource_of(step), *node);
  DrbdPeerDevice& device = link.devices[*volume];
  device.volume = VolumeNumber{*volume};
  step.values.word("replication", kDrbdReplications, device.replication);
  step.values.word("peer-disk", kDrbdDisks, device.peer_disk);
  step.values.flag("peer-client", device.peer_client);
  step.values.text("resync-suspended", device.resync_suspended);
  step.values.kibibytes("out-of-sync", device.out_of_sync);
  step.values.kibibytes("sent", device.sent);
  step.values.kibibytes("received", device.received);
  step.values.figure("done", kPercent, device.resync_done_ratio);
  step.values.figure("dbdt1", kMebibyte, device.resync_bytes_per_second);
  std::optional<double> eta;
  step.values.figure("eta", 1, eta);
  if (step.line.value("eta")) device.resync_eta = eta ? std::optional(Seconds(*eta)) : std::nullopt;
  if (!has_progress(device.replication)) {
    device.resync_done_ratio.reset();
    device.resync_bytes_per_second.reset();
    device.resync_eta.reset();
  }
  if (link.is_past_handshake()) follow(step, *node, link);
  judge_evidence(step.name);
}

}  // namespace upkeep
