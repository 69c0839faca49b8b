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

void ClusterBooks::judge_start(SimulatedNode& node, const VmUuid& vm) {
  const Guest& guest = node.guests().at(vm);
  const std::string& name = guest.name.value;
  Line& line = lines_.at(vm);
  for (const auto& other : cluster_.nodes()) {
    if (other->index() == node.index() || is_down_in(*other, vm)) continue;
    wrong(node, name + ": runs on " + other->options().name.value + " already");
  }
  if (!line.wanted || line.home != node.index()) {
    if (line.known.contains(node.index()))
      wrong(node, name + ": starts what nobody wants here: " + thought_of(node, vm));
    line.muddled = true;  // It did not know, and its word is as good as anybody's now.
  }
  const auto& actions = node.journal().actions;
  const bool remembered = std::ranges::any_of(actions, [&](const auto& entry) {
    return !entry.second.ended && target_of(entry.second.action) == target_of(guest.name);
  });
  if (!remembered) wrong(node, name + ": starts what is not in the journal");
  judge_disk(node, guest);
}

/// The other side has what this one hasn't: starting here would part them for good.
void ClusterBooks::judge_disk(SimulatedNode& node, const Guest& guest) {
  if (!guest.resource) return;
  const Replication& disks = cluster_.replication();
  const Replication::Side* here = disks.side(node.index(), *guest.resource);
  const Replication::Side* there = disks.other_side(node.index(), *guest.resource);
  const auto resource =
      std::ranges::find(disks.resources(), *guest.resource, &Replication::Resource::name);
  if (there->open) wrong(node, guest.name.value + ": its disk is in use on the other side");
  // Where a person let both sides write they are parted already; then the later one goes on.
  const bool older = !here->wrote_alone || here->wrote < there->wrote;
  if (!resource->linked && there->wrote_alone && older) {
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
