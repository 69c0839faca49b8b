#include "remediation/keepers/wanted_book.h"

#include <algorithm>
#include <utility>

#include "remediation/sight.h"

namespace upkeep {
namespace {

/// An action on it that the reading may not show the effect of yet: the start may be one that is
/// no longer wanted.
bool is_at_work(const VmName& vm, const History& history, const Step& step) {
  const auto tried = history.targets.find(target_of(vm));
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

/// What to tell of, and whether it is known to be off. An empty list of libvirt's is no word on the
/// VMs that the ledger knows here: under a wrong URI they run unseen.
std::map<VmUuid, bool> wanted(const History& history, const Step& step) {
  std::map<VmUuid, bool> found;
  const Vms& vms = **step.snapshot.vms.reading;
  for (const Vm& vm : vms) {
    if (!is_wanted(vm, history, step) && !is_at_work(vm.name, history, step)) continue;
    found.emplace(vm.uuid, is_down(vm.state));
  }
  if (!vms.empty()) return found;
  const World world{step.snapshot, step.policy, history, step.now};
  for (const auto& [uuid, line] : history.intents) {
    const bool up = wish_for(&line, policy_for(step.policy, line.name)).keep == Keep::up;
    if (!up && !is_at_work(line.name, history, step)) continue;
    if (!is_gone(line, world)) found.emplace(uuid, false);
  }
  return found;
}

}  // namespace

void WantedBook::look(const Step& step) {
  start_waits_ = false;
  if (!step.snapshot.vms.fresh(step.now, step.policy.freshness.vms)) return;
  std::map<VmUuid, Tick> list;
  for (const auto& [uuid, is_off] : wanted(history_, step)) {
    Tick since = Tick::max();
    if (history_.wanted_told) {
      const auto before = history_.wanted_told->find(uuid);
      if (before != history_.wanted_told->end()) since = before->second;
    }
    start_waits_ = start_waits_ || (since == Tick::max() && is_off);
    list.emplace(uuid, since);
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
