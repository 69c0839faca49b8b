#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "exporter/model/clock.h"
#include "remediation/action.h"
#include "remediation/outcome.h"

namespace upkeep {

/// What first showed a problem.
enum class Trigger { event, poll, webhook, manual };

inline constexpr std::array kTriggers{Trigger::event, Trigger::poll, Trigger::webhook,
                                      Trigger::manual};

[[nodiscard]] constexpr std::string_view to_string(Trigger trigger) {
  switch (trigger) {
    case Trigger::event: return "event";
    case Trigger::poll: return "poll";
    case Trigger::webhook: return "webhook";
    case Trigger::manual: return "manual";
  }
  return "poll";
}

/// Why nothing is done about a finding. Closed; each is a metric label value, a log word and a
/// sentence of `upkeep why` (explain.cpp). Never rename.
enum class Hold {
  observing,  ///< Mode observe.
  paused,
  vm_busy,  ///< A libvirt job runs on the VM.
  host_shutting_down,
  stale_libvirt,
  stale_drbd,
  stale_peers,
  stale_node,       ///< A reading the rule needs is too old.
  inventory_empty,  ///< libvirt lists no VM although some are on record.
  starting_up,      ///< Inventory and DRBD have not settled yet.
  unconfirmed,      ///< Seen once, by poll; waits for a second look.
  no_remedy,        ///< A finding for a person: nothing is done by itself.
  risk_not_allowed,
  in_flight,      ///< An action on this target has not ended.
  command_stuck,  ///< An earlier command did not end; nothing more is sent there.
  latched,
  backing_off,
  not_allowed_to_act,  ///< act_on = "alerts": only an alert may trigger this.
  transient,           ///< No definition left to start from.
  stopped_unobserved,  ///< It went off while nobody looked: maybe on purpose.
  other_manager,
  network_missing,
  disk_missing,
  disk_unknown,
  split_brain,
  storage_not_up_to_date,  ///< The local copy isn't UpToDate and no safe one is connected.
  peer_not_connected,      ///< Silence is never "gone": the peer may be writing.
  peer_primary,            ///< A peer has one of the disks open for writing.
  storage_unknown,         ///< The disk's DRBD resource is not known to the kernel.
  runs_elsewhere,
  may_run_elsewhere,
  down_by_operator,  ///< Taken down in this boot after it was up.
  unsafe_adjust,     ///< The dry run wanted more than bringing up.
  journal_failed,    ///< What can't be remembered is not done.
  facts_changed,     ///< The last look before acting saw another world than the decision did.
};

[[nodiscard]] std::string_view to_string(Hold hold);
[[nodiscard]] std::optional<Hold> to_hold(std::string_view word);
/// Every Hold, in the order above.
[[nodiscard]] const std::vector<Hold>& all_holds();

/// A problem that a rule sees.
struct Finding {
  std::string_view rule;  ///< The rule's name; static storage.
  Target subject;
  Trigger trigger = Trigger::poll;
  bool confirmed = false;  ///< Shown by a definite event or seen twice.
  Tick since{};            ///< When it was first known to be so.
  std::string detail;      ///< Facts for people: "shut off (crashed)".

  friend bool operator==(const Finding&, const Finding&) = default;
};

/// Do it now.
struct Act {
  Action action;
  friend bool operator==(const Act&, const Act&) = default;
};
/// Mode dry-run: would do it now.
struct WouldAct {
  Action action;
  friend bool operator==(const WouldAct&, const WouldAct&) = default;
};
/// Does nothing, and why.
struct Held {
  Hold reason = Hold::observing;
  std::string detail;            ///< Which disk, which peer, until when; for people.
  std::string opens_with;        ///< The command that would open it; empty when none would.
  std::optional<Tick> retry_at;  ///< When this hold ends by itself.
  friend bool operator==(const Held&, const Held&) = default;
};

struct Decision {
  Finding finding;
  std::variant<Act, WouldAct, Held> verdict;

  friend bool operator==(const Decision&, const Decision&) = default;
};

/// The metric label: "act", "would_act" or "hold".
[[nodiscard]] std::string_view verdict_name(const Decision& decision);
/// The Hold of a held decision.
[[nodiscard]] std::optional<Hold> hold_of(const Decision& decision);

}  // namespace upkeep
