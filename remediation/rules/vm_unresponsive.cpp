#include <algorithm>

#include "remediation/boot_check.h"
#include "remediation/gates/storage_gate.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "vm_unresponsive";
constexpr std::string_view kReset = "reset_vm";

/// Tried since the alert came: a daemon that died between the reset and the alert's decision.
bool was_reset_since(Tick asked, const Target& target, const World& world) {
  const auto line = world.history.targets.find(target);
  if (line == world.history.targets.end()) return false;
  const auto tries = line->second.tries.find(std::string(kReset));
  return tries != line->second.tries.end() && !tries->second.at.empty() &&
         tries->second.at.back() >= asked;
}

bool answers(const Vm& vm, const World& world) {
  const VmHealth* health = health_of(vm, world);
  return health != nullptr && health->healthy;
}

bool lacks_a_disk(const Vm& vm) {
  return std::ranges::any_of(vm.disks, [](const VmDisk& disk) {
    return disk.in_definition && !disk.attached.value_or(true);
  });
}

std::vector<Finding> detect(const World& world) {
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr) return {};
  std::vector<Finding> findings;
  for (const auto& [problem, asked] : world.history.asked_by_alert) {
    const auto& [rule, target] = problem;
    if (rule != kName || target.kind != Target::Kind::vm) continue;
    const Vm* vm = find_vm(world.snapshot, VmName{target.name});
    if (vm == nullptr || !is_up(vm->state) || was_reset_since(asked, target, world)) continue;
    if (wish_for(vm->uuid, vm->name, world).keep != Keep::up) continue;
    findings.push_back(finding(kName, target, "running, but an alert asks for its reset", world));
  }
  return findings;
}

std::expected<Action, Held> remedy(const Finding& found, const World& world) {
  const auto listed = vm_of(found, world);
  if (!listed) return std::unexpected(listed.error());
  const Vm* vm = *listed;
  if (auto held = vm_authority_hold(*vm, found, world)) return std::unexpected(*held);
  if (answers(*vm, world)) {
    return std::unexpected(hold(Hold::no_remedy, "its own health check passes"));
  }
  // The alert may be about what the VM's last start has cured already.
  const Duration ran = running_for(*vm, world);
  const Duration patience = policy_for(world.policy, vm->name).boot_timeout;
  if (ran < patience) {
    Held held = hold(Hold::still_booting, "an alert of before its start would ask the same");
    held.retry_at = world.now + (patience - ran);
    return std::unexpected(held);
  }
  if (lacks_a_disk(*vm)) {
    return std::unexpected(
        hold(Hold::disk_missing, "it would boot without a disk of its definition"));
  }
  if (auto held = storage_hold_in_place(*vm, world)) return std::unexpected(*held);
  return ResetVm{.vm = vm->name, .uuid = vm->uuid};
}

}  // namespace

const Rule& vm_unresponsive_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = true, .drbd = false}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
