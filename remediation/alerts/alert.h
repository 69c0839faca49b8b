#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/clock.h"
#include "remediation/action.h"
#include "remediation/alerts/alert_rule.h"

namespace upkeep {

/// One alert as Alertmanager told it.
struct Alert {
  bool firing = false;  ///< Its own status: the group's says "resolved" of firing ones at times.
  AlertLabels labels;
  std::string fingerprint;  ///< Of its labels; the same each time it fires.
  WallTime starts_at{};     ///< Another one each time it fires. Whole microseconds.

  friend bool operator==(const Alert&, const Alert&) = default;
};

/// One POST of Alertmanager's.
struct AlertDelivery {
  std::vector<Alert> alerts;
  bool truncated = false;  ///< Alertmanager left some out: nothing of it can be relied on.
};

/// What became of an alert that arrived. Closed; each is a metric label value and a word of the
/// journal: never rename.
enum class AlertOutcome {
  acted,           ///< An action was begun for it.
  would_act,       ///< The same, in mode dry-run.
  held,            ///< A gate keeps the action back.
  nothing_to_do,   ///< What it tells of isn't to be seen here.
  rechecked,       ///< Everything is read again.
  watchdog,        ///< Alerts arrive.
  not_wanted,      ///< The VM isn't to run here.
  not_mine,        ///< This node has no such VM or resource.
  refused,         ///< The VM is at act_on = "loop".
  no_target,       ///< The label that is to name the VM or resource doesn't.
  unknown_alert,   ///< No `[[alert]]` block is for it.
  duplicate,       ///< It had arrived before.
  after_resolved,  ///< It arrived firing after it had arrived resolved.
  resolved,        ///< It arrived resolved.
  cancelled,       ///< It was resolved before anything was decided.
  expired,         ///< Nothing could be decided for too long.
  truncated,       ///< Alertmanager cut its group short.
  too_old,         ///< It began to fire longer ago than upkeep remembers alerts.
};

inline constexpr std::array kAlertOutcomes{
    AlertOutcome::acted,          AlertOutcome::would_act,     AlertOutcome::held,
    AlertOutcome::nothing_to_do,  AlertOutcome::rechecked,     AlertOutcome::watchdog,
    AlertOutcome::not_wanted,     AlertOutcome::not_mine,      AlertOutcome::refused,
    AlertOutcome::no_target,      AlertOutcome::unknown_alert, AlertOutcome::duplicate,
    AlertOutcome::after_resolved, AlertOutcome::resolved,      AlertOutcome::cancelled,
    AlertOutcome::expired,        AlertOutcome::truncated,     AlertOutcome::too_old};

[[nodiscard]] std::string_view to_string(AlertOutcome outcome);

/// What makes an alert this one, however often and from whomever it arrives.
struct AlertKey {
  std::string fingerprint;
  WallTime starts_at{};
  std::optional<AlertAction> action;  ///< Nothing: no block was for it.

  friend auto operator<=>(const AlertKey&, const AlertKey&) = default;
  friend bool operator==(const AlertKey&, const AlertKey&) = default;
};

/// An alert in the journal. It waits while it has no outcome.
struct AlertRecord {
  AlertKey key;
  std::string alertname;
  std::optional<Target> target;
  WallTime received{};
  std::optional<WallTime> decided;
  std::optional<AlertOutcome> outcome;
  bool repeated = false;  ///< It fired again after it came, or after it was resolved: that is told.
  bool resolved = false;
  bool over = false;  ///< It can't ask for anything any more, however often it arrives.

  friend bool operator==(const AlertRecord&, const AlertRecord&) = default;
};

/// What is told of one alert when its outcome is known.
struct AlertNews {
  AlertOutcome outcome = AlertOutcome::nothing_to_do;
  std::string alertname;
  std::optional<Target> target;
  std::string line;  ///< For people; empty when there is nothing new to say.
};

/// The text as far as a line can show it: without control characters, cut where it gets long.
[[nodiscard]] std::string shown(std::string_view text, std::size_t most = 64);

}  // namespace upkeep
