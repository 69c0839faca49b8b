#include "remediation/gates/storm.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr Duration kSameMoment = std::chrono::seconds(10);
const std::string_view kNodeDown = to_string(StopCause::node_down);

const DrbdResource* broken_resource_under(const Vm& vm, const World& world) {
  if (drbd_in_sight(world) == nullptr) return nullptr;
  for (const VmDisk& disk : vm.disks) {
    for (const DeviceMinor minor : disk.drbd) {
      const DrbdResource* resource = find_resource(world.snapshot, minor);
      if (resource == nullptr) continue;
      const bool usable =
          resource->in_kernel && std::ranges::all_of(resource->devices, [](const DrbdDevice& one) {
            return one.disk == DrbdDisk::up_to_date;
          });
      if (!usable || resource->suspended != "no") return resource;
    }
  }
  return nullptr;
}

std::string cause_of(const VmName& name, const Intent* line, const World& world) {
  // Right after a boot no resource is up yet, and the ledger takes a second look to tell of the
  // boot: what is wrong below a VM is its cause only once the ledger knows that it went down.
  if (line == nullptr || line->last_stop == StopCause::none) {
    return std::string(to_string(StopCause::none));
  }
  if (line->last_stop == StopCause::node_down) return std::string(kNodeDown);
  const Vm* vm = find_vm(world.snapshot, name);
  const DrbdResource* broken = vm == nullptr ? nullptr : broken_resource_under(*vm, world);
  if (broken != nullptr) return to_string(target_of(broken->name));
  return std::string(to_string(line->last_stop));
}

/// The ledger may learn of the cause after the reading showed the failure, and forgets it with the
/// event that the VM runs again, before a reading shows that.
void take(StormWatch& watch, VmFailure failure) {
  const auto known = std::ranges::find(watch.failures, failure.uuid, &VmFailure::uuid);
  if (known == watch.failures.end()) {
    watch.failures.push_back(std::move(failure));
  } else if (known->at != failure.at || known->cause == to_string(StopCause::none)) {
    *known = std::move(failure);
  }
}

bool joins(const FailureGroup& group, const VmFailure& failure) {
  if (group.cause != failure.cause) return false;
  const bool is_place = failure.cause == kNodeDown || failure.cause.starts_with("resource/");
  return is_place || failure.at - group.failures.back().at <= kSameMoment;
}

bool is_storm(const StormWatch& watch, const World& world) {
  std::size_t unexplained = 0;
  std::size_t causes = 0;
  for (const FailureGroup& group : by_cause(watch.failures)) {
    // A cause that the ledger has not been told of yet is no other cause.
    const bool is_told = group.cause != to_string(StopCause::none);
    if (!is_told || group.cause == kNodeDown || is_one_outage(group, world)) continue;
    unexplained += group.failures.size();
    ++causes;
  }
  const StormGuard& guard = world.policy.storm;
  return causes > 1 && unexplained >= static_cast<std::size_t>(guard.least) &&
         static_cast<double>(unexplained) > guard.share * static_cast<double>(wanted_vms(world));
}

}  // namespace

std::vector<FailureGroup> by_cause(const std::vector<VmFailure>& failures) {
  std::vector<FailureGroup> groups;
  for (const VmFailure& failure : failures) {
    const auto group =
        std::ranges::find_if(groups, [&](const FailureGroup& one) { return joins(one, failure); });
    if (group == groups.end()) {
      groups.push_back({.cause = failure.cause, .failures = {failure}});
    } else {
      group->failures.push_back(failure);
    }
  }
  return groups;
}

std::size_t wanted_vms(const World& world) {
  return static_cast<std::size_t>(
      std::ranges::count_if(world.history.intents, [&](const auto& line) {
        const Wish wish = wish_for(&line.second, policy_for(world.policy, line.second.name));
        return wish.keep == Keep::up && !is_gone(line.second, world);
      }));
}

bool is_one_outage(const FailureGroup& group, const World& world) {
  const StormGuard& guard = world.policy.storm;
  return group.failures.size() >= static_cast<std::size_t>(guard.least) &&
         static_cast<double>(group.failures.size()) >
             guard.share * static_cast<double>(wanted_vms(world));
}

StormWatch after_look(StormWatch watch, const World& world) {
  for (const auto& [key, problem] : world.history.problems) {
    if (key.first != "vm_down" || world.now - problem.since > world.policy.storm.window) continue;
    const VmName name{key.second.name};
    const Intent* line = line_by_name(name, world.history);
    if (line == nullptr) continue;
    take(watch, {.uuid = line->uuid,
                 .name = name,
                 .at = problem.since,
                 .cause = cause_of(name, line, world)});
  }
  std::erase_if(watch.failures, [&](const VmFailure& failure) {
    return world.now - failure.at > world.policy.storm.window;
  });
  std::ranges::sort(watch.failures, [](const VmFailure& a, const VmFailure& b) {
    return std::tie(a.at, a.uuid) < std::tie(b.at, b.uuid);
  });
  if (is_storm(watch, world)) watch.until = world.now + world.policy.storm.cool_down;
  if (watch.until && *watch.until <= world.now) watch.until.reset();
  return watch;
}

std::optional<Held> storm_hold(const Action& action, const World& world) {
  const StormWatch& watch = world.history.storm;
  if (target_of(action).kind != Target::Kind::vm || !watch.until || *watch.until <= world.now) {
    return std::nullopt;
  }
  Held held = hold(Hold::storm,
                   fmt::format("{} of {} wanted VMs", watch.failures.size(), wanted_vms(world)));
  held.retry_at = watch.until;
  return held;
}

}  // namespace upkeep
