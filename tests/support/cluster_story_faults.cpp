// What happens to nodes, links and sources, and to orders on their way.
#include "tests/support/cluster_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace upkeep::test {
namespace {

using simulation::Answer;
using simulation::Order;
using simulation::Replication;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// For the trace.
std::string_view to_words(Answer answer) {
  switch (answer) {
    case Answer::right: return "answers";
    case Answer::fails: return "fails";
    case Answer::hangs: return "hangs";
    case Answer::nothing: return "lists nothing";
  }
  return "";
}

/// As it is counted.
std::string_view to_count(Answer answer) {
  switch (answer) {
    case Answer::right: return "source answers";
    case Answer::fails: return "source fails";
    case Answer::hangs: return "source hangs";
    case Answer::nothing: return "source lists nothing";
  }
  return "";
}

/// What a peer tells: what is so, or something else.
enum class Mood {
  truth,
  truth_too,
  silence,
  nothing_runs,
  everything_runs,
  has_booted,
  only_there,
  // From here on only of stories with shared storage.
  another_node,
  hides_all,
  old_version
};
constexpr std::size_t kMoods = 7;
constexpr std::size_t kAllMoods = 10;

std::string_view to_words(Mood mood) {
  switch (mood) {
    case Mood::truth:
    case Mood::truth_too: return "tells the truth";
    case Mood::silence: return "is silent";
    case Mood::nothing_runs: return "says that nothing runs there";
    case Mood::everything_runs: return "says that everything runs there";
    case Mood::has_booted: return "says that it has just booted, and forgets the rest";
    case Mood::only_there: return "says nothing but that it is there";
    case Mood::another_node: return "is another node than its name says";
    case Mood::hides_all: return "says that nothing runs there, nor is wanted";
    case Mood::old_version: return "does not know how to say what it wants";
  }
  return "";
}

/// As it is counted, each time that another node hears it.
std::string_view to_count(Mood mood) {
  switch (mood) {
    case Mood::truth:
    case Mood::truth_too: return "peer is right";
    case Mood::silence: return "peer is silent";
    case Mood::nothing_runs: return "peer hides what runs";
    case Mood::everything_runs: return "peer makes up what runs";
    case Mood::has_booted: return "peer makes up a boot";
    case Mood::only_there: return "peer tells nothing";
    case Mood::another_node: return "peer is another node";
    case Mood::hides_all: return "peer hides what it wants";
    case Mood::old_version: return "peer is old";
  }
  return "";
}

}  // namespace

void ClusterStory::unheard(SimulatedNode& node, const std::function<void()>& what) {
  const Answer before = node.answers.libvirt;
  if (random_.percent(15)) {
    node.answers.libvirt = Answer::fails;
    tell(node.options().name.value + ": libvirt's events of what is next are lost");
    ++counts()["event lost"];
  }
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
    tell(node.options().name.value + ": upkeep is started");
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
      ++counts()["clock step"];
      node.clock().step_wall(minutes(random_.below(240)) - minutes(120));
      books_->clock_stepped(node.index());
      break;
    default:
      node.journal().failing = !node.journal().failing;
      if (node.journal().failing) ++counts()["journal fails"];
      tell(fmt::format("{}: journal {}", node.options().name.value,
                       node.journal().failing ? "fails" : "works"));
  }
}

