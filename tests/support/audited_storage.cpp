// The storage gate, read a second time from DESIGN §5 and from the raw facts alone.
#include <string>
#include <utility>
#include <vector>

#include "tests/support/plan_auditor.h"

namespace upkeep::test {
namespace {

using std::chrono::seconds;

bool exclusive(const Vm& vm, const Policy& policy) {
  for (const VmPolicy& block : policy.vms) {
    if (block.match == "*" || block.match == vm.name.value) return block.exclusive;
    if (block.match == "web*" && vm.name.value.rfind("web", 0) == 0) return block.exclusive;
  }
  return false;
}

/// Who was heard of in the last 15 s is alive, whatever a person said before.
bool lives(const Peer& peer, const World& world) {
  if (peer.heard && world.now - *peer.heard <= seconds(15)) return true;
  return peer.facts.reading.has_value() && world.now - peer.facts.at <= seconds(15);
}

bool buried(const std::string& name, const World& world) {
  const auto word = world.history.standings.find({Standing::Kind::peer_dead, name});
  if (word == world.history.standings.end() || !world.snapshot.node.reading) return false;
  if (word->second.at < world.snapshot.node.reading->boot_time) return false;
  if (world.now - world.history.started < seconds(15)) return false;
  for (const Peer& peer : world.snapshot.peers) {
    if (peer.name.value == name) return peer.error.has_value() && !lives(peer, world);
  }
  return false;
}

/// Asked after it was told that the VM is wanted here, and it does not want it itself.
bool leaves_it_to_us(const Peer& peer, const Vm& vm, const World& world) {
  if (vm.state != VmState::shut_off && vm.state != VmState::crashed) return true;
  if (!peer.facts.reading->wanted_vms.has_value()) return false;
  for (const VmUuid& uuid : *peer.facts.reading->wanted_vms) {
    if (uuid.value == vm.uuid.value) return false;
  }
  if (!world.history.wanted_told) return false;
  const auto told = world.history.wanted_told->find(vm.uuid);
  return told != world.history.wanted_told->end() && told->second < peer.facts.at;
}

bool every_peer_says_no(const Vm& vm, const World& world) {
  for (const NodeName& name : world.policy.peers) {
    bool said = buried(name.value, world);
    for (const Peer& peer : world.snapshot.peers) {
      if (peer.name.value != name.value || !peer.facts.reading.has_value()) continue;
      if (world.now - peer.facts.at > seconds(15)) continue;
      if (leaves_it_to_us(peer, vm, world)) said = true;
    }
    if (!said) return false;
  }
  return true;
}

/// It went to another node, says the ledger, and did not come back.
bool is_away(const Vm& vm, const World& world) {
  if (vm.state != VmState::shut_off && vm.state != VmState::crashed) return false;
  const auto line = world.history.intents.find(vm.uuid);
  return line != world.history.intents.end() && line->second.last_stop == StopCause::moved_away;
}

struct Link {
  bool connected, diskful, secondary, primary, good_data, feeds_us;
};

std::vector<Link> links_of(const DrbdResource& resource, const DrbdDevice& device) {
  std::vector<Link> links;
  for (const DrbdPeer& peer : resource.peers) {
    Link link{.connected = peer.connection.text == "Connected",
              .diskful = true,
              .secondary = peer.role.text == "Secondary",
              .primary = peer.role.text == "Primary",
              .good_data = false,
              .feeds_us = false};
    for (const DrbdPeerDevice& theirs : peer.devices) {
      if (theirs.volume.value != device.volume.value) continue;
      if (theirs.peer_client == true) link.diskful = false;
      link.good_data = theirs.peer_disk.text == "UpToDate";
      link.feeds_us = theirs.replication.text == "SyncTarget";
    }
    links.push_back(link);
  }
  return links;
}

/// Did a person, or the configuration after a silence, say that this peer need not be waited for?
bool may_be_left_out(const DrbdPeer& peer, const DrbdResource& resource, const Vm& vm,
                     const World& world) {
  const auto& said = world.history.standings;
  if (said.count({Standing::Kind::allow_degraded, vm.uuid.value}) > 0) return true;
  for (const Peer& node : world.snapshot.peers) {
    if (node.name.value == peer.name.value && lives(node, world)) return false;
  }
  if (said.count({Standing::Kind::peer_dead, peer.name.value}) > 0) return true;
  if (!world.policy.allow_degraded_after) return false;
  const auto seen = world.history.progress.find(resource.name);
  if (seen == world.history.progress.end()) return false;
  const auto since = seen->second.unconnected_since.find(peer.node_id);
  return since != seen->second.unconnected_since.end() &&
         world.now - since->second >= *world.policy.allow_degraded_after;
}

/// (d): left alone by everybody who is not here, and provably the last to write.
bool open_without_peers(const DrbdResource& resource, const DrbdDevice& device, const Vm& vm,
                        const World& world) {
  if (device.disk.text != "UpToDate" || device.crashed_primary != true) return false;
  if (device.quorum == false || resource.may_promote == false) return false;
  const auto line = world.history.intents.find(vm.uuid);
  if (line == world.history.intents.end()) return false;
  const StopCause stop = line->second.last_stop;
  if (stop == StopCause::never_ran || stop == StopCause::moved_away) return false;
  const std::vector<Link> links = links_of(resource, device);
  // One word opens for all absent peers only when it is about each of them.
  bool config_only = true;
  bool word_for_all = true;
  bool any = false;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const DrbdPeer& peer = resource.peers[i];
    if (!links[i].diskful) continue;
    if (links[i].connected) {
      if (!links[i].secondary) return false;
      continue;
    }
    any = true;
    if (peer.connection.text == "StandAlone") return false;
    Policy never = world.policy;
    never.allow_degraded_after.reset();
    const World without_config{world.snapshot, never, world.history, world.now};
    if (!may_be_left_out(peer, resource, vm, without_config)) word_for_all = false;
    History silent = world.history;
    silent.standings.clear();
    const World without_words{world.snapshot, world.policy, silent, world.now};
    if (!may_be_left_out(peer, resource, vm, without_words)) config_only = false;
  }
  return any && (word_for_all || config_only);
}

bool device_open(const DrbdResource& resource, const DrbdDevice& device, const Drbd& drbd,
                 const Vm& vm, const World& world) {
  const auto known = world.history.resources.find(resource.name);
  const bool recorded = known != world.history.resources.end();
  if (resource.split_brain.has_value()) return false;
  if (recorded && known->second.split_brain.has_value()) return false;
  if (resource.suspended != "no" || device.quorum == false) return false;
  const bool complete = device.disk.text == "UpToDate";
  bool anyone_here = false;
  bool all_stand_by = true;
  bool somebody_diskful = false;
  bool readable = complete;
  for (const Link& link : links_of(resource, device)) {
    if (link.primary) return false;
    anyone_here |= link.connected;
    somebody_diskful |= link.diskful;
    if (link.diskful && !(link.connected && link.secondary)) all_stand_by = false;
    if (link.connected && link.good_data && (link.feeds_us || device.client == true)) {
      readable = true;
    }
  }
  const bool primary = resource.role.text == "Primary";
  const bool alone_since = recorded && known->second.primary_alone && !anyone_here;
  const bool a = complete && (primary || alone_since);
  const bool b = somebody_diskful && all_stand_by && readable;
  const bool c = drbd.kernel_version.rfind("9.", 0) == 0 && resource.quorum_configured == true &&
                 device.quorum == true && resource.may_promote == true;
  return a || b || c || open_without_peers(resource, device, vm, world);
}

bool minor_open(DeviceMinor minor, const Vm& vm, const World& world) {
  if (!world.snapshot.drbd_in_use || !world.snapshot.drbd.reading.has_value()) return false;
  if (world.now - world.snapshot.drbd.at > seconds(10)) return false;
  const Drbd& drbd = **world.snapshot.drbd.reading;
  if (drbd.kernel_version.empty()) return false;
  for (const DrbdResource& resource : drbd.resources) {
    for (const DrbdDevice& device : resource.devices) {
      if (device.minor.value != minor.value) continue;
      return resource.in_kernel && device_open(resource, device, drbd, vm, world);
    }
  }
  return false;
}

bool disk_open(const Vm& vm, const VmDisk& disk, const World& world) {
  if (disk.backing == DiskBacking::local) {
    return !is_away(vm, world) || every_peer_says_no(vm, world);
  }
  if (disk.backing == DiskBacking::missing) return disk.optional_at_start;
  if (disk.backing == DiskBacking::shared) {
    if (exclusive(vm, world.policy)) return true;
    return !world.policy.peers.empty() && every_peer_says_no(vm, world);
  }
  if (disk.backing != DiskBacking::drbd || disk.drbd.empty()) return false;
  bool open = true;
  for (const DeviceMinor minor : disk.drbd) open = open && minor_open(minor, vm, world);
  return open;
}

}  // namespace

bool audited_storage_open(const Vm& vm, const World& world) {
  for (const Peer& peer : world.snapshot.peers) {
    if (!peer.facts.reading.has_value() || buried(peer.name.value, world)) continue;
    for (const VmUuid& uuid : peer.facts.reading->active_vms) {
      if (uuid.value == vm.uuid.value) return false;
    }
  }
  if (!vm.definition_known) return false;
  bool open = true;
  for (const VmDisk& disk : vm.disks) {
    if (disk.in_definition) open = open && disk_open(vm, disk, world);
  }
  return open;
}

}  // namespace upkeep::test
