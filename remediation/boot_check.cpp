#include "remediation/boot_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "remediation/sight.h"

namespace upkeep {
namespace {

bool has_check(const Vm& vm, const World& world) {
  return policy_for(world.policy, vm.name).health.kind != HealthCheck::Kind::none;
}

std::string_view why_not(const Vm& vm, const World& world) {
  const VmHealth* health = health_of(vm, world);
  if (health == nullptr) return "not checked yet";
  if (health->detail.empty()) return "not checked again since it was acted on";
  return health->detail;
}

}  // namespace

const VmHealth* health_of(const Vm& vm, const World& world) {
  if (world.snapshot.health == nullptr) return nullptr;
  const auto found = world.snapshot.health->find(vm.uuid);
  return found == world.snapshot.health->end() ? nullptr : &found->second;
}

Duration running_for(const Vm& vm, const World& world) {
  Duration longest = world.now - world.history.started;
  const auto line = world.history.targets.find(target_of(vm.name));
  if (line != world.history.targets.end() && !line->second.attempts.empty()) {
    longest = std::min(longest, world.now - line->second.attempts.back());
  }
  if (!vm.last_start) return longest;
  const Duration by_wall = world.snapshot.wall - *vm.last_start;
  // A start in the future: the clock was set back since.
  return by_wall < Duration::zero() ? longest : std::min(longest, by_wall);
}

std::string health_trouble(const Vm& vm, const World& world) {
  if (!is_up(vm.state) || !has_check(vm, world)) return {};
  if (!is_healthy(vm, world)) return fmt::format("not healthy yet: {}", why_not(vm, world));
  const VmHealth* health = health_of(vm, world);
  if (health == nullptr || health->healthy) return {};
  return fmt::format("not healthy: {}", why_not(vm, world));
}

BootProgress boot_progress(const Action& action, Tick begun, const World& world) {
  using Kind = BootProgress::Kind;
  const auto* start = std::get_if<StartVm>(&action);
  const Vm* vm = start == nullptr ? nullptr : find_vm(world.snapshot, start->uuid);
  if (vm == nullptr || is_down(vm->state) || !has_check(*vm, world) || is_healthy(*vm, world)) {
    return {};
  }
  if (vm->state == VmState::paused && vm->reason == VmReason::io_error) {
    // To be resumed, which an action in flight would hinder.
    return {.kind = Kind::failed, .detail = "an I/O error paused it before it was healthy"};
  }
  const Duration patience = policy_for(world.policy, vm->name).boot_timeout;
  if (world.now < begun + patience) return {.kind = Kind::waiting, .detail = {}};
  return {.kind = Kind::failed,
          .detail = fmt::format("{}, but not healthy within {} s: {}", to_string(vm->state),
                                std::chrono::duration_cast<std::chrono::seconds>(patience).count(),
                                why_not(*vm, world))};
}

bool only_boots(const Target& target, const TargetHistory& tried, const World& world) {
  if (target.kind != Target::Kind::vm || !tried.in_flight || tried.stuck) return false;
  const Vm* vm = find_vm(world.snapshot, VmName{target.name});
  if (vm == nullptr || !is_up(vm->state) || tried.attempts.empty()) return false;
  // The other actions on a VM are counted as tries, and they need what is below it.
  return std::ranges::none_of(tried.tries, [&](const auto& line) {
    return !line.second.at.empty() && line.second.at.back() == tried.attempts.back();
  });
}

bool is_boot_overdue(const Vm& vm, const World& world) {
  // Without a word of the check nothing is known: it has only just been configured.
  if (!is_up(vm.state) || health_of(vm, world) == nullptr) return false;
  if (!has_check(vm, world) || is_healthy(vm, world)) return false;
  return running_for(vm, world) >= policy_for(world.policy, vm.name).boot_timeout;
}

}  // namespace upkeep
