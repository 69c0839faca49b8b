#include "app/daemon/host.h"

#include <algorithm>

namespace upkeep {

CheckOf checks_of(const std::shared_ptr<const Policy>& policy) {
  const bool any = std::ranges::any_of(
      policy->vms, [](const VmPolicy& vm) { return vm.health.kind != HealthCheck::Kind::none; });
  if (!any) return nullptr;
  return [policy](const VmName& vm) { return policy_for(*policy, vm).health; };
}

}  // namespace upkeep
