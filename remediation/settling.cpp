#include "remediation/settling.h"

#include <utility>

namespace upkeep {

void Settling::Listing::take(std::set<std::string> listed, Tick at) {
  if (!any || listed != names) {
    names = std::move(listed);
    first = at;
  }
  last = at;
  any = true;
}

void Settling::look(History& history, const Step& step) {
  if (history.settled_at) return;
  const Freshness& freshness = step.policy.freshness;
  const auto& vms = step.snapshot.vms;
  if (vms.fresh(step.now, freshness.vms)) {
    std::set<std::string> listed;
    for (const Vm& vm : **vms.reading) listed.insert(vm.uuid.value);
    vms_.take(std::move(listed), vms.at);
  }
  const auto& drbd = step.snapshot.drbd;
  if (drbd.fresh(step.now, freshness.drbd)) {
    std::set<std::string> listed;
    for (const DrbdResource& resource : (*drbd.reading)->resources) {
      listed.insert(resource.name.value + (resource.in_kernel ? "+" : "-"));
    }
    resources_.take(std::move(listed), drbd.at);
  }
  const bool drbd_settled = !step.snapshot.drbd_in_use || resources_.settled();
  const bool grace_over = step.now - history.started >= step.policy.startup_grace;
  if ((vms_.settled() && drbd_settled) || grace_over) history.settled_at = step.now;
}

}  // namespace upkeep
