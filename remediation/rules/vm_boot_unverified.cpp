#include <fmt/format.h>

#include "remediation/boot_check.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "vm_boot_unverified";

std::vector<Finding> detect(const World& world) {
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr) return {};
  std::vector<Finding> findings;
  for (const Vm& vm : *vms) {
    if (!is_boot_overdue(vm, world)) continue;
    // Also of a VM that isn't wanted: whoever started it by hand will want to know.
    if (wish_for(vm.uuid, vm.name, world).keep == Keep::ignore) continue;
    findings.push_back(finding(kName, target_of(vm.name),
                               fmt::format("running, {}", health_trouble(vm, world)), world));
  }
  return findings;
}

std::expected<Action, Held> remedy(const Finding& found, const World& /*world*/) {
  return std::unexpected(hold(Hold::no_remedy,
                              "what did not boot once would hardly boot the next time",
                              "virsh console " + found.subject.name));
}

}  // namespace

const Rule& vm_boot_unverified_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = true, .drbd = false}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
