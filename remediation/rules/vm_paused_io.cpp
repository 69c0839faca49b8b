#include <algorithm>
#include <chrono>
#include <string>

#include "remediation/gates/storage_gate.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "vm_paused_io";

/// A disk that fails comes and goes.
constexpr Duration kHealthyFor = std::chrono::seconds(10);

std::vector<Finding> detect(const World& world) {
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr) return {};
  std::vector<Finding> findings;
  for (const Vm& vm : *vms) {
    if (vm.state != VmState::paused || vm.reason != VmReason::io_error) continue;
    if (wish_for(vm.uuid, vm.name, world).keep != Keep::up) continue;
    findings.push_back(finding(kName, target_of(vm.name), "paused by an I/O error", world));
  }
  return findings;
}

std::expected<Action, Held> remedy(const Finding& found, const World& world) {
  const auto listed = vm_of(found, world);
  if (!listed) return std::unexpected(listed.error());
  const Vm* vm = *listed;
  if (auto held = vm_authority_hold(*vm, found, world)) return std::unexpected(*held);
  if (auto held = storage_hold_in_place(*vm, world)) return std::unexpected(*held);
  const auto since = world.history.storage_open_since.find(vm->uuid);
  const bool known = since != world.history.storage_open_since.end();
  if (!known || world.now - since->second < kHealthyFor) {
    Held held = hold(Hold::storage_not_healthy_yet, "it must stay so for 10 s");
    if (known) held.retry_at = since->second + kHealthyFor;
    return std::unexpected(held);
  }
  return ResumeVm{.vm = vm->name, .uuid = vm->uuid};
}

}  // namespace

const Rule& vm_paused_io_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = true, .drbd = false}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