void ClusterStory::happen_to_a_source() {
  SimulatedNode& node = any_node();
  const auto mood =
      random_.pick({Answer::right, Answer::right, Answer::fails, Answer::hangs, Answer::nothing});
  const Answer other = mood == Answer::nothing ? Answer::fails : mood;
  const std::string& name = node.options().name.value;
  const std::size_t which = random_.below(4);
  if (which < 3) ++counts()[std::string(to_count(which == 0 ? mood : other))];
  switch (which) {
    case 0:
      node.answers.libvirt = mood;
      tell(fmt::format("{}: libvirt {}", name, to_words(mood)));
      break;
    case 1:
      node.answers.drbd = other;
      tell(fmt::format("{}: DRBD {}", name, to_words(other)));
      break;
    case 2:
      node.answers.node = other;
      tell(fmt::format("{}: the node's own source {}", name, to_words(other)));
      break;
    default: {
      const std::size_t its_mood = random_.below(kMoods);
      const SimulatedNode& peer = any_node();
      peer_moods_[{node.index(), peer.index()}] = static_cast<int>(its_mood);
      if (peer.index() == node.index()) break;
      tell(fmt::format("{}: to it {} {}", name, peer.options().name.value,
                       to_words(static_cast<Mood>(its_mood))));
    }
  }
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
    if (!resource.cut) ++counts()["link breaks"];
    disks.cut(resource.name, !resource.cut);
  } else if (!side.open && !side.primary && disks.take_down(side.node, resource.name)) {
    tell(fmt::format("node{}: a person takes {} down", side.node + 1, resource.name.value));
    ++counts()["take down"];
    books_->taken_down(side.node, resource.name);
  }
}

Result<Duration> ClusterStory::obstruct(SimulatedNode& node, const Order& order) {
  books_->judge_order(node, order);
  if (!faults_ || !random_.percent(obstructed_)) return Duration{};
  tell(fmt::format("{}: {} is obstructed", node.options().name.value, order.verb));
  ++counts()["order obstructed"];
  switch (random_.below(4)) {
    case 0: return fail(Errc::failed, "it does not work");
    case 1: return fail(Errc::storage, "no access");
    case 2: return fail(Errc::timed_out, "did not terminate");
    default: return seconds(random_.below(300));
  }
}

void ClusterStory::lie() {
  const NodeIndex asks = side_.below(cluster_->nodes().size());
  const NodeIndex asked = side_.below(cluster_->nodes().size());
  if (asks == asked) return;
  const std::size_t mood = kMoods + side_.below(kAllMoods - kMoods);
  peer_moods_[{asks, asked}] = static_cast<int>(mood);
  tell(fmt::format("node{}: to it node{} {}", asks + 1, asked + 1,
                   to_words(static_cast<Mood>(mood))));
}

simulation::Reply ClusterStory::answer(NodeIndex asks, NodeIndex asked) {
  const SimulatedNode& other = cluster_->node(asked);
  const auto mood = faults_ ? static_cast<Mood>(peer_moods_[{asks, asked}]) : Mood::truth;
  const bool lies = mood != Mood::truth && mood != Mood::truth_too;
  if (!hear_each_other(asks, asked)) return {.facts = fail(Errc::timed_out, "no answer")};
  if (lies) ++counts()[std::string(to_count(mood))];
  if (mood == Mood::silence) return {.facts = fail(Errc::unavailable, "no answer")};
  // The source of peers tells one from another.
  if (mood == Mood::another_node) return {.facts = fail(Errc::invalid, "another"), .heard = true};
  const Result<PeerFacts> truth = other.facts();
  if (!truth) return {.facts = truth, .heard = other.powered()};
  PeerFacts facts = *truth;
  if (mood == Mood::nothing_runs || mood == Mood::hides_all) facts.active_vms.clear();
  if (mood == Mood::hides_all) facts.wanted_vms = std::vector<VmUuid>{};
  if (mood == Mood::everything_runs) facts.active_vms = vms_;
  if (mood == Mood::only_there) facts = {};
  if (mood == Mood::old_version) facts.wanted_vms = PeerFacts{}.wanted_vms;
  // As another version does that forgot its keys.
  if (mood == Mood::has_booted) facts = {.boot_id = {std::to_string(random_.below(3))}};
  for (const VmUuid& vm : truth->active_vms) {
    if (std::ranges::count(facts.active_vms, vm) == 0) books_->shared().hid(asks, asked, vm);
  }
  return {.facts = facts, .heard = true};
}

}  // namespace upkeep::test
