#include "remediation/gates/start_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "remediation/boot_check.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

/// A VM that runs, has a check and has not passed it yet. Past its boot_timeout nobody waits for
/// it.
bool is_booting(const Vm& vm, const World& world) {
  if (!is_up(vm.state) || is_healthy(vm, world)) return false;
  return running_for(vm, world) < policy_for(world.policy, vm.name).boot_timeout;
}

bool starts_now(const VmName& vm, const World& world) {
  const auto line = world.history.targets.find(target_of(vm));
  return line != world.history.targets.end() && line->second.in_flight && !line->second.stuck;
}

}  // namespace

StartOrder::StartOrder(const World& world) : world_(world) {
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr) return;
  for (const Vm& vm : *vms) {
    if (wish_for(vm.uuid, vm.name, world).keep != Keep::up) continue;
    VmPolicy policy = policy_for(world.policy, vm.name);
    members_.push_back({.name = vm.name,
                        .priority = policy.priority,
                        .after = std::move(policy.after),
                        .depth = 0,
                        .coming = is_booting(vm, world) ||
                                  (starts_now(vm.name, world) && !is_healthy(vm, world))});
  }
  std::ranges::sort(members_, {}, &Member::name);
  for (Member& member : members_) member.depth = depth_of(member, members_.size());
}

const StartOrder::Member* StartOrder::find(const VmName& name) const {
  const auto found = std::ranges::lower_bound(members_, name, {}, &Member::name);
  return found == members_.end() || found->name != name ? nullptr : &*found;
}

/// `left` ends a circle, which the configuration refuses.
std::size_t StartOrder::depth_of(const Member& member, std::size_t left) const {
  std::size_t deepest = 0;
  if (left == 0) return 0;
  for (const VmName& name : member.after) {
    const Member* before = find(name);
    if (before != nullptr) deepest = std::max(deepest, depth_of(*before, left - 1) + 1);
  }
  return deepest;
}

void StartOrder::sort(std::vector<Finding>& findings) const {
  const auto place = [&](const Finding& finding) {
    const Member* member = find(VmName{finding.subject.name});
    return member == nullptr ? std::pair<int, std::size_t>{0, 0}
                             : std::pair{member->priority, member->depth};
  };
  std::ranges::stable_sort(findings, {}, place);
}

void StartOrder::judged(const Target& subject, bool is_coming) {
  const auto found = std::ranges::lower_bound(members_, VmName{subject.name}, {}, &Member::name);
  if (found == members_.end() || found->name.value != subject.name) return;
  found->coming = found->coming || is_coming;
}

std::optional<Held> StartOrder::hold_for(const Finding& finding) const {
  const Member* self = find(VmName{finding.subject.name});
  // A pause is no time to have waited for others in.
  const Tick waits_since = std::max(finding.since, world_.history.resumed.value_or(finding.since));
  const Tick patience = waits_since + world_.policy.tier_timeout;
  if (self == nullptr || world_.now >= patience) return std::nullopt;
  const auto waits = [&](Hold reason, const Member& before) {
    Held held = hold(reason, fmt::format("{} is not healthy yet", before.name.value));
    held.retry_at = patience;
    return held;
  };
  for (const VmName& name : self->after) {
    const Member* before = find(name);
    if (before != nullptr && before->coming) return waits(Hold::waits_for_vm, *before);
  }
  const Member* first = nullptr;
  for (const Member& before : members_) {
    if (!before.coming || before.priority >= self->priority) continue;
    if (first == nullptr || before.priority < first->priority) first = &before;
  }
  if (first == nullptr) return std::nullopt;
  return waits(Hold::waits_for_tier, *first);
}

}  // namespace upkeep
