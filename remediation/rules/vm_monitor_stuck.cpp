#include <fmt/format.h>

#include "exporter/model/monitor.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"
#include "remediation/words.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "vm_monitor_stuck";

/// Without the time it has lasted, so that it isn't a new word every second.
std::vector<Finding> detect(const World& world) {
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr) return {};
  std::vector<Finding> findings;
  for (const Vm& vm : *vms) {
    if (!is_monitor_stuck(vm).value_or(false)) continue;
    // Also of a VM that isn't wanted: nobody can stop it the usual way now.
    if (wish_for(vm.uuid, vm.name, world).keep == Keep::ignore) continue;
    findings.push_back(finding(
        kName, target_of(vm.name),
        fmt::format("{}, and its QEMU has not answered libvirt for over a minute", state_of(vm)),
        world));
  }
  return findings;
}

std::expected<Action, Held> remedy(const Finding& found, const World& /*world*/) {
  return std::unexpected(hold(Hold::no_remedy,
                              "its guest may still be working, so killing it is for a person to "
                              "decide; most often it waits for storage, and goes on with that",
                              "virsh domcontrol " + found.subject.name));
}

}  // namespace

const Rule& vm_monitor_stuck_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = true, .drbd = false}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
