#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace upkeep {

/// Labels of an alert, name → value.
using AlertLabels = std::map<std::string, std::string>;

/// What an alert may ask for. Closed: nothing that an alert says becomes a command.
enum class AlertAction {
  restart_vm,      ///< A wanted VM that is off is started.
  reset_vm,        ///< The same, and one that runs is reset, once for each alert.
  resume_vm,       ///< A VM paused by an I/O error goes on.
  reattach_disks,  ///< A running VM gets its lost disks back.
  reconnect_drbd,  ///< A StandAlone resource connects again.
  recheck,         ///< Everything is read again at once.
  watchdog,        ///< Nothing: its arrival proves that alerts arrive.
};

inline constexpr std::array kAlertActions{AlertAction::restart_vm,     AlertAction::reset_vm,
                                          AlertAction::resume_vm,      AlertAction::reattach_disks,
                                          AlertAction::reconnect_drbd, AlertAction::recheck,
                                          AlertAction::watchdog};

/// The configuration's word, which is also the journal's: never rename.
[[nodiscard]] constexpr std::string_view to_string(AlertAction action) {
  switch (action) {
    case AlertAction::restart_vm: return "restart_vm";
    case AlertAction::reset_vm: return "reset_vm";
    case AlertAction::resume_vm: return "resume_vm";
    case AlertAction::reattach_disks: return "reattach_disks";
    case AlertAction::reconnect_drbd: return "reconnect_drbd";
    case AlertAction::recheck: return "recheck";
    case AlertAction::watchdog: return "watchdog";
  }
  return "recheck";
}

/// True when the action is about one VM or resource, so that a label must name it.
[[nodiscard]] constexpr bool needs_target(AlertAction action) {
  return action != AlertAction::recheck && action != AlertAction::watchdog;
}

/// An `[[alert]]` block: which alerts it is for, what they ask for, about what.
struct AlertRule {
  std::string alertname;
  AlertLabels match;  ///< Labels that must have exactly these values; "": absent.
  AlertAction action = AlertAction::recheck;
  std::string target_label;  ///< The label that names the VM or the resource; may be empty.

  friend bool operator==(const AlertRule&, const AlertRule&) = default;
};

/// The first rule that is for an alert with these labels, or null.
[[nodiscard]] const AlertRule* alert_rule_for(const std::vector<AlertRule>& rules,
                                              const AlertLabels& labels);

/// The value of a label; empty when it isn't there, which Prometheus takes for the same.
[[nodiscard]] std::string_view label_of(const AlertLabels& labels, const std::string& name);

}  // namespace upkeep
