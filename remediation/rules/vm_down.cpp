#include <fmt/format.h>

#include <algorithm>

#include "remediation/gates/storage_gate.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "vm_down";

const Intent* line_of(const VmUuid& uuid, const World& world) {
  const auto found = world.history.intents.find(uuid);
  return found == world.history.intents.end() ? nullptr : &found->second;
}

std::string describe(const Vm& vm) {
  return fmt::format("{} ({})", vm.state == VmState::crashed ? "crashed" : "shut off",
                     to_string(vm.reason));
}

/// An empty inventory hides every VM: those that are wanted are reported, so that the silence is
/// seen; the planner holds them.
std::vector<Finding> lost_vms(const World& world) {
  std::vector<Finding> findings;
  for (const auto& [uuid, line] : world.history.intents) {
    if (wish_for(uuid, line.name, world).keep != Keep::up) continue;
    findings.push_back(finding(kName, target_of(line.name), "not listed by libvirt", world));
  }
  return findings;
}

/// Two looks prove that it is off; whether it is still wanted only the ledger can say.
void confirm(Finding& found, const Vm& vm, const World& world) {
  const Intent* line = line_of(vm.uuid, world);
  if (line == nullptr) return;
  // The boot is a definite event: nothing of before it runs any more.
  if (line->last_stop == StopCause::node_down) found.confirmed = true;
  // A wish from before the stop, which may have been on purpose.
  const bool automatic = wish_for(vm.uuid, vm.name, world).authority == Wish::Authority::automatic;
  if (automatic && line->last_stop == StopCause::none) found.confirmed = false;
  if (stopped_on_purpose_since(vm, world)) found.confirmed = false;
}

std::vector<Finding> detect(const World& world) {
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr) return {};
  if (inventory_lost(world)) return lost_vms(world);
  std::vector<Finding> findings;
  for (const Vm& vm : *vms) {
    if (!is_down(vm.state) || wish_for(vm.uuid, vm.name, world).keep != Keep::up) continue;
    findings.push_back(finding(kName, target_of(vm.name), describe(vm), world));
    confirm(findings.back(), vm, world);
  }
  return findings;
}

/// Who may want this VM started, and by whom?
std::optional<Held> judge_authority(const Vm& vm, const Finding& found, const World& world) {
  const std::string mark_up = fmt::format("upkeep mark {} up", vm.name.value);
  const Wish wish = wish_for(vm.uuid, vm.name, world);
  const bool marked = wish.authority == Wish::Authority::mark;
  if (!vm.persistent) return hold(Hold::transient, "");
  if (auto held = vm_authority_hold(vm, found, world)) return held;
  const Intent* line = line_of(vm.uuid, world);
  if (line == nullptr) return std::nullopt;
  if (belongs_elsewhere(*line, wish)) {
    return hold(Hold::may_run_elsewhere,
                marked ? "it moved to another node after it was marked up here"
                       : "it moved to another node",
                mark_up);
  }
  if (marked) return std::nullopt;
  const bool unobserved = line->last_stop == StopCause::unobserved;
  if (unobserved && wish.authority == Wish::Authority::automatic) {
    return hold(Hold::stopped_unobserved, line->last_stop_detail, mark_up);
  }
  return std::nullopt;
}

std::optional<Held> judge_networks(const Vm& vm) {
  const VmNetwork* missing = nullptr;
  for (const VmNetwork& network : vm.networks) {
    // Not known isn't missing: a start without its network fails and harms nobody.
    if (network.present.value_or(true)) continue;
    if (missing == nullptr || network.name < missing->name) missing = &network;
  }
  if (missing == nullptr) return std::nullopt;
  if (missing->is_bridge) {
    return hold(Hold::network_missing, fmt::format("bridge {} does not exist", missing->name));
  }
  return hold(Hold::network_missing, fmt::format("network {} is not active", missing->name),
              "virsh net-start " + missing->name);
}

/// Promoting a resource is touching it: what another manager made is left alone unless a person
/// marked the VM.
std::optional<Held> judge_promotion(const Vm& vm, const StorageClearance& clearance,
                                    const World& world) {
  if (wish_for(vm.uuid, vm.name, world).authority == Wish::Authority::mark) return std::nullopt;
  for (const ResourceName& name : clearance.promote) {
    const DrbdResource* resource = find_resource(world.snapshot, name);
    if (resource == nullptr || resource->other_manager.empty()) continue;
    return hold(Hold::other_manager,
                fmt::format("DRBD resource {} belongs to {}", name.value, resource->other_manager),
                fmt::format("upkeep mark {} up", vm.name.value));
  }
  return std::nullopt;
}

std::expected<Action, Held> remedy(const Finding& found, const World& world) {
  const auto listed = vm_of(found, world);
  if (!listed) return std::unexpected(listed.error());
  const Vm* vm = *listed;
  if (auto held = judge_authority(*vm, found, world)) return std::unexpected(*held);
  if (auto held = judge_networks(*vm)) return std::unexpected(*held);
  auto clearance = storage_gate(*vm, world);
  if (!clearance) return std::unexpected(clearance.error());
  if (auto held = judge_promotion(*vm, *clearance, world)) return std::unexpected(*held);
  return StartVm{.vm = vm->name,
                 .uuid = vm->uuid,
                 .destroy_first = vm->state == VmState::crashed,
                 .promote = std::move(clearance->promote)};
}

}  // namespace

const Rule& vm_down_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = true, .drbd = false}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
