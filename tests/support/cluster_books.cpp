#include "tests/support/cluster_books.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "remediation/plan.h"

namespace upkeep::test {
namespace {

using simulation::Answer;
using simulation::Guest;
using simulation::Replication;

/// For as long a node must have seen how things stand before it is held to know.
constexpr Duration kToKnow = std::chrono::seconds(4);
/// The same where only the other node's word can tell it: it may have to look first, and ask then.
constexpr Duration kToHear = std::chrono::seconds(15);

}  // namespace

ClusterBooks::ClusterBooks(simulation::Cluster& cluster, Tell tell)
    : cluster_(cluster),
      tell_(std::move(tell)),
      pace_(cluster, counts_, marks_,
            [this](const auto& node, const auto& what) { wrong(node, what); }),
      pauses_(cluster),
      shared_(cluster, counts_, [this](const auto& node, const auto& what) { wrong(node, what); }) {
  for (const auto& node : cluster.nodes()) {
    for (const auto& [uuid, guest] : node->guests()) {
      Line& line = lines_[uuid];
      if (!is_down(guest.state)) line.home = node->index();
      line.shared = guest.shared;
    }
  }
}

void ClusterBooks::wrong(const SimulatedNode& node, const std::string& what) {
  wrongs_.push_back(fmt::format("{}: {}", node.options().name.value, what));
  tell_("WRONG " + wrongs_.back());
}

void ClusterBooks::changed(Line& line) {
  line.muddled = line.twice;
  line.known.clear();
  line.sees_since.clear();
}

void ClusterBooks::started(const VmUuid& vm, NodeIndex node) {
  Line& line = lines_.at(vm);
  line.home = node;
  line.wanted = true;
  line.left.erase(node);
  changed(line);
  pace_.started_by_hand(vm);
  shared_.by_hand(vm, node);
}

void ClusterBooks::comes(const VmUuid& vm, NodeIndex node) {
  Line& line = lines_.at(vm);
  line.left.erase(node);
  line.known.erase(node);
  line.sees_since.erase(node);
  shared_.by_hand(vm, node);
}

/// Where it ran is its home, also where only upkeep had put it.
void ClusterBooks::stopped(const VmUuid& vm, VmReason how, std::optional<NodeIndex> ran_on) {
  Line& line = lines_.at(vm);
  line.home = ran_on.value_or(line.home);
  line.wanted = false;
  changed(line);
  // All that the next daemon finds is "destroyed", and an action that did or was about to do that
  // or a ledger that says so.
  const bool same = how == VmReason::destroyed && died_dropping(cluster_.node(line.home), vm);
  if (same) line.muddled = true;
}

/// It counts from now on if it counts at all; what the node knew of the VM before goes behind it.
void ClusterBooks::marks(NodeIndex node, const VmUuid& vm, Keep keep) {
  marks_.said(node, vm, keep);
  if (keep == Keep::up) lines_.at(vm).left.erase(node);
}

bool ClusterBooks::died_dropping(SimulatedNode& node, const VmUuid& vm) {
  // One that libvirt hasn't answered yet since it was started is no wiser than the next.
  const auto snapshot = node.snapshot();
  const bool looked = snapshot != nullptr && snapshot->vms.reading.has_value();
  if (node.runs_daemon() && looked) return false;
  const auto& ledger = node.journal().state().intents;
  const auto before = ledger.find(vm);
  const bool dropped =
      before != ledger.end() && before->second.wanted && before->second.remains == Remains::dropped;
  return dropped || std::ranges::any_of(node.journal().actions, [&](const auto& entry) {
           const auto* start = std::get_if<StartVm>(&entry.second.action);
           return !entry.second.ended && start != nullptr && start->uuid == vm &&
                  start->destroy_first;
         });
}

void ClusterBooks::clock_stepped(NodeIndex node) {
  pace_.clock_stepped(node);
  pauses_.clock_stepped(cluster_.node(node));
}

void ClusterBooks::taken_down(NodeIndex node, const ResourceName& resource) {
  if (seen_up_.contains({node, resource})) taken_down_.insert({node, resource});
}

void ClusterBooks::lost_sight(Line& line) {
  if (!line.known.contains(line.home)) line.muddled = true;
}

void ClusterBooks::crashed(const VmUuid& vm) { lost_sight(lines_.at(vm)); }

void ClusterBooks::lost_power(NodeIndex node) {
  lost_daemon(node);
  pace_.lost_power(node);
  pauses_.lost_power(node);
  shared_.lost_power(node);
  for (auto& [vm, line] : lines_) {
    if (line.home == node) lost_sight(line);
  }
  const auto of_node = [&](const auto& entry) { return entry.first == node; };
  std::erase_if(seen_up_, of_node);
  std::erase_if(taken_down_, of_node);
}

void ClusterBooks::lost_daemon(NodeIndex node) {
  look_at_lies(cluster_.node(node));  // Of the step in the middle of which it died.
  pace_.lost_daemon(node);
  pauses_.lost_daemon(node);
  for (auto& [vm, line] : lines_) line.sees_since.erase(node);
}

bool ClusterBooks::is_down_in(const SimulatedNode& node, const VmUuid& vm) {
  const auto guest = node.guests().find(vm);
  return guest == node.guests().end() || is_down(guest->second.state);
}

std::string ClusterBooks::thought_of(const SimulatedNode& node, const VmUuid& vm) {
  const auto view = node.view();
  if (view == nullptr) return "no daemon";
  std::string text = "nothing is decided";
  for (const Decision& decision : view->decisions) {
    if (decision.finding.subject.name != vm.value) continue;
    const auto* held = std::get_if<Held>(&decision.verdict);
    text = held == nullptr ? std::string(verdict_name(decision))
                           : fmt::format("{} ({})", to_string(held->reason), held->detail);
  }
  const auto line = view->history.intents.find(vm);
  if (line == view->history.intents.end()) return text + ", no line in the ledger";
  return fmt::format("{}; ledger: {}, {}, {}", text, line->second.wanted ? "wanted" : "unwanted",
                     to_string(line->second.last_stop), line->second.last_stop_detail);
}

std::optional<NodeIndex> ClusterBooks::place_of(const VmUuid& vm) const {
  for (const auto& node : cluster_.nodes()) {
    if (SharedBook::runs_on(*node, vm)) return node->index();
  }
  return std::nullopt;
}

void ClusterBooks::judge_step(SimulatedNode& node) {
  take_marked_starts(node);
  look_at_sight(node);
  shared_.judge_step(node);
  const auto snapshot = node.snapshot();
  const auto view = node.view();
  if (snapshot != nullptr && snapshot->drbd.reading && view != nullptr) {
    for (const DrbdResource& resource : (*snapshot->drbd.reading)->resources) {
      // What was up in a boot that the daemon does not know is on no record.
      const bool on_record = !node.journal().failing && !view->history.boot.value.empty();
      const bool ok = resource.in_kernel && on_record;
      if (ok) seen_up_.insert({node.index(), resource.name});
    }
  }
  pace_.judge_step(node);
  judge_blindness(node);
}

bool ClusterBooks::sees(const SimulatedNode& node, const VmUuid& vm, const Line& line) const {
  const bool eyes = node.runs_daemon() && node.answers.libvirt == Answer::right &&
                    node.answers.node == Answer::right && node.answers.drbd == Answer::right;
  if (!eyes || !node.guests().contains(vm)) return false;
  if (node.index() == line.home) return true;
  // From elsewhere it can be seen only while it runs, and through the link, or be heard of.
  const Guest& guest = node.guests().at(vm);
  if (guest.shared) {
    return is_down(guest.state) && SharedBook::runs_on(cluster_.node(line.home), vm) &&
           shared_.is_told_of(node, line.home, vm);
  }
  if (!guest.resource || is_down_in(*cluster_.nodes().at(line.home), vm)) return false;
  const auto& all = cluster_.replication().resources();
  const auto resource = std::ranges::find(all, *guest.resource, &Replication::Resource::name);
  return resource->linked;
}

/// A peer that says it has a VM which is off takes it away for good, by design: only a person
/// gives it back.
void ClusterBooks::look_at_lies(const SimulatedNode& node) {
  if (node.snapshot() == nullptr) return;
  for (const Peer& peer : node.snapshot()->peers) {
    if (!peer.facts.fresh(cluster_.now(), Freshness{}.peers)) continue;
    for (const VmUuid& vm : peer.facts.reading->active_vms) {
      Line& line = lines_.at(vm);
      const bool ours = line.home == node.index() && is_down_in(node, vm);
      if (ours && !place_of(vm)) line.muddled = true;
    }
  }
}

void ClusterBooks::look_at_sight(SimulatedNode& node) {
  look_at_lies(node);
  const NodeIndex index = node.index();
  for (auto& [vm, line] : lines_) {
    if (line.muddled || !sees(node, vm, line) || node.journal().failing) {
      line.sees_since.erase(index);
      continue;
    }
    const auto since = line.sees_since.try_emplace(index, cluster_.now()).first->second;
    if (cluster_.now() - since < time_to_know(line, index)) continue;
    line.known.insert(index);
    // A person who said since that it is to run here knew better.
    const bool leaves = line.shared && line.home != index && !marks_.may_be(index, vm, Keep::up);
    if (leaves) line.left.insert(index);
  }
}

Duration ClusterBooks::time_to_know(const Line& line, NodeIndex node) {
  return line.shared && line.home != node ? kToHear : kToKnow;
}

/// A reading less only takes actions away.
void ClusterBooks::judge_blindness(SimulatedNode& node) {
  const auto view = node.view();
  const auto snapshot = node.snapshot();
  if (view == nullptr || snapshot == nullptr || view->history.problems.empty()) return;
  Snapshot less = *snapshot;
  const auto which = snapshot->generation % 4;
  if (which == 0) less.vms.reading = fail(Errc::unavailable, "gone");
  if (which == 1) less.drbd.reading = fail(Errc::unavailable, "gone");
  if (which == 2) less.node.reading = fail(Errc::unavailable, "gone");
  if (which == 3) {
    for (Peer& peer : less.peers) peer.facts.at -= std::chrono::hours(1);
  }
  const World whole{*snapshot, *view->policy, view->history, view->at};
  const World blind{less, *view->policy, view->history, view->at};
  Plan unseeing = plan(blind);
  std::erase_if(unseeing.decisions, [](const Decision& one) { return hold_of(one).has_value(); });
  if (unseeing.decisions.empty()) return;  // As nearly always, which saves the other plan.
  std::map<Target, const Decision*> before;
  const Plan seeing = plan(whole);
  for (const Decision& one : seeing.decisions) before[one.finding.subject] = &one;
  for (const Decision& one : unseeing.decisions) {
    const auto same = before.find(one.finding.subject);
    const auto hold = same == before.end() ? std::nullopt : hold_of(*same->second);
    const bool turn = hold && passes_by_itself(*hold);
    if (same == before.end() || (hold && !turn)) {
      wrong(node, to_string(one.finding.subject) + ": acts because it sees less");
    }
  }
}

std::vector<ClusterBooks::Complaint> ClusterBooks::complaints() const {
  std::vector<Complaint> list;
  for (const auto& [vm, line] : lines_) {
    const SimulatedNode& node = cluster_.node(line.home);
    if (line.muddled || line.wanted != is_down_in(node, vm)) continue;
    list.push_back(
        {&node, vm.value + (line.wanted ? ": never came back: " : ": runs though it is stopped: ") +
                    thought_of(node, vm)});
  }
  for (const Replication::Resource& resource : cluster_.replication().resources()) {
    for (const Replication::Side& side : resource.sides) {
      if (side.in_kernel) continue;
      list.push_back({&cluster_.node(side.node), resource.name.value + ": never came up"});
    }
  }
  for (const auto& node : cluster_.nodes()) {
    const auto view = node->view();
    if (view == nullptr || view->history.recovery) {
      list.push_back({node.get(), "its recovery never ended"});
    }
  }
  return list;
}

void ClusterBooks::judge_end() {
  for (const auto& [vm, line] : lines_) {
    ++counts_[line.muddled ? "muddled" : "clear"];
    if (line.shared) ++counts_[line.muddled ? "shared muddled" : "shared clear"];
  }
  for (const Complaint& complaint : complaints()) wrong(*complaint.node, complaint.what);
}

}  // namespace upkeep::test
