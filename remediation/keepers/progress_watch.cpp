#include "remediation/keepers/progress_watch.h"

#include "remediation/drbd_peer.h"
#include "remediation/gates/storage_gate.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

ResourceProgress after_reading(const ResourceProgress& known, const DrbdResource& resource,
                               Tick at) {
  ResourceProgress progress;
  for (const DrbdPeer& peer : resource.peers) {
    if (is_trying(peer)) {
      const auto since = known.unconnected_since.find(peer.node_id);
      progress.unconnected_since[peer.node_id] =
          since == known.unconnected_since.end() ? at : since->second;
    }
    for (const DrbdPeerDevice& device : peer.devices) {
      if (!is_resync(device.replication.kind)) continue;
      const std::pair key{peer.node_id, device.volume};
      ResourceProgress::Resync now{
          .out_of_sync = device.out_of_sync, .done_ratio = device.resync_done_ratio, .moved = at};
      const auto before = known.resyncs.find(key);
      const bool same = before != known.resyncs.end() &&
                        before->second.out_of_sync == now.out_of_sync &&
                        before->second.done_ratio == now.done_ratio;
      if (same) now.moved = before->second.moved;
      progress.resyncs[key] = now;
    }
  }
  return progress;
}

}  // namespace

std::vector<ResourceName> ProgressWatch::look(const Step& step) {
  look_at_resources(step);
  look_at_storage(step);
  return look_at_peers(step);
}

void ProgressWatch::look_at_resources(const Step& step) {
  const auto& drbd = step.snapshot.drbd;
  if (!drbd.fresh(step.now, step.policy.freshness.drbd)) return;
  if (last_drbd_ && drbd.at <= *last_drbd_) return;
  // Nobody looked for a while: what was so before may have been otherwise in between.
  if (last_drbd_ && drbd.at - *last_drbd_ > step.policy.freshness.drbd) history_.progress.clear();
  last_drbd_ = drbd.at;
  std::map<ResourceName, ResourceProgress> progress;
  for (const DrbdResource& resource : (*drbd.reading)->resources) {
    if (!resource.in_kernel) continue;
    progress[resource.name] = after_reading(history_.progress[resource.name], resource, drbd.at);
  }
  history_.progress = std::move(progress);
}

void ProgressWatch::look_at_storage(const Step& step) {
  const World world{step.snapshot, step.policy, history_, step.now};
  const Vms* vms = vms_in_sight(world);
  std::map<VmUuid, Tick> open;
  if (vms != nullptr) {
    for (const Vm& vm : *vms) {
      const bool paused = vm.state == VmState::paused && vm.reason == VmReason::io_error;
      if (!paused || !storage_gate(vm, world)) continue;
      const auto since = history_.storage_open_since.find(vm.uuid);
      open[vm.uuid] = since == history_.storage_open_since.end() ? step.now : since->second;
    }
  }
  history_.storage_open_since = std::move(open);
}

std::vector<ResourceName> ProgressWatch::look_at_peers(const Step& step) {
  std::vector<ResourceName> shared;
  for (const Peer& peer : step.snapshot.peers) {
    if (!peer.facts.reading || peer.facts.reading->boot_id.value.empty()) continue;
    PeerBoot& boot = history_.peer_boots[peer.name];
    const BootId now = peer.facts.reading->boot_id;
    if (boot.id == now) continue;
    const bool booted = !boot.id.value.empty();
    boot.id = now;
    if (!booted) continue;
    boot.changed = step.now;
    if (!step.snapshot.drbd.reading) continue;
    for (const DrbdResource& resource : (*step.snapshot.drbd.reading)->resources) {
      if (is_shared_with(resource, peer.name)) shared.push_back(resource.name);
    }
  }
  return shared;
}

}  // namespace upkeep
