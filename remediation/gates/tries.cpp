#include "remediation/gates/tries.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace upkeep {
namespace {

/// The longest window of any limit.
constexpr Duration kKept = std::chrono::hours(24);
constexpr Duration kProbeGap = std::chrono::minutes(10);
/// For a device that isn't there: a look at it harms nothing, and it may come any moment. Mostly
/// the reading tells that it is missing, and nothing is tried at all.
constexpr Duration kMissingGap = std::chrono::seconds(30);
constexpr std::string_view kAttach = "attach_device";

bool used_up(const Tries& tries, const ActionLimit& limit, Tick now) {
  return std::ranges::count_if(tries.at, [&](Tick at) { return now - at < limit.window; }) >=
         limit.tries;
}

bool lost_a_link(const DrbdResource& resource) {
  return std::ranges::any_of(resource.peers, [](const DrbdPeer& peer) {
    return peer.connection == DrbdConnection::stand_alone;
  });
}

bool lost_a_disk(const DrbdResource& resource) {
  return std::ranges::any_of(resource.devices, [](const DrbdDevice& device) {
    const bool gone = device.disk == DrbdDisk::diskless || device.disk == DrbdDisk::failed;
    return gone && !device.client.value_or(false);
  });
}

/// Would what the action mends be there to mend?
bool is_needed(std::string_view action, const Target& target, const Snapshot& snapshot) {
  if (target.kind == Target::Kind::resource) {
    const auto* resource = find_resource(snapshot, ResourceName{target.name});
    if (resource == nullptr || !resource->in_kernel) return false;
    return action == kAttach ? lost_a_disk(*resource) : lost_a_link(*resource);
  }
  const Vm* vm = find_vm(snapshot, VmName{target.name});
  if (vm == nullptr) return false;
  if (action == "resume_vm") {
    return vm->state == VmState::paused && vm->reason == VmReason::io_error;
  }
  if (action == "reset_vm") return false;  // Nothing that is seen here shows it.
  return std::ranges::any_of(vm->disks, [](const VmDisk& disk) {
    return disk.in_definition && disk.attached.has_value() && !*disk.attached;
  });
}

void look_at(Tries& tries, const ActionLimit& limit, bool needed, Tick now) {
  if (needed && !tries.latched_since && used_up(tries, limit, now)) tries.latched_since = now;
  std::erase_if(tries.at, [&](Tick at) { return now - at >= kKept; });
  const Tick last = tries.at.empty() ? Tick::min() : tries.at.back();
  const bool over = tries.latched_since && now - *tries.latched_since >= limit.window &&
                    (last == Tick::min() || now - last >= limit.window);
  if (!needed && over) tries.latched_since.reset();
}

/// A backing device that was not there, or could not be read, is not probed again and again.
std::optional<Held> unreadable_hold(const TargetHistory& tried, const Target& target,
                                    std::string_view action, Tick now) {
  if (action != kAttach || !tried.last_outcome || !tried.last_end) return std::nullopt;
  const auto reason = to_hold(tried.last_outcome->reason);
  if (reason != Hold::disk_unreadable && reason != Hold::disk_missing) return std::nullopt;
  const Tick again = *tried.last_end + (reason == Hold::disk_missing ? kMissingGap : kProbeGap);
  if (now >= again) return std::nullopt;
  return Held{.reason = *reason,
              .detail = tried.last_outcome->detail,
              .opens_with = "upkeep release " + to_string(target),
              .retry_at = again};
}

}  // namespace

std::optional<Held> limit_hold(const History& history, const Policy& policy, const Target& target,
                               std::string_view action, Tick now) {
  const ActionLimit* limit = limit_of(policy, action);
  const auto line = history.targets.find(target);
  if (limit == nullptr || line == history.targets.end()) return std::nullopt;
  if (auto held = unreadable_hold(line->second, target, action, now)) return held;
  const auto found = line->second.tries.find(std::string(action));
  if (found == line->second.tries.end()) return std::nullopt;
  const Tries& tries = found->second;
  if (!tries.latched_since && !used_up(tries, *limit, now)) return std::nullopt;
  return Held{.reason = Hold::latched,
              .detail = fmt::format("{} was tried {} times without lasting success", action,
                                    std::max<std::size_t>(tries.at.size(), 1)),
              .opens_with = "upkeep release " + to_string(target),
              .retry_at = std::nullopt};
}

BackOff back_off_of(const Policy& policy, std::string_view action) {
  BackOff back_off = policy.back_off;
  if (const ActionLimit* limit = limit_of(policy, action)) back_off.first_gap = limit->first_gap;
  return back_off;
}

std::optional<Tick> given_up_since(const TargetHistory& target) {
  std::optional<Tick> first = target.latched_since;
  for (const auto& [action, tries] : target.tries) {
    if (!tries.latched_since) continue;
    first = std::min(first.value_or(*tries.latched_since), *tries.latched_since);
  }
  return first;
}

bool is_latched(const History& history, const Target& target, std::string_view action) {
  const auto line = history.targets.find(target);
  if (line == history.targets.end()) return false;
  const auto found = line->second.tries.find(std::string(action));
  return found != line->second.tries.end() && found->second.latched_since.has_value();
}

TargetHistory with_try(TargetHistory target, const Policy& policy, std::string_view action,
                       Tick now) {
  if (limit_of(policy, action) != nullptr) {
    target.tries[std::string(action)].at.push_back(now);
  }
  return target;
}

TargetHistory after_try(TargetHistory target, const Policy& policy, std::string_view action,
                        const Outcome& outcome, Tick now) {
  const ActionLimit* limit = limit_of(policy, action);
  const auto found = target.tries.find(std::string(action));
  if (limit == nullptr || found == target.tries.end()) return target;
  Tries& tries = found->second;
  if (!costs_attempt(outcome)) {
    if (!tries.at.empty()) tries.at.pop_back();
    return target;
  }
  const bool lasting = outcome.kind == Outcome::Kind::succeeded;  // Perhaps; the next looks tell.
  if (!lasting && !tries.latched_since && used_up(tries, *limit, now)) tries.latched_since = now;
  return target;
}

TargetHistory after_tries_look(TargetHistory target, const Target& name, const Step& step) {
  const bool busy = target.in_flight || target.stuck;
  for (auto& [action, tries] : target.tries) {
    const ActionLimit* limit = limit_of(step.policy, action);
    if (limit == nullptr) continue;
    look_at(tries, *limit, !busy && is_needed(action, name, step.snapshot), step.now);
  }
  std::erase_if(target.tries, [](const auto& line) {
    return line.second.at.empty() && !line.second.latched_since;
  });
  return target;
}

TargetHistory after_boot(TargetHistory target) {
  auto tries = std::move(target.tries);
  target = released(std::move(target));
  if (auto attach = tries.extract(std::string(kAttach))) target.tries.insert(std::move(attach));
  return target;
}

}  // namespace upkeep
