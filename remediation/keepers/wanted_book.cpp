#include "remediation/keepers/wanted_book.h"

#include <algorithm>
#include <utility>

#include "remediation/sight.h"

namespace upkeep {
namespace {

/// An action on it that the reading may not show the effect of yet: the start may be one that is
/// no longer wanted.
bool is_at_work(const Vm& vm, const History& history, const Step& step) {
  const auto tried = history.targets.find(target_of(vm.name));
  if (tried == history.targets.end()) return false;
  return tried->second.in_flight || tried->second.last_end >= step.snapshot.vms.at;
}

/// Would it be started here, were everything else as it should be?
bool is_wanted(const Vm& vm, const History& history, const Step& step) {
  const auto known = history.intents.find(vm.uuid);
  const Intent* line = known == history.intents.end() ? nullptr : &known->second;
  const Wish wish = wish_for(line, policy_for(step.policy, vm.name));
  if (wish.keep != Keep::up) return false;
  return line == nullptr || !belongs_elsewhere(*line, wish);
}

/// An empty list of VMs, and the ledger knows of one that should be on it: not "none is wanted".
bool is_list_lost(const History& history, const Step& step) {
  const World world{step.snapshot, step.policy, history, step.now};
  return inventory_lost(world) && std::ranges::any_of(history.intents, [&](const auto& known) {
           const Intent& line = known.second;
           const Wish wish = wish_for(&line, policy_for(step.policy, line.name));
           return wish.keep == Keep::up && !is_gone(line, world);
         });
}

}  // namespace

void WantedBook::look(const Step& step) {
  start_waits_ = false;
  if (!step.snapshot.vms.fresh(step.now, step.policy.freshness.vms)) return;
  if (is_list_lost(history_, step)) {
    history_.wanted_told.reset();
    return;
  }
  std::map<VmUuid, Tick> list;
  for (const Vm& vm : **step.snapshot.vms.reading) {
    if (!is_wanted(vm, history_, step) && !is_at_work(vm, history_, step)) continue;
    Tick since = Tick::max();
    if (history_.wanted_told) {
      const auto before = history_.wanted_told->find(vm.uuid);
      if (before != history_.wanted_told->end()) since = before->second;
    }
    start_waits_ = start_waits_ || (since == Tick::max() && is_down(vm.state));
    list.emplace(vm.uuid, since);
  }
  history_.wanted_told = std::move(list);
}

void WantedBook::told(Tick now) {
  if (!history_.wanted_told) return;
  for (auto& [uuid, since] : *history_.wanted_told) {
    if (since == Tick::max()) since = now;
  }
}

}  // namespace upkeep
