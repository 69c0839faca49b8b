#pragma once

#include <string>

#include "remediation/world.h"

namespace upkeep {

// What the health checks of VMs say about starts. All pure.

/// What the VM's check last said; null when there is none, or no answer yet.
[[nodiscard]] const VmHealth* health_of(const Vm& vm, const World& world);

/// Why a VM that runs isn't well, for people: "not healthy yet: the guest agent does not answer",
/// "not healthy: …" when it was healthy before in this run. Empty when it is well, doesn't run or
/// has no check.
[[nodiscard]] std::string health_trouble(const Vm& vm, const World& world);

/// How far the guest has come that an action started.
struct BootProgress {
  enum class Kind {
    done,     ///< Healthy, as far as there is a check; also: no start, or nothing to be seen of it.
    waiting,  ///< It runs and may still become healthy.
    failed,   ///< It runs, and its time is up.
  };
  Kind kind = Kind::done;
  std::string detail;  ///< Of a failed one: "running, but not healthy within 300 s: …".
};
/// `begun`: when the guest began to boot, or when this daemon began to look.
[[nodiscard]] BootProgress boot_progress(const Action& action, Tick begun, const World& world);

/// The action in flight on the target is a start whose guest is there already. What was below it
/// (DRBD) is done with.
[[nodiscard]] bool only_boots(const Target& target, const TargetHistory& tried, const World& world);

/// How long a VM that runs has surely been running. By the monotonic clock as far as that reaches:
/// the wall clock is set right in the first minutes after a boot.
[[nodiscard]] Duration running_for(const Vm& vm, const World& world);

/// A VM that runs and has not been healthy in this run, for longer than its `boot_timeout`.
[[nodiscard]] bool is_boot_overdue(const Vm& vm, const World& world);

}  // namespace upkeep
