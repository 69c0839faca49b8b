#include "app/config_alerts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace upkeep {
namespace {

std::array<ConfigWord<AlertAction>, kAlertActions.size()> action_words() {
  std::array<ConfigWord<AlertAction>, kAlertActions.size()> words{};
  std::ranges::transform(kAlertActions, words.begin(), [](AlertAction action) {
    return ConfigWord<AlertAction>{.word = to_string(action), .value = action};
  });
  return words;
}

Parsed<std::string> parse_alertname(std::string_view text) {
  if (text.empty()) return std::unexpected("must not be empty");
  return std::string(text);
}

/// Is every alert that `later` is for taken by `earlier` already?
bool takes_all_of(const AlertRule& earlier, const AlertRule& later) {
  return earlier.alertname == later.alertname &&
         std::ranges::all_of(earlier.match, [&](const auto& wanted) {
           const auto found = later.match.find(wanted.first);
           return found != later.match.end() && found->second == wanted.second;
         });
}

void read_match(ConfigTable& table, AlertRule& alert) {
  alert.match = table.texts("match");
  for (const auto& [label, value] : alert.match) {
    if (const auto name = parse_label_name(label); !name) table.wrong("match", name.error());
  }
  if (alert.match.contains("alertname")) {
    table.wrong("match", "alertname has a key of its own, beside match");
  }
}

void read_target(ConfigTable& table, AlertRule& alert, bool knows_action) {
  if (auto label = table.parsed("target_label", parse_label_name)) {
    alert.target_label = std::move(*label);
  }
  if (!knows_action) return;
  const bool given = table.has("target_label");
  if (needs_target(alert.action) && !given) {
    const bool drbd = alert.action == AlertAction::reconnect_drbd;
    table.wrong("target_label",
                fmt::format("is missing: say which label names the {}, such as \"{}\"",
                            drbd ? "DRBD resource" : "VM", drbd ? "resource" : "vm"));
  } else if (given && !needs_target(alert.action)) {
    table.wrong("target_label",
                fmt::format("{} is about nothing in particular", to_string(alert.action)));
  }
}

AlertRule read_alert(ConfigTable& table) {
  AlertRule alert;
  for (const std::string_view key : {"alertname", "action"}) {
    if (!table.has(key)) table.wrong(key, "is missing");
  }
  if (auto name = table.parsed("alertname", parse_alertname)) alert.alertname = std::move(*name);
  const auto words = action_words();
  const auto action = table.word("action", std::span<const ConfigWord<AlertAction>>(words));
  if (action) alert.action = *action;
  read_match(table, alert);
  read_target(table, alert, action.has_value());
  table.finish();
  return alert;
}

}  // namespace

void read_alerts(ConfigTable& file, ConfigErrors& errors, std::vector<AlertRule>& alerts) {
  for (const toml::table* block : file.tables("alert")) {
    ConfigTable table(*block, "[[alert]]", errors);
    AlertRule alert = read_alert(table);
    const bool hidden = std::ranges::any_of(
        alerts, [&](const AlertRule& earlier) { return takes_all_of(earlier, alert); });
    if (hidden && !alert.alertname.empty()) {
      table.wrong("alertname",
                  fmt::format("this block can never apply: the first match wins, and an earlier "
                              "block is for every such '{}'",
                              alert.alertname));
    }
    alerts.push_back(std::move(alert));
  }
}

}  // namespace upkeep
