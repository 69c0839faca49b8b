// What persons tell upkeep to leave alone, and for how long.
#include <fmt/format.h>

#include <chrono>

#include "tests/support/cluster_story.h"

namespace upkeep::test {

void ClusterStory::pause_something() {
  SimulatedNode& node = any_node();
  if (!node.runs_daemon()) return;
  ++counts()["pause"];
  PauseBook& pauses = books_->pauses();
  if (random_.percent(15)) {
    tell(node.options().name.value + ": a person begins maintenance");
    ++counts()["maintenance"];
    node.order(MaintainNode{.by = "root"}, [&](const Result<std::string>& answer) {
      if (answer) pauses.maintained(node.index());
    });
    return;
  }
  PauseTarget pause{.by = "root"};
  const std::size_t dice = random_.below(4);
  const std::string number = std::to_string(1 + random_.below(vms_.size()));
  if (dice >= 2) pause.target = target_of(VmName{"vm" + number});
  if (dice == 1) pause.target = target_of(ResourceName{"r" + number});
  if (random_.percent(80)) pause.lasts = std::chrono::seconds(5 + random_.below(300));
  tell(fmt::format("{}: a person pauses {}", node.options().name.value,
                   pause.target ? to_string(*pause.target) : "it"));
  node.order(pause, [&pauses, &node, pause](const Result<std::string>& answer) {
    if (answer) pauses.paused(node.index(), pause);
  });
}

void ClusterStory::resume(SimulatedNode& node, const std::optional<Target>& target) {
  tell(fmt::format("{}: a person resumes {}", node.options().name.value,
                   target ? to_string(*target) : "it"));
  books_->pauses().resumed(node.index(), target);
  node.order(PauseTarget{.target = target, .by = "root", .take_back = true});
}

void ClusterStory::end_pauses(SimulatedNode& node, const Standings& standings) {
  for (const auto& [key, standing] : standings) {
    if (standing.kind == Standing::Kind::maintenance) {
      books_->pauses().maintenance_ends(node.index());
      node.order(MaintainNode{.by = "root", .take_back = true});
    }
    if (standing.kind != Standing::Kind::paused) continue;
    resume(node, to_target(standing.subject));
  }
}

}  // namespace upkeep::test
