#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exporter/model/drbd.h"
#include "exporter/model/event.h"
#include "exporter/model/snapshot.h"
#include "remediation/decision.h"
#include "remediation/intent.h"
#include "remediation/last_primary.h"
#include "remediation/pace.h"
#include "remediation/policy.h"
#include "remediation/resource_history.h"
#include "remediation/standing.h"

namespace upkeep {

/// The tries of one kind of action on a target whose number is limited (`limit_of`).
struct Tries {
  std::vector<Tick> at;  ///< Those of the last 24 hours that cost, oldest first.
  std::optional<Tick> latched_since;

  friend bool operator==(const Tries&, const Tries&) = default;
};

/// What was tried on one target. Durable; ticks are rebuilt from wall times when loaded.
struct TargetHistory {
  std::vector<Tick> attempts;  ///< Begin of each attempt of the last hour, oldest first.
  int in_row = 0;              ///< Attempts since the target was last stable.
  std::optional<Tick> last_end;
  std::optional<Outcome> last_outcome;
  std::optional<std::int64_t> in_flight;  ///< The journal id of the action that has not ended.
  bool stuck = false;                     ///< It passed its deadline and has not ended.
  std::optional<Tick> latched_since;
  std::optional<Tick> healthy_since;  ///< Since when the target is seen healthy.
  bool is_blocked = false;            ///< Storage, a network or a peer stands in its way.
  std::optional<Tick> unblocked;      ///< When that had last gone.
  /// Tries in a row that could not be sent, for ever longer gaps; a new daemon begins anew.
  int unsent_in_row = 0;
  std::map<std::string, Tries> tries;  ///< By the action's name.

  friend bool operator==(const TargetHistory&, const TargetHistory&) = default;
};

/// A problem that is open: when it was first known, what showed it, how often it was seen.
struct OpenProblem {
  Trigger trigger = Trigger::poll;
  Tick since{};
  int observations = 0;   ///< Distinct readings that showed it.
  Tick last_reading{};    ///< `at` of the last reading counted.
  bool definite = false;  ///< A definite event (crashed, failed, boot) showed it.

  friend bool operator==(const OpenProblem&, const OpenProblem&) = default;
};

/// All that the decisions remember. Owned by the loop's thread; copied (shared parts) for actions.
struct History {
  std::uint64_t jitter_seed = 0;
  Tick started{};                  ///< When this daemon started.
  std::optional<Tick> settled_at;  ///< When inventory and DRBD had settled.
  bool journal_ok = true;          ///< The last journal write succeeded.
  BootId boot;
  bool booted_since_record = false;  ///< This boot differs from the last recorded one.
  IntentLedger intents;
  std::map<Target, TargetHistory> targets;
  std::map<std::pair<std::string, Target>, OpenProblem> problems;  ///< By rule name and subject.
  /// Problems that an alert in force asks to mend, and since when (AlertBook).
  std::map<std::pair<std::string, Target>, Tick> asked_by_alert;
  std::map<ResourceName, ResourceHistory> resources;
  PrimaryRecord last_primary;
  Standings standings;
  std::map<ResourceName, ResourceProgress> progress;
  std::map<VmUuid, Tick> storage_open_since;  ///< VMs paused by I/O errors whose gate is open.
  std::map<NodeName, PeerBoot> peer_boots;
  /// The VMs that this node tells its peers it wants, and since when; nothing until they were
  /// listed once. At the end of time: not told yet (WantedBook).
  std::optional<std::map<VmUuid, Tick>> wanted_told;
  StormWatch storm;
  StartPace pace;
  Budget budget;
  std::optional<Tick> resumed;  ///< When the last pause ended; who waited for it waits anew.
  std::optional<std::int64_t> recovery;  ///< The journal's id of the one that is open.
};

/// The gap to wait after attempt number `in_row` (1 = the first), jittered by target and seed so
/// that equal arguments give equal gaps. The cap is the nominal gap's; jitter comes on top of it.
[[nodiscard]] Duration gap_after(const BackOff& back_off, const Target& target, int in_row,
                                 std::uint64_t seed);

/// What back-off and latch say about trying the action on `target` now: nothing (go), or the hold.
/// `never_gives_up` is StartVm's slow retry while latched; when what stood in the way since its
/// last try has gone, that is a retry at the cap of the gaps.
[[nodiscard]] std::optional<Held> back_off_hold(const History& history, const BackOff& back_off,
                                                const Target& target, bool never_gives_up,
                                                Tick now);

// Changes, each pure: the new line for the old one.
[[nodiscard]] TargetHistory after_begin(TargetHistory target, std::int64_t action_id, Tick now);
/// The action passed its deadline and has not ended: the target is stuck until `after_end`.
[[nodiscard]] TargetHistory after_deadline(TargetHistory target, const Outcome& outcome, Tick now);
/// The action ended. Latches when `attempts_per_hour` are used up without lasting success. A last
/// word of timed_out (a program of DRBD's that "did not terminate") leaves the target stuck until
/// it is seen healthy or released.
[[nodiscard]] TargetHistory after_end(TargetHistory target, const Outcome& outcome,
                                      const BackOff& back_off, Tick now);
/// Counts the stable window; resets the counters when it is over. A target that is down again with
/// the hour's attempts used up is latched.
[[nodiscard]] TargetHistory after_look(TargetHistory target, bool healthy, const BackOff& back_off,
                                       Tick now);
/// The plan judged it: held (`hold`), or about to be tried. Not for what only a look can tell.
[[nodiscard]] TargetHistory after_verdict(TargetHistory target, std::optional<Hold> hold, Tick now);
/// `upkeep release`; a boot does it too, by `after_boot`. What is in flight stays so.
[[nodiscard]] TargetHistory released(TargetHistory target);

/// The problem's line after a reading taken at `reading_at` shows it; `known` is null when it was
/// not open. The same reading counts once.
[[nodiscard]] OpenProblem after_sighting(const OpenProblem* known, Tick reading_at, Tick now);
/// True when a definite event or two readings showed it.
[[nodiscard]] bool is_confirmed(const OpenProblem& problem);

}  // namespace upkeep
