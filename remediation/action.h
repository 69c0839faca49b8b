#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "exporter/model/ids.h"
#include "remediation/split_brain_side.h"

namespace upkeep {

/// What an action, a latch or an operator's command is about. Written "vm/web1", "resource/r0".
struct Target {
  enum class Kind { vm, resource };
  Kind kind = Kind::vm;
  std::string name;

  friend auto operator<=>(const Target&, const Target&) = default;
  friend bool operator==(const Target&, const Target&) = default;
};

[[nodiscard]] std::string to_string(const Target& target);
/// Reads "vm/NAME" or "resource/NAME"; nothing else.
[[nodiscard]] std::optional<Target> to_target(std::string_view text);
[[nodiscard]] Target target_of(const VmName& vm);
[[nodiscard]] Target target_of(const ResourceName& resource);

/// Starts a VM that is off. `promote` are the DRBD resources to make Primary first (8.4 has no
/// auto-promote); what this start promoted is demoted again if the start fails.
struct StartVm {
  VmName vm;
  VmUuid uuid;
  bool destroy_first = false;  ///< Crashed and preserved: libvirt must drop the dead one first.
  std::vector<ResourceName> promote;

  friend bool operator==(const StartVm&, const StartVm&) = default;
};

/// Brings up a configured DRBD resource: an inspected `drbdadm adjust` of this one resource.
struct BringUpResource {
  ResourceName resource;
  bool skip_disk = false;  ///< Its disk failed for good: only the network part is brought up.

  friend bool operator==(const BringUpResource&, const BringUpResource&) = default;
};

/// Connects a StandAlone DRBD resource again: a plain `drbdadm connect`, never one that discards.
struct ReconnectResource {
  ResourceName resource;

  friend bool operator==(const ReconnectResource&, const ReconnectResource&) = default;
};

/// Attaches a volume's backing device again, once it proved readable.
struct AttachDevice {
  ResourceName resource;
  VolumeNumber volume;

  friend bool operator==(const AttachDevice&, const AttachDevice&) = default;
};

/// Lets a VM go on that was paused by an I/O error.
struct ResumeVm {
  VmName vm;
  VmUuid uuid;

  friend bool operator==(const ResumeVm&, const ResumeVm&) = default;
};

/// Presses the reset button of a running VM. Only an alert that may ask for it does.
struct ResetVm {
  VmName vm;
  VmUuid uuid;

  friend bool operator==(const ResetVm&, const ResetVm&) = default;
};

/// Gives a running VM a disk of its definition back.
struct ReattachDisk {
  VmName vm;
  VmUuid uuid;
  DiskTarget disk;

  friend bool operator==(const ReattachDisk&, const ReattachDisk&) = default;
};

/// This node's part in ending a split brain. No rule's remedy: only a person asks for it.
struct ResolveSplitBrain {
  ResourceName resource;
  SplitBrainSide side = SplitBrainSide::keep_local;

  friend bool operator==(const ResolveSplitBrain&, const ResolveSplitBrain&) = default;
};

using Action = std::variant<StartVm, BringUpResource, ReconnectResource, AttachDevice, ResumeVm,
                            ResetVm, ReattachDisk, ResolveSplitBrain>;

/// How much harm an action can do if it is wrong. Ordered; policy names the highest allowed.
enum class Risk {
  low,     ///< Starts what is off, brings up what is down.
  medium,  ///< Touches something that is up: resume, reconnect, attach.
  high,    ///< Interrupts a guest, or gives up data.
};

[[nodiscard]] constexpr std::string_view to_string(Risk risk) {
  switch (risk) {
    case Risk::low: return "low";
    case Risk::medium: return "medium";
    case Risk::high: return "high";
  }
  return "high";
}

[[nodiscard]] Target target_of(const Action& action);
/// "start_vm", "bring_up_resource": metric label and journal word; never rename.
[[nodiscard]] std::string_view name_of(const Action& action);
[[nodiscard]] Risk risk_of(const Action& action);

/// Every action's name, so that counters exist at 0 from the start.
[[nodiscard]] const std::vector<std::string_view>& all_action_names();

}  // namespace upkeep
