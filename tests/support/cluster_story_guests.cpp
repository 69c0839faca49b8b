// What happens to guests: crashes, and persons who stop, start and move them.
#include "tests/support/cluster_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace upkeep::test {
namespace {

using simulation::Guest;
using simulation::Replication;

/// What a person does who wants a VM off, and how libvirt tells of it.
struct Stop {
  VmReason reason{};
  std::vector<VmEventKind> events;
};

Stop any_stop(simulation::Random& random) {
  switch (random.below(3)) {
    case 0: return {VmReason::destroyed, {VmEventKind::stopped_destroyed}};
    case 1:
      return {VmReason::shutdown, {VmEventKind::shutdown_guest, VmEventKind::stopped_shutdown}};
    default: return {VmReason::saved, {VmEventKind::stopped_saved}};
  }
}

}  // namespace

void ClusterStory::happen_to_a_guest() {
  const VmUuid vm = vms_.at(random_.below(vms_.size()));
  const auto place = books_->place_of(vm);
  if (!place) {
    start_somewhere(vm);
    return;
  }
  SimulatedNode& node = cluster_->node(*place);
  const std::size_t dice = random_.below(100);
  if (dice < 55) {
    crash(node, vm);
  } else if (dice < 80) {
    stop(node, vm);
  } else {
    move(node, vm);
  }
}

void ClusterStory::crash(SimulatedNode& node, const VmUuid& vm) {
  ++counts()["crash"];
  end_migration_of(vm);
  books_->crashed(vm);
  unheard(node, [&] {
    const bool kept = random_.percent(30);
    tell(fmt::format("{}: {} {}", node.options().name.value, vm.value,
                     kept ? "panics, and is kept dead" : "crashes"));
    if (kept) {
      ++counts()["kept dead"];
      node.stop(vm, VmReason::panicked, {VmEventKind::crashed});
    } else {
      node.stop(vm, VmReason::crashed, {VmEventKind::stopped_crashed});
    }
  });
}

void ClusterStory::stop(SimulatedNode& node, const VmUuid& vm) {
  ++counts()["stop"];
  end_migration_of(vm);
  const Stop how = any_stop(random_);
  tell(fmt::format("{}: a person stops {} ({})", node.options().name.value, vm.value,
                   to_string(how.reason)));
  books_->stopped(vm, how.reason, node.index());
  unheard(node, [&] { node.stop(vm, how.reason, how.events); });
}

bool ClusterStory::start_by_hand(SimulatedNode& node, const VmUuid& vm) {
  if (!node.powered() || !node.guests().contains(vm)) return false;
  const Guest& guest = node.guests().at(vm);
  if (guest.resource) {
    Replication& disks = cluster_->replication();
    const auto* there = disks.other_side(node.index(), *guest.resource);
    // A careful person: not on an old copy, unless the other side is gone.
    if (there->open || (there->wrote_alone && cluster_->node(there->node).powered())) return false;
    if (!disks.side(node.index(), *guest.resource)->primary &&
        !disks.promote(node.index(), *guest.resource)) {
      return false;
    }
  }
  if (guest.state == VmState::crashed) {
    node.stop(vm, VmReason::destroyed, {VmEventKind::stopped_destroyed});
  }
  bool runs = false;
  unheard(node, [&] { runs = node.start(vm).has_value(); });
  if (!runs) {
    books_->stopped(vm, guest.reason);  // As far as anybody can see.
    return false;
  }
  tell(node.options().name.value + ": a person starts " + vm.value);
  books_->started(vm, node.index());
  return true;
}

void ClusterStory::start_somewhere(const VmUuid& vm) {
  if (!books_->is_wanted(vm) && random_.percent(50)) return;
  SimulatedNode& home = cluster_->node(books_->home(vm));
  if (start_by_hand(home, vm)) {
    ++counts()["start by hand"];
    return;
  }
  if (home.guests().contains(vm) && home.guests().at(vm).shared) return;
  if (home.powered()) return;  // It is about to come back there.
  for (const auto& node : cluster_->nodes()) {
    if (node->index() != home.index() && start_by_hand(*node, vm)) ++counts()["takeover"];
  }
}

void ClusterStory::move(SimulatedNode& from, const VmUuid& vm) {
  const Guest guest = from.guests().at(vm);
  if (guest.shared) begin_migration(vm);
  if (!guest.resource) return;
  const Replication& disks = cluster_->replication();
  const NodeIndex other = disks.other_side(from.index(), *guest.resource)->node;
  SimulatedNode& to = cluster_->node(other);
  const auto resource =
      std::ranges::find(disks.resources(), *guest.resource, &Replication::Resource::name);
  if (!to.powered() || !resource->linked || resource->sync_target) return;
  if (!is_down(to.guests().at(vm).state)) return;
  tell(fmt::format("{} moves from node{} to node{}", vm.value, from.index() + 1, other + 1));
  ++counts()["move"];
  from.stop(vm, VmReason::migrated, {VmEventKind::stopped_migrated});
  static_cast<void>(cluster_->replication().demote(from.index(), *guest.resource));
  if (!start_by_hand(to, vm)) books_->stopped(vm, VmReason::migrated);
}

}  // namespace upkeep::test
