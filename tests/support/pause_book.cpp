#include "tests/support/pause_book.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace upkeep::test {
namespace {

using simulation::NodeIndex;

std::string subject_of(const std::optional<Target>& target) {
  return target ? to_string(*target) : "node";
}

}  // namespace

void PauseBook::paused(NodeIndex node, const PauseTarget& pause) {
  std::optional<Tick> until;
  if (pause.lasts) until = cluster_.now() + *pause.lasts;
  pauses_[{node, subject_of(pause.target)}] = until;
}

void PauseBook::resumed(NodeIndex node, const std::optional<Target>& target) {
  pauses_.erase({node, subject_of(target)});
}

void PauseBook::clock_stepped(const simulation::SimulatedNode& node) {
  stepped_.insert(node.index());
  if (!node.runs_daemon()) lost_daemon(node.index());
}

void PauseBook::lost_daemon(NodeIndex node) {
  if (stepped_.erase(node) > 0) forget_ends(node);
}

void PauseBook::forget_ends(NodeIndex node) {
  std::erase_if(pauses_,
                [&](const auto& one) { return one.first.first == node && one.second.has_value(); });
}

bool PauseBook::in_force(NodeIndex node, const std::string& subject) const {
  const auto pause = pauses_.find({node, subject});
  return pause != pauses_.end() && (!pause->second || cluster_.now() < *pause->second);
}

std::optional<std::string> PauseBook::over(const simulation::SimulatedNode& node,
                                           const simulation::Order& order) const {
  if (order.verb == "demote") return std::nullopt;  // Taking back is no action of its own.
  constexpr std::array<std::string_view, 6> kOnVms{"reset",  "start",   "destroy_crashed",
                                                   "resume", "promote", "attach_disk"};
  std::vector<std::string> subjects{"node", kMaintenance};
  const bool on_vm = std::ranges::count(kOnVms, order.verb) > 0;
  if (!on_vm) subjects.push_back("resource/" + order.subject);
  for (const auto& [uuid, guest] : node.guests()) {
    const bool its_disk = guest.resource && guest.resource->value == order.subject;
    if (!on_vm || (uuid.value != order.subject && !its_disk)) continue;
    subjects.push_back(to_string(target_of(guest.name)));
    if (guest.resource) subjects.push_back(to_string(target_of(*guest.resource)));
  }
  for (const std::string& subject : subjects) {
    if (in_force(node.index(), subject)) return subject;
  }
  return std::nullopt;
}

}  // namespace upkeep::test
