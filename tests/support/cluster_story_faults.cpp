// What happens to nodes, links and sources, and to orders on their way.
#include "tests/support/cluster_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace upkeep::test {
namespace {

using simulation::Answer;
using simulation::Order;
using simulation::Replication;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

void ClusterStory::unheard(SimulatedNode& node, const std::function<void()>& what) {
  const Answer before = node.answers.libvirt;
  if (random_.percent(15)) node.answers.libvirt = Answer::fails;
  what();
  node.answers.libvirt = before;
}

void ClusterStory::lose_power(SimulatedNode& node) {
  tell(node.options().name.value + ": loses power");
  ++counts()["power cut"];
  dies_after_.erase(node.index());
  books_->lost_power(node.index());
  node.power_off();
}

void ClusterStory::kill(SimulatedNode& node) {
  tell(node.options().name.value + ": upkeep is killed");
  ++counts()["kill"];
  dies_after_.erase(node.index());
  node.kill_daemon();
  books_->lost_daemon(node.index());
}

void ClusterStory::happen_to_a_node() {
  SimulatedNode& node = any_node();
  if (!node.powered()) {
    tell(node.options().name.value + ": power on");
    node.power_on();
    return;
  }
  if (!node.runs_daemon()) {
    node.start_daemon();
    return;
  }
  switch (random_.below(6)) {
    case 0: lose_power(node); break;
    case 1:
      for (const auto& each : cluster_->nodes()) lose_power(*each);
      for (const auto& each : cluster_->nodes()) each->power_on();
      break;
    case 2: kill(node); break;
    case 3: dies_after_[node.index()] = static_cast<int>(1 + random_.below(12)); break;
    case 4:
      tell(node.options().name.value + ": the clock steps");
      node.clock().step_wall(minutes(random_.below(240)) - minutes(120));
      books_->clock_stepped(node.index());
      break;
    default:
      node.journal().failing = !node.journal().failing;
      tell(fmt::format("{}: journal {}", node.options().name.value,
                       node.journal().failing ? "fails" : "works"));
  }
}

void ClusterStory::happen_to_a_source() {
  SimulatedNode& node = any_node();
  const auto mood =
      random_.pick({Answer::right, Answer::right, Answer::fails, Answer::hangs, Answer::nothing});
  const Answer other = mood == Answer::nothing ? Answer::fails : mood;
  const std::size_t which = random_.below(4);
  tell(
      fmt::format("{}: source {} is {}", node.options().name.value, which, static_cast<int>(mood)));
  if (which == 0) node.answers.libvirt = mood;
  if (which == 1) node.answers.drbd = other;
  if (which == 2) node.answers.node = other;
  if (which == 3)
    peer_moods_[{node.index(), any_node().index()}] = static_cast<int>(random_.below(7));
}

void ClusterStory::happen_to_a_link() {
  const auto& all = cluster_->replication().resources();
  if (all.empty()) return;
  const Replication::Resource resource = all.at(random_.below(all.size()));
  Replication& disks = cluster_->replication();
  const Replication::Side& side = resource.sides.at(random_.below(2));
  if (random_.percent(85)) {
    tell(
        fmt::format("{}: the link {}", resource.name.value, resource.cut ? "is mended" : "breaks"));
    disks.cut(resource.name, !resource.cut);
  } else if (!side.open && !side.primary && disks.take_down(side.node, resource.name)) {
    tell(fmt::format("node{}: a person takes {} down", side.node + 1, resource.name.value));
    books_->taken_down(side.node, resource.name);
  }
}

Result<Duration> ClusterStory::obstruct(SimulatedNode& node, const Order& order) {
  books_->judge_order(node, order);
  if (!faults_ || !random_.percent(obstructed_)) return Duration{};
  tell(fmt::format("{}: {} is obstructed", node.options().name.value, order.verb));
  switch (random_.below(4)) {
    case 0: return fail(Errc::failed, "it does not work");
    case 1: return fail(Errc::storage, "no access");
    case 2: return fail(Errc::timed_out, "did not terminate");
    default: return seconds(random_.below(300));
  }
}

/// Moods of a peer: 0 and 1 tell the truth, 2 is silent, 3 tells that nothing runs there, 4 that
/// everything does, 5 that it has just booted, as another version does that forgot its keys, 6
/// nothing but that it is there.
Result<PeerFacts> ClusterStory::answer(NodeIndex asks, NodeIndex asked) {
  const SimulatedNode& other = cluster_->node(asked);
  const int mood = faults_ ? peer_moods_[{asks, asked}] : 0;
  if (mood == 2 || !other.runs_daemon()) return fail(Errc::unavailable, "no answer");
  PeerFacts facts = other.facts();
  if (mood == 3) facts.active_vms.clear();
  if (mood == 4) facts.active_vms = vms_;
  if (mood == 6) facts = {};
  if (mood == 5) facts = {.boot_id = {std::to_string(random_.below(3))}};
  return facts;
}

}  // namespace upkeep::test
