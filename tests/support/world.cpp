#include "tests/support/world.h"

#include <algorithm>
#include <utility>

namespace upkeep::test {
namespace {

template <class Kind, std::size_t N>
Stated<Kind> word_of(const std::array<DrbdWord<Kind>, N>& words, Kind kind) {
  for (const auto& entry : words) {
    if (entry.kind == kind) return {kind, std::string(entry.word)};
  }
  return {kind, "?"};
}

template <class T>
void reread(Observed<T>& observed, Tick now) {
  observed.at = now;
}

Intent& line_of(History& history, const std::string& vm) {
  Intent& line = history.intents[VmUuid{uuid_of(vm)}];
  line.uuid = {uuid_of(vm)};
  line.name = {vm};
  line.boot = {"boot-1"};
  line.changed = kWall;
  return line;
}

}  // namespace

std::string uuid_of(const std::string& vm) { return "uuid-" + vm; }

VmBuilder::VmBuilder(const std::string& name) {
  vm_.name = {name};
  vm_.uuid = {uuid_of(name)};
  vm_.state = VmState::running;
  vm_.reason = VmReason::booted;
  vm_.definition_known = true;
  disk("vda", DiskBacking::local);
}

VmBuilder& VmBuilder::state(VmState state, VmReason reason) {
  vm_.state = state;
  vm_.reason = reason;
  return *this;
}

VmBuilder& VmBuilder::transient() {
  vm_.persistent = false;
  return *this;
}

VmBuilder& VmBuilder::autostart() {
  vm_.autostart = true;
  return *this;
}

VmBuilder& VmBuilder::busy() {
  vm_.job_active = true;
  return *this;
}

VmBuilder& VmBuilder::managed_by(const std::string& manager) {
  vm_.other_manager = manager;
  return *this;
}

VmBuilder& VmBuilder::definition_unknown() {
  vm_.definition_known = false;
  vm_.disks.clear();
  return *this;
}

VmBuilder& VmBuilder::disk(VmDisk disk) {
  std::erase_if(vm_.disks, [&](const VmDisk& one) { return one.target == disk.target; });
  vm_.disks.push_back(std::move(disk));
  return *this;
}

VmBuilder& VmBuilder::disk(const std::string& target, DiskBacking backing) {
  VmDisk one;
  one.target = {target};
  one.source = "/var/lib/libvirt/images/" + vm_.name.value + "-" + target;
  one.backing = backing;
  return disk(std::move(one));
}

VmBuilder& VmBuilder::on_drbd(std::uint32_t minor, const std::string& target) {
  VmDisk one;
  one.target = {target};
  one.source = "/dev/drbd" + std::to_string(minor);
  one.backing = DiskBacking::drbd;
  one.drbd = {DeviceMinor{minor}};
  return disk(std::move(one));
}

VmBuilder& VmBuilder::network(const std::string& name, std::optional<bool> present,
                              bool is_bridge) {
  vm_.networks.push_back({.name = name, .is_bridge = is_bridge, .present = present});
  return *this;
}

ResourceBuilder::ResourceBuilder(const std::string& name, std::uint32_t minor) {
  resource_.name = {name};
  resource_.in_kernel = true;
  resource_.configured = true;
  DrbdDevice device;
  device.volume = {0};
  device.minor = {minor};
  resource_.devices.push_back(std::move(device));
  role(DrbdRole::secondary);
  disk(DrbdDisk::up_to_date);
  second_peer("node2", DrbdConnection::connected, DrbdRole::secondary);
}

ResourceBuilder& ResourceBuilder::role(DrbdRole role) {
  resource_.role = word_of(kDrbdRoles, role);
  return *this;
}

ResourceBuilder& ResourceBuilder::disk(DrbdDisk disk) {
  resource_.devices.front().disk = word_of(kDrbdDisks, disk);
  return *this;
}

ResourceBuilder& ResourceBuilder::peer(DrbdConnection connection, DrbdRole role) {
  resource_.peers.front().connection = word_of(kDrbdConnections, connection);
  resource_.peers.front().role = word_of(kDrbdRoles, role);
  if (connection != DrbdConnection::connected) {
    peer_disk(DrbdDisk::dunknown, DrbdReplication::off);
  }
  return *this;
}

ResourceBuilder& ResourceBuilder::peer_disk(DrbdDisk disk, DrbdReplication replication) {
  DrbdPeerDevice& device = resource_.peers.front().devices.front();
  device.peer_disk = word_of(kDrbdDisks, disk);
  device.replication = word_of(kDrbdReplications, replication);
  return *this;
}

ResourceBuilder& ResourceBuilder::second_peer(const std::string& name, DrbdConnection connection,
                                              DrbdRole role) {
  DrbdPeer peer;
  peer.name = {name};
  peer.node_id = static_cast<std::uint32_t>(resource_.peers.size()) + 1;
  peer.connection = word_of(kDrbdConnections, connection);
  peer.role = word_of(kDrbdRoles, role);
  const bool connected = connection == DrbdConnection::connected;
  DrbdPeerDevice device;
  device.volume = {0};
  device.peer_disk = word_of(kDrbdDisks, connected ? DrbdDisk::up_to_date : DrbdDisk::dunknown);
  device.replication =
      word_of(kDrbdReplications, connected ? DrbdReplication::established : DrbdReplication::off);
  peer.devices.push_back(std::move(device));
  resource_.peers.push_back(std::move(peer));
  return *this;
}

ResourceBuilder& ResourceBuilder::no_peers() {
  resource_.peers.clear();
  return *this;
}

ResourceBuilder& ResourceBuilder::down() {
  resource_.in_kernel = false;
  resource_.peers.clear();
  resource_.role = {};
  resource_.devices.front().disk = {};
  return *this;
}

ResourceBuilder& ResourceBuilder::quorum(bool configured, bool quorum, bool may_promote) {
  resource_.quorum_configured = configured;
  resource_.devices.front().quorum = quorum;
  resource_.may_promote = may_promote;
  return *this;
}

ResourceBuilder& ResourceBuilder::client() {
  resource_.devices.front().client = true;
  return disk(DrbdDisk::diskless);
}

ResourceBuilder& ResourceBuilder::suspended(const std::string& reasons) {
  resource_.suspended = reasons;
  return *this;
}

ResourceBuilder& ResourceBuilder::split_brain(const std::string& what) {
  resource_.split_brain = SplitBrainEvidence{.what = what, .at = kWall};
  return *this;
}

ResourceBuilder& ResourceBuilder::managed_by(const std::string& manager) {
  resource_.other_manager = manager;
  return *this;
}

TestWorld::TestWorld() {
  snapshot.wall = kWall;
  snapshot.vms.reading = std::make_shared<const Vms>();
  Drbd drbd;
  drbd.module_loaded = true;
  drbd.kernel_version = "9.2.18";
  snapshot.drbd.reading = std::make_shared<const Drbd>(std::move(drbd));
  Node node;
  node.boot_id = {"boot-1"};
  snapshot.node.reading = node;
  policy.mode = Mode::act;
  history.started = kNow - std::chrono::hours(1);
  history.settled_at = history.started;
  history.boot = {"boot-1"};
  later({});
}

TestWorld& TestWorld::with(const Vm& vm) {
  Vms vms = **snapshot.vms.reading;
  std::erase_if(vms, [&](const Vm& one) { return one.name == vm.name; });
  vms.push_back(vm);
  snapshot.vms.reading = std::make_shared<const Vms>(std::move(vms));
  // The peers have known for long that it is wanted here.
  if (!history.wanted_told) history.wanted_told.emplace();
  history.wanted_told->insert_or_assign(vm.uuid, kNow - std::chrono::hours(1));
  return *this;
}

TestWorld& TestWorld::with(const DrbdResource& resource) {
  Drbd drbd = **snapshot.drbd.reading;
  std::erase_if(drbd.resources, [&](const DrbdResource& one) { return one.name == resource.name; });
  drbd.resources.push_back(resource);
  snapshot.drbd.reading = std::make_shared<const Drbd>(std::move(drbd));
  return *this;
}

TestWorld& TestWorld::drbd_version(const std::string& version) {
  Drbd drbd = **snapshot.drbd.reading;
  drbd.kernel_version = version;
  snapshot.drbd.reading = std::make_shared<const Drbd>(std::move(drbd));
  return *this;
}

TestWorld& TestWorld::peer(const std::string& name, std::vector<std::string> active_vms) {
  PeerFacts facts;
  facts.node = {name};
  facts.boot_id = {"boot-of-" + name};
  facts.wanted_vms = std::vector<VmUuid>{};
  for (const std::string& vm : active_vms) facts.active_vms.push_back({uuid_of(vm)});
  policy.peers.push_back({name});
  snapshot.peers.push_back({.name = {name}, .facts = {.reading = std::move(facts), .at = now}});
  return *this;
}

TestWorld& TestWorld::wanted(const std::string& vm, StopCause last_stop) {
  Intent& line = line_of(history, vm);
  line.wanted = true;
  line.last_stop = last_stop;
  return *this;
}

TestWorld& TestWorld::unwanted(const std::string& vm, StopCause last_stop) {
  Intent& line = line_of(history, vm);
  line.wanted = false;
  line.last_stop = last_stop;
  return *this;
}

TestWorld& TestWorld::marked(const std::string& vm, Keep keep) {
  line_of(history, vm).mark = Mark{.keep = keep, .by = "root", .reason = "test", .at = kWall};
  return *this;
}

TestWorld& TestWorld::confirmed(const std::string& rule, const Target& target) {
  return known_for(std::chrono::seconds(3), rule, target);
}

TestWorld& TestWorld::known_for(Duration time, const std::string& rule, const Target& target) {
  history.problems[{rule, target}] = {.trigger = Trigger::event,
                                      .since = now - time,
                                      .observations = 2,
                                      .last_reading = now,
                                      .definite = true};
  return *this;
}

TestWorld& TestWorld::vm_policy(VmPolicy block) {
  policy.vms.push_back(std::move(block));
  return *this;
}

TestWorld& TestWorld::later(Duration by) {
  now += by;
  snapshot.at = now;
  snapshot.wall += std::chrono::duration_cast<WallTime::duration>(by);
  reread(snapshot.vms, now);
  reread(snapshot.drbd, now);
  reread(snapshot.node, now);
  for (Peer& peer : snapshot.peers) reread(peer.facts, now);
  return *this;
}

}  // namespace upkeep::test
