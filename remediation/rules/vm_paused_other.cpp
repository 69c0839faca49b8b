#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "vm_paused_other";

/// On its way to something else by the hand of libvirt, or gone on from elsewhere.
bool is_passing(VmReason reason) {
  return reason == VmReason::starting_up || reason == VmReason::migration ||
         reason == VmReason::save || reason == VmReason::dump || reason == VmReason::snapshot ||
         reason == VmReason::shutting_down;
}

std::vector<Finding> detect(const World& world) {
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr) return {};
  std::vector<Finding> findings;
  for (const Vm& vm : *vms) {
    if (vm.state != VmState::paused || vm.reason == VmReason::io_error) continue;
    if (is_passing(vm.reason) || wish_for(vm.uuid, vm.name, world).keep != Keep::up) continue;
    findings.push_back(finding(kName, target_of(vm.name),
                               fmt::format("paused ({})", to_string(vm.reason)), world));
  }
  return findings;
}

std::expected<Action, Held> remedy(const Finding& found, const World& /*world*/) {
  return std::unexpected(hold(Hold::no_remedy, "who paused it may have a reason",
                              "virsh resume " + found.subject.name));
}

}  // namespace

const Rule& vm_paused_other_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = true, .drbd = false}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
