#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/health.h"
#include "exporter/model/ids.h"
#include "exporter/model/snapshot.h"
#include "remediation/action.h"
#include "remediation/alerts/alert_rule.h"
#include "remediation/pace_policy.h"

namespace upkeep {

enum class Mode { observe, dry_run, act };

inline constexpr std::array kModes{Mode::observe, Mode::dry_run, Mode::act};

/// "observe", "dry-run", "act": config value and metric label.
[[nodiscard]] std::string_view to_string(Mode mode);
[[nodiscard]] std::optional<Mode> to_mode(std::string_view word);

/// What the config or an operator says about a VM.
enum class Keep { automatic, up, down, ignore };

/// "auto", "up", "down", "ignore".
[[nodiscard]] std::string_view to_string(Keep keep);
[[nodiscard]] std::optional<Keep> to_keep(std::string_view word);

/// What to think of a guest that powers itself off.
enum class GuestShutdown { respect, restart };

/// Who may start an action for a VM.
enum class ActOn { loop, alerts, both };

/// What is allowed for the VMs that a `[[vm]]` block matches.
struct VmPolicy {
  std::string match = "*";  ///< Glob on the VM's name (fnmatch); the first match wins.
  Keep keep = Keep::automatic;
  ActOn act_on = ActOn::both;
  bool exclusive = false;  ///< Its shared disks are this node's alone.
  GuestShutdown guest_shutdown = GuestShutdown::respect;
  bool keep_disks = false;    ///< A disk that is gone live was lost, also if nobody saw how.
  int priority = 0;           ///< Its tier: 0 is started first.
  std::vector<VmName> after;  ///< VMs of this node that must be healthy before it is started.
  int weight = 1;             ///< Start slots that it takes.
  HealthCheck health;
  Duration boot_timeout = std::chrono::seconds(300);  ///< From its start to the first good answer.
};

/// When to try again. DESIGN §6 gate 8.
struct BackOff {
  Duration first_gap = std::chrono::seconds(10);
  double factor = 2.0;
  double jitter = 0.25;  ///< ± this share of the gap.
  Duration cap = std::chrono::seconds(300);
  int attempts_per_hour = 5;
  Duration slow_retry = std::chrono::minutes(30);      ///< StartVm while latched.
  Duration stable_window = std::chrono::seconds(600);  ///< Up for so long: counters reset.

  friend bool operator==(const BackOff&, const BackOff&) = default;
};

/// How often an action may be tried, beside the back-off: once too often latches it until
/// `upkeep release`, or until what it mends has been well for as long as the window.
struct ActionLimit {
  int tries = 3;
  Duration window = std::chrono::hours(1);
  Duration first_gap = std::chrono::seconds(10);

  friend bool operator==(const ActionLimit&, const ActionLimit&) = default;
};

/// Everything that is allowed, compiled from the config. Immutable.
struct Policy {
  Mode mode = Mode::observe;
  Risk allowed_risk = Risk::medium;
  Freshness freshness;
  BackOff back_off;
  Duration startup_grace = std::chrono::seconds(60);
  Duration start_deadline = std::chrono::seconds(120);     ///< Of one StartVm.
  Duration bring_up_deadline = std::chrono::seconds(120);  ///< Of one BringUpResource.
  GuestShutdown guest_shutdown = GuestShutdown::respect;
  ActionLimit reconnect{.tries = 3, .first_gap = std::chrono::seconds(5)};
  ActionLimit attach{.tries = 1, .window = std::chrono::hours(24)};
  ActionLimit resume{.tries = 3, .window = std::chrono::minutes(10)};
  /// What a reset didn't cure, another one soon after won't.
  ActionLimit reset{.tries = 1, .window = std::chrono::minutes(30)};
  ActionLimit reattach{.tries = 3};
  StartPacing pacing;
  StormGuard storm;
  Duration tier_timeout = std::chrono::seconds(600);  ///< No VM waits longer for those before it.
  int actions_per_hour = 20;                          ///< Of this node; a whole recovery is one.
  /// A VM may start without its DRBD peers when they have been silent for so long; absent: never.
  std::optional<Duration> allow_degraded_after;
  bool attach_on_primary = false;        ///< One attach in four froze the guest's I/O (DRBD 9.2).
  std::vector<VmPolicy> vms;             ///< First match wins.
  std::vector<NodeName> peers;           ///< Configured peers.
  std::vector<AlertRule> alerts;         ///< What alerts may ask for; first match wins.
  bool foreign_cluster_manager = false;  ///< corosync.conf or a pacemaker unit is on this node.
};

/// The limit of an action; null when only the back-off limits it.
[[nodiscard]] const ActionLimit* limit_of(const Policy& policy, std::string_view action);

/// The block that applies to the VM: the first match, else the defaults (with the policy's
/// guest_shutdown).
[[nodiscard]] VmPolicy policy_for(const Policy& policy, const VmName& vm);

}  // namespace upkeep
