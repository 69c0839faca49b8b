#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/event.h"
#include "exporter/model/snapshot.h"
#include "remediation/policy.h"
#include "remediation/stop_cause.h"

namespace upkeep {

/// An operator's durable word on a VM (`upkeep mark`).
struct Mark {
  Keep keep = Keep::automatic;
  std::string by;  ///< Who said so.
  std::string reason;
  WallTime at{};

  friend bool operator==(const Mark&, const Mark&) = default;
};

/// One line of the ledger: what is wanted of a VM and why. Durable, per UUID.
struct Intent {
  VmUuid uuid;
  VmName name;
  bool wanted = false;  ///< `auto`'s wish; a mark or the config goes before it.
  StopCause last_stop = StopCause::never_ran;
  /// For people: "event stopped_destroyed", "seen shut_off/crashed". Nothing is decided by it.
  std::string last_stop_detail;
  Remains remains = Remains::unknown;  ///< Of the last stop; of no meaning while it runs.
  WallTime changed{};                  ///< When `wanted` or `last_stop` last changed.
  BootId boot;                         ///< The boot in which it was last seen, running or off.
  std::optional<Mark> mark;
  /// SHUTDOWN/GUEST or /HOST came and its STOPPED has not yet: tells row 2/3 from 7.
  std::optional<VmEventKind> shutdown_seen;

  friend bool operator==(const Intent&, const Intent&) = default;
};

using IntentLedger = std::map<VmUuid, Intent>;

/// What is known around an event or observation.
struct IntentContext {
  BootId boot;
  WallTime wall{};
  bool host_shutting_down = false;
  bool own_action = false;        ///< One of our actions is in flight on this VM: its stop is ours.
  bool active_elsewhere = false;  ///< A peer is Primary on its disks or reports its UUID active.
  GuestShutdown guest_shutdown = GuestShutdown::respect;
};

/// The line after an event. Pure.
[[nodiscard]] Intent after_event(Intent intent, const VmEvent& event, const IntentContext& context);

/// The line after the VM was seen in `vm`'s state by a poll (events can be lost). `settled` says
/// that no event can be newer: seen twice with none in between, or the first look after a boot.
/// `known` is null for a VM without a line. Pure.
[[nodiscard]] Intent after_observation(const Intent* known, const Vm& vm, bool settled,
                                       const IntentContext& context);

/// What is wanted in the end, and who said so.
struct Wish {
  Keep keep = Keep::down;  ///< up, down or ignore; never automatic.
  enum class Authority { mark, config, automatic } authority = Authority::automatic;
  bool known = false;  ///< False: no line in the ledger yet.

  friend bool operator==(const Wish&, const Wish&) = default;
};

/// Operator's mark, then the config's keep=, then auto. Pure.
[[nodiscard]] Wish wish_for(const Intent* intent, const VmPolicy& policy);

}  // namespace upkeep
