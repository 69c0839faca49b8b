// VMs on storage that every node reaches, of which nothing but the nodes' words to each other keeps
// two from running: persons move them, mark them, call nodes dead; nodes can't hear each other.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/support/cluster_story.h"

namespace upkeep::test {
namespace {

using simulation::Guest;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string node_name(NodeIndex node) { return fmt::format("node{}", node + 1); }

}  // namespace

/// The answer to a question comes later than the question, by a moment or by nearly as long as
/// anybody waits for it.
simulation::Travel ClusterStory::travel() {
  const auto way = [this] { return milliseconds(1 + side_.below(side_.percent(20) ? 1400 : 20)); };
  return {.there = way(), .back = way()};
}

bool ClusterStory::hear_each_other(NodeIndex one, NodeIndex other) const {
  return !isolated_.contains(one) && !isolated_.contains(other);
}

void ClusterStory::happen_to_shared() {
  if (shared_vms_.empty()) return;
  VmUuid vm = shared_vms_.at(side_.below(shared_vms_.size()));
  const std::size_t dice = side_.below(100);
  if (dice < 25) {
    begin_migration(vm);
  } else if (dice < 40) {
    // Those whose node is dark come first.
    for (const VmUuid& one : shared_vms_) {
      if (!cluster_->node(books_->home(one)).powered()) vm = one;
    }
    start_elsewhere(vm);
  } else if (dice < 62) {
    mark(cluster_->node(side_.below(cluster_->nodes().size())), vm,
         side_.pick({Keep::up, Keep::up, Keep::up, Keep::down, Keep::ignore, Keep::automatic}));
  } else if (dice < 80) {
    isolate(side_.below(cluster_->nodes().size()));
  } else if (dice < 89) {
    declare_dead();
  } else if (dice < 94) {
    lose_inventory(vm);
  } else {
    lie();
  }
}

void ClusterStory::mark(SimulatedNode& node, const VmUuid& vm, Keep keep) {
  if (faults_ && !node.runs_daemon()) return;
  tell(fmt::format("{}: a person marks {} {}", node.options().name.value, vm.value,
                   to_string(keep)));
  ++counts()["mark " + std::string(to_string(keep))];
  books_->marks(node.index(), vm, keep);
  const Mark word{.keep = keep, .by = "root", .reason = ""};
  node.order(MarkVm{.vm = {vm.value}, .mark = word},
             [this, &node, vm, keep](const Result<std::string>& answer) {
               books_->marks().answered(node.index(), vm, keep, answer.has_value());
               if (!answer) settled_.erase({node.index(), vm});  // To be said once more.
             });
}

/// And a person wants it on another node, as far as that is possible, and maybe nothing on this.
void ClusterStory::lose_inventory(const VmUuid& vm) {
  const auto place = books_->place_of(vm);
  const NodeIndex other = side_.below(cluster_->nodes().size());
  if (!place || other == *place) return;
  tell(node_name(*place) + ": libvirt lists nothing");
  cluster_->node(*place).answers.libvirt = simulation::Answer::nothing;
  if (!side_.percent(70)) return;
  if (side_.percent(50)) {
    SimulatedNode& node = cluster_->node(*place);
    for (const auto& [uuid, guest] : node.guests()) mark(node, uuid, Keep::down);
    if (!cluster_->node(other).guests().contains(vm)) define_at(cluster_->node(other), vm);
  }
  mark(cluster_->node(other), vm, Keep::up);
}

void ClusterStory::isolate(NodeIndex node) {
  if (isolated_.erase(node) > 0) {
    tell(node_name(node) + ": the others hear it again");
    return;
  }
  tell(node_name(node) + ": nobody hears it any more, nor does it hear anybody");
  ++counts()["isolated"];
  isolated_.insert(node);
}

/// A person who calls a node dead may be right, and be wrong.
void ClusterStory::declare_dead() {
  SimulatedNode& node = cluster_->node(side_.below(cluster_->nodes().size()));
  const NodeIndex peer = side_.below(cluster_->nodes().size());
  const SimulatedNode& other = cluster_->node(peer);
  if (peer == node.index() || !node.runs_daemon()) return;
  tell(fmt::format("{}: a person declares {} dead", node.options().name.value, node_name(peer)));
  books_->shared().says_dead(node.index(), peer);
  node.order(DeclareDead{.node = other.options().name, .by = "root"},
             [this, &node, peer](const Result<std::string>& answer) {
               const bool lives = cluster_->node(peer).powered();
               if (answer) ++counts()[lives ? "wrongly called dead" : "called dead"];
               books_->shared().answered(node, peer, answer.has_value());
             });
}

void ClusterStory::start_elsewhere(const VmUuid& vm) {
  if (books_->place_of(vm)) return;
  SimulatedNode& node = cluster_->node(side_.below(cluster_->nodes().size()));
  if (!node.powered()) return;
  if (!node.guests().contains(vm)) define_at(node, vm);
  if (start_by_hand(node, vm)) ++counts()["shared start by hand"];
}

void ClusterStory::define_at(SimulatedNode& node, const VmUuid& vm) {
  for (const auto& other : cluster_->nodes()) {
    const auto guest = other->guests().find(vm);
    if (guest == other->guests().end()) continue;
    Guest copy = guest->second;
    copy.state = VmState::shut_off;
    copy.reason = VmReason::unknown;
    copy.verified.reset();
    copy.job = false;
    node.define(std::move(copy));
    return;
  }
}

/// While it lasts the guest's process is there on both.
void ClusterStory::begin_migration(const VmUuid& vm) {
  const auto place = books_->place_of(vm);
  const NodeIndex target = side_.below(cluster_->nodes().size());
  if (!place || *place == target || !hear_each_other(*place, target)) return;
  SimulatedNode& from = cluster_->node(*place);
  SimulatedNode& to = cluster_->node(target);
  const auto there = to.guests().find(vm);
  const bool free = there == to.guests().end() || is_down(there->second.state);
  Guest guest = from.guests().at(vm);
  if (!to.powered() || !free || guest.state != VmState::running || guest.job) return;
  tell(fmt::format("{} begins to move from {} to {}", vm.value, node_name(*place),
                   node_name(target)));
  guest.job = true;
  from.define(guest);
  guest.job = false;
  guest.state = VmState::paused;
  guest.reason = VmReason::migration;
  to.define(guest);
  unheard(to, [&] { to.tell(vm, VmEventKind::started); });
  books_->comes(vm, target);
  migrations_.push_back(
      {.vm = vm, .from = *place, .to = target, .ends = cluster_->now() + side_.seconds(10)});
}

void ClusterStory::finish_migrations(bool all) {
  std::erase_if(migrations_, [&](const Migration& one) {
    const auto& guests = cluster_->node(one.from).guests();
    const auto guest = guests.find(one.vm);
    const bool goes_on = guest != guests.end() && guest->second.job;
    if (goes_on && !all && cluster_->now() < one.ends) return false;
    finish(one, goes_on && side_.percent(80));
    return true;
  });
}

void ClusterStory::finish(const Migration& one, bool well) {
  SimulatedNode& from = cluster_->node(one.from);
  SimulatedNode& to = cluster_->node(one.to);
  const auto there = to.guests().find(one.vm);
  const bool waits = there != to.guests().end() && !SharedBook::runs_on(to, one.vm) &&
                     !is_down(there->second.state);
  if (well && waits) {
    arrive(one, from.guests().at(one.vm));
    return;
  }
  if (waits) {
    tell(fmt::format("{} does not arrive on {}", one.vm.value, node_name(one.to)));
    unheard(to, [&] { to.stop(one.vm, VmReason::failed, {VmEventKind::stopped_failed}); });
  }
  const auto here = from.guests().find(one.vm);
  if (here == from.guests().end() || !here->second.job) return;
  Guest guest = here->second;
  guest.job = false;
  from.define(std::move(guest));
}

void ClusterStory::arrive(const Migration& one, Guest guest) {
  SimulatedNode& from = cluster_->node(one.from);
  SimulatedNode& to = cluster_->node(one.to);
  ++counts()["live migration"];
  tell(fmt::format("{} has moved from {} to {}", one.vm.value, node_name(one.from),
                   node_name(one.to)));
  guest.job = false;
  guest.state = VmState::running;
  guest.reason = VmReason::migrated;
  if (!guest.verified) guest.verified = cluster_->now();
  to.define(guest);
  unheard(to, [&] { to.tell(one.vm, VmEventKind::resumed); });
  unheard(from, [&] {
    from.stop(one.vm, VmReason::migrated, {VmEventKind::stopped_migrated});
    if (side_.percent(40)) from.undefine(one.vm);
  });
  books_->started(one.vm, one.to);
}

/// With the guest the other end of its migration goes.
void ClusterStory::end_migration_of(const VmUuid& vm) {
  std::erase_if(migrations_, [&](const Migration& one) {
    if (one.vm != vm) return false;
    finish(one, false);
    return true;
  });
}

/// What persons do about VMs that two nodes run or want: one of them is to have it.
void ClusterStory::mend_shared() {
  // What left an empty node unseen is wanted there for ever, until a person says otherwise.
  for (const auto& node : cluster_->nodes()) {
    if (!node->guests().empty()) continue;
    const IntentLedger ledger = node->journal().state().intents;
    for (const auto& [vm, line] : ledger) {
      if (!line.wanted || !settled_.insert({node->index(), vm}).second) continue;
      ++counts()["missed on an empty node"];
      mark(*node, vm, Keep::down);
    }
  }
  for (const VmUuid& vm : shared_vms_) {
    const NodeIndex home = books_->home(vm);
    const bool runs_at_home = SharedBook::runs_on(cluster_->node(home), vm);
    const auto place = books_->place_of(vm);
    for (const auto& node : cluster_->nodes()) {
      if (node->index() == (place && !runs_at_home ? *place : home)) continue;
      if (SharedBook::runs_on(*node, vm)) {
        tell(fmt::format("{}: a person stops {}, which runs twice", node->options().name.value,
                         vm.value));
        node->stop(vm, VmReason::destroyed, {VmEventKind::stopped_destroyed});
      }
      if (place || !books_->is_wanted(vm)) continue;
      const auto facts = node->facts();
      const bool wants =
          facts && facts->wanted_vms && std::ranges::count(*facts->wanted_vms, vm) > 0;
      if (!wants) continue;
      ++counts()["two wanted it"];
      settled_.insert({node->index(), vm});
      mark(*node, vm, Keep::down);
    }
  }
}

void ClusterStory::heal_shared() {
  isolated_.clear();
  finish_migrations(true);
  for (const auto& node : cluster_->nodes()) {
    for (const auto& peer : cluster_->nodes()) {
      if (!shares_ || peer == node) continue;
      const DeclareDead word{.node = peer->options().name, .by = "root", .take_back = true};
      node->order(word, [this, here = node->index(), there = peer->index()](const auto& answer) {
        if (answer) books_->shared().takes_back(here, there);
      });
    }
  }
}

/// Again where a node could not keep it.
void ClusterStory::take_marks_back() {
  const auto marks = books_->marks().lines();
  for (const auto& [spot, line] : marks) {
    const bool stays = line.firm == Keep::automatic && line.open.empty();
    if (stays || settled_.contains(spot)) continue;
    mark(cluster_->node(spot.first), spot.second, Keep::automatic);
  }
}

}  // namespace upkeep::test
