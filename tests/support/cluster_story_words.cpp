// What persons tell upkeep in the middle of everything: marks, and another configuration.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/support/cluster_story.h"

namespace upkeep::test {
namespace {

using std::chrono::seconds;

/// A block for one VM goes before what the story began with for it, and says the same else.
void put_first(Policy& policy, const VmName& vm, Keep keep) {
  VmPolicy block = policy_for(policy, vm);
  block.match = vm.value;
  block.keep = keep;
  policy.vms.insert(policy.vms.begin(), std::move(block));
}

std::string to_words(const Policy& policy) {
  std::string text =
      fmt::format("mode {}, {} tries an hour, the first after {:.0f} s", to_string(policy.mode),
                  policy.back_off.attempts_per_hour, Seconds(policy.back_off.first_gap).count());
  for (const VmPolicy& vm : policy.vms) {
    if (vm.keep != Keep::automatic) {
      text += fmt::format(", {} {}", vm.match, to_string(vm.keep));
    }
  }
  return text;
}

}  // namespace

void ClusterStory::happen_to_words() {
  SimulatedNode& node = cluster_->node(side_.below(cluster_->nodes().size()));
  const VmUuid vm = vms_.at(side_.below(vms_.size()));
  if (side_.percent(50)) {
    mark(node, vm, side_.pick({Keep::up, Keep::down, Keep::ignore, Keep::automatic}));
  } else {
    reload(node, {vm.value});
  }
}

/// Half of the time back to what it was.
void ClusterStory::reload(SimulatedNode& node, const VmName& vm) {
  if (!node.runs_daemon()) return;
  Policy policy = *policies_.at(node.index());
  if (side_.percent(50)) {
    policy.mode = side_.pick({Mode::act, Mode::act, Mode::observe, Mode::dry_run});
    if (side_.percent(60)) put_first(policy, vm, side_.pick({Keep::down, Keep::ignore}));
    policy.back_off.attempts_per_hour = static_cast<int>(2 + side_.below(7));
    policy.back_off.first_gap = seconds(5 + side_.below(20));
  }
  const auto view = node.view();
  const bool recovers = view != nullptr && view->history.recovery.has_value();
  ++counts()[recovers ? "reload in a recovery" : "reload"];
  if (policy.mode != Mode::act) ++counts()["reload to " + std::string(to_string(policy.mode))];
  tell(fmt::format("{}: reloads: {}", node.options().name.value, to_words(policy)));
  node.use(std::make_shared<const Policy>(std::move(policy)));
}

}  // namespace upkeep::test
