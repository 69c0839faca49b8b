// What the books say of what upkeep begins, orders and ends.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "tests/support/cluster_books.h"

namespace upkeep::test {
namespace {

using simulation::Guest;
using simulation::Replication;

}  // namespace

void ClusterBooks::judge_order(SimulatedNode& node, const simulation::Order& order) {
  tell_(fmt::format("{}: {} {}", node.options().name.value, order.verb, order.subject));
  ++counts_[std::string(order.verb)];
  if (order.verb == "discard" || order.verb == "disconnect") wrong(node, "gives up data");
  if (const auto pause = pauses_.over(node, order)) {
    wrong(node, fmt::format("{} {} under a pause of {}", order.verb, order.subject, *pause));
  }
  judge_configuration(node, order);
  judge_mark(node, order);
  if (order.verb == "start") judge_start(node, VmUuid{order.subject});
  const std::pair key{node.index(), ResourceName{order.subject}};
  if (order.verb == "adjust" && taken_down_.contains(key)) {
    wrong(node, order.subject + ": brought up what a person took down");
  }
  if (order.verb == "connect") {
    const Replication::Side* side = cluster_.replication().side(node.index(), key.second);
    if (side != nullptr && side->evidence) wrong(node, order.subject + ": connects a split brain");
  }
}

/// From the moment on at which it was reloaded, also for what had been decided and not been sent.
void ClusterBooks::judge_configuration(SimulatedNode& node, const simulation::Order& order) {
  if (order.verb == "demote") return;  // Taking back is no action of its own.
  const Policy& policy = *node.policy;
  if (policy.mode != Mode::act) {
    wrong(node, fmt::format("{} {} in mode {}", order.verb, order.subject, to_string(policy.mode)));
  }
  const auto guest = node.guests().find(VmUuid{order.subject});
  if (guest == node.guests().end()) return;
  const Keep keep = policy_for(policy, guest->second.name).keep;
  const bool forbidden = keep == Keep::down || keep == Keep::ignore;
  // A mark goes before the configuration.
  if (forbidden && !marks_.may_be(node.index(), guest->first, Keep::up)) {
    wrong(node, fmt::format("{} {} against the configuration", order.verb, order.subject));
  }
}

/// Whatever is done to a VM, or to a disk for its sake.
void ClusterBooks::judge_mark(SimulatedNode& node, const simulation::Order& order) {
  for (const auto& [vm, guest] : node.guests()) {
    const bool its_disk =
        order.verb == "promote" && guest.resource && guest.resource->value == order.subject;
    if (vm.value != order.subject && !its_disk) continue;
    if (!marks_.forbids(node.index(), vm)) continue;
    wrong(node, fmt::format("{} {} against a mark", order.verb, order.subject));
  }
}

void ClusterBooks::judge_start(SimulatedNode& node, const VmUuid& vm) {
  const Guest& guest = node.guests().at(vm);
  const std::string& name = guest.name.value;
  for (const auto& other : cluster_.nodes()) {
    if (guest.shared || other->index() == node.index() || is_down_in(*other, vm)) continue;
    if (shared_.is_called_dead(node, other->index())) {
      lines_.at(vm).twice = lines_.at(vm).muddled = true;
      continue;
    }
    wrong(node, name + ": runs on " + other->options().name.value + " already");
  }
  judge_wish(node, vm);
  // Where it runs twice now, nobody can say what is to become of it.
  if (guest.shared && !shared_.judge_start(node, vm)) {
    lines_.at(vm).twice = lines_.at(vm).muddled = true;
  }
  const auto& actions = node.journal().actions;
  const bool remembered = std::ranges::any_of(actions, [&](const auto& entry) {
    return !entry.second.ended && target_of(entry.second.action) == target_of(guest.name);
  });
  if (!remembered) wrong(node, name + ": starts what is not in the journal");
  judge_disk(node, guest);
}

void ClusterBooks::judge_wish(SimulatedNode& node, const VmUuid& vm) {
  Line& line = lines_.at(vm);
  const NodeIndex index = node.index();
  if (line.left.contains(index)) {
    wrong(node, vm.value + ": starts what went elsewhere: " + thought_of(node, vm));
  }
  if (line.wanted && line.home == index) return;
  if (marks_.may_be(index, vm, Keep::up)) {
    line.by_mark = index;
    return;
  }
  if (line.known.contains(index)) {
    wrong(node, vm.value + ": starts what nobody wants here: " + thought_of(node, vm));
  }
  line.muddled = true;  // It did not know, and its word is as good as anybody's now.
}

/// What runs is wanted, also when the mark is taken back.
void ClusterBooks::take_marked_starts(const SimulatedNode& node) {
  for (auto& [vm, line] : lines_) {
    if (line.by_mark != node.index() || !SharedBook::runs_on(node, vm)) continue;
    line.by_mark.reset();
    line.wanted = true;
    line.home = node.index();
    changed(line);
    line.muddled = line.twice || !marks_.is_certain(node.index(), vm);
  }
}

/// The other side has what this one hasn't: starting here would part them for good.
void ClusterBooks::judge_disk(SimulatedNode& node, const Guest& guest) {
  if (!guest.resource) return;
  const Replication& disks = cluster_.replication();
  const Replication::Side* here = disks.side(node.index(), *guest.resource);
  const Replication::Side* there = disks.other_side(node.index(), *guest.resource);
  const auto resource =
      std::ranges::find(disks.resources(), *guest.resource, &Replication::Resource::name);
  if (there->open && !shared_.is_called_dead(node, there->node))
    wrong(node, guest.name.value + ": its disk is in use on the other side");
  // Where a person let both sides write they are parted already; then the later one goes on.
  const bool older = !here->wrote_alone || here->wrote < there->wrote;
  // Whoever calls the other side dead gives up what only that one has.
  const bool given_up = shared_.is_called_dead(node, there->node);
  if (!resource->linked && there->wrote_alone && older && !given_up) {
    wrong(node, guest.name.value + ": starts on an old copy");
  }
  if (here->evidence) wrong(node, guest.name.value + ": starts in a split brain");
}

void ClusterBooks::begun(SimulatedNode& node, const Ticket& ticket) {
  const std::string target = to_string(target_of(ticket.action));
  if (node.journal().failing) wrong(node, target + ": acts without a journal");
  pace_.begun(node, ticket);
}

void ClusterBooks::ended(SimulatedNode& node, const Completed& completed) {
  ++counts_["ended " + std::string(to_string(completed.outcome.kind))];
  tell_(fmt::format("{}: {} {} {}", node.options().name.value,
                    to_string(target_of(completed.action)), to_string(completed.outcome.kind),
                    completed.outcome.detail));
  pace_.ended(node, completed);
}

void ClusterBooks::recovery_opened(SimulatedNode& node, const Recovery& recovery) {
  tell_(fmt::format("{}: a recovery begins ({})", node.options().name.value, recovery.detail));
  ++counts_["recovery"];
  pace_.recovery_opened(node, recovery);
}

}  // namespace upkeep::test
