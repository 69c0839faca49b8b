// What the sources of a simulated node say.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "simulation/simulated_node.h"

namespace upkeep::simulation {
namespace {

/// How often a guest is asked after its first good answer.
constexpr Duration kCheckedAgain = std::chrono::seconds(10);

Vm seen(const Guest& guest) {
  Vm vm;
  vm.name = guest.name;
  vm.uuid = guest.uuid;
  vm.state = guest.state;
  vm.reason = guest.reason;
  vm.definition_known = true;
  vm.job_active = guest.job;
  if (is_up(guest.state) && guest.started != Tick{}) vm.last_start = guest.started_wall;
  VmDisk disk;
  disk.target = {"vda"};
  disk.backing = guest.minor ? DiskBacking::drbd : DiskBacking::local;
  disk.source = guest.minor ? fmt::format("/dev/drbd{}", guest.minor->value)
                            : fmt::format("/dev/vg0/{}", guest.name.value);
  if (guest.minor) disk.drbd = {*guest.minor};
  if (guest.shared) {
    disk.backing = DiskBacking::shared;
    disk.source = fmt::format("rbd:vms/{}", guest.name.value);
  }
  if (!is_down(guest.state)) disk.attached = true;
  vm.disks.push_back(std::move(disk));
  return vm;
}

bool is_old(Tick at, Tick now, Duration every) { return at == Tick{} || now - at >= every; }

}  // namespace

void SimulatedNode::read() {
  const Tick now = clock_.now();
  auto snapshot = std::make_shared<Snapshot>(snapshot_ == nullptr ? Snapshot{} : *snapshot_);
  ++snapshot->generation;
  snapshot->at = now;
  snapshot->wall = clock_.wall();
  const bool all = std::exchange(asked_, false);
  if (all || vms_changed_ || is_old(snapshot->vms.at, now, options_.vms_every)) {
    read_one(snapshot->vms, answers.libvirt, [&] { return vms(); });
    vms_changed_ = false;
  }
  const std::uint64_t drbd = replication_.generation(index_);
  if (all || drbd != drbd_seen_ || is_old(snapshot->drbd.at, now, options_.drbd_every)) {
    read_one(snapshot->drbd, answers.drbd,
             [&] { return std::make_shared<const Drbd>(replication_.reading(index_)); });
    drbd_seen_ = drbd;
  }
  snapshot->drbd_in_use = !replication_.resources().empty();
  if (all || is_old(snapshot->node.at, now, options_.node_every)) {
    read_one(snapshot->node, answers.node, [&] { return node(); });
  }
  snapshot->health = healths();
  snapshot->peers = peers;
  snapshot_ = std::move(snapshot);
}

template <class T, class Read>
void SimulatedNode::read_one(Observed<T>& observed, Answer answer, const Read& read) const {
  if (answer == Answer::hangs) return;
  observed.at = clock_.now();
  if (answer == Answer::fails) {
    observed.reading = fail(Errc::unavailable, "it does not answer");
  } else {
    observed.reading = read();
  }
}

std::shared_ptr<const Vms> SimulatedNode::vms() const {
  auto list = std::make_shared<Vms>();
  if (answers.libvirt == Answer::nothing) return list;
  for (const auto& [uuid, guest] : guests_) list->push_back(seen(guest));
  return list;
}

std::shared_ptr<const VmHealths> SimulatedNode::healths() const {
  auto healths = std::make_shared<VmHealths>();
  const Tick now = clock_.now();
  for (const auto& [uuid, guest] : guests_) {
    if (!is_up(guest.state)) continue;
    const bool healthy = guest.verified && *guest.verified <= now;
    std::optional<Tick> last;
    if (healthy) last = now - (now - *guest.verified) % kCheckedAgain;
    (*healths)[uuid] = {.healthy = healthy,
                        .detail = healthy ? "" : "the guest agent does not answer",
                        .at = now,
                        .verified = last};
  }
  return healths;
}

Node SimulatedNode::node() const {
  Node node;
  node.boot_id = boot_id();
  node.boot_time = booted_;
  node.previous_shutdown = boots_ > 1 ? PreviousShutdown::unclean : PreviousShutdown::unknown;
  node.cores = static_cast<std::uint32_t>(options_.hardware.cores);
  node.pressure = load_.pressure();
  return node;
}

Result<std::shared_ptr<const Snapshot>> SimulatedNode::reread(const Target& target) const {
  const bool is_vm = target.kind == Target::Kind::vm;
  const bool blind = (is_vm && answers.libvirt != Answer::right) || answers.drbd != Answer::right;
  if (blind) return fail(Errc::unavailable, "it does not answer");
  auto snapshot = std::make_shared<Snapshot>(snapshot_ == nullptr ? Snapshot{} : *snapshot_);
  snapshot->at = clock_.now();
  snapshot->wall = clock_.wall();
  snapshot->vms = {.reading = vms(), .at = clock_.now()};
  snapshot->drbd = {.reading = std::make_shared<const Drbd>(replication_.reading(index_)),
                    .at = clock_.now()};
  return snapshot;
}

}  // namespace upkeep::simulation
