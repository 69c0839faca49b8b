#include <string>

#include "remediation/journal/records.h"
#include "remediation/journal/row_values.h"
#include "remediation/journal/sql.h"

namespace upkeep::sql {
namespace {

constexpr const char* kColumns =
    "SELECT fingerprint, starts_at, action, alertname, target, received, decided, outcome, "
    "repeated, resolved, over FROM alert ";

/// The journal's word for an alert that no block is for.
constexpr std::string_view kNoAction = "none";

std::string_view word_of(const std::optional<AlertAction>& action) {
  return action ? to_string(*action) : kNoAction;
}

bool flag_at(const SQLite::Statement& row, int column) {
  return row.getColumn(column).getInt() != 0;
}

AlertRecord alert_of(const SQLite::Statement& row) {
  AlertRecord alert;
  alert.key = {.fingerprint = text_at(row, 0), .starts_at = wall_at(row, 1), .action = {}};
  if (const std::string action = text_at(row, 2); action != kNoAction) {
    alert.key.action = to_value<AlertAction>(kAlertActions, action, "alert.action");
  }
  alert.alertname = text_at(row, 3);
  if (const auto target = maybe_text_at(row, 4)) {
    alert.target = checked(to_target(*target), *target, "alert.target");
  }
  alert.received = wall_at(row, 5);
  alert.decided = maybe_wall_at(row, 6);
  if (const auto outcome = maybe_text_at(row, 7)) {
    alert.outcome = to_value<AlertOutcome>(kAlertOutcomes, *outcome, "alert.outcome");
  }
  alert.repeated = flag_at(row, 8);
  alert.resolved = flag_at(row, 9);
  alert.over = flag_at(row, 10);
  return alert;
}

}  // namespace

void write(SQLite::Database& database, const AlertRecord& alert) {
  std::optional<std::string> target;
  std::optional<std::string> outcome;
  if (alert.target) target = to_string(*alert.target);
  if (alert.outcome) outcome = to_string(*alert.outcome);
  run(database,
      "INSERT OR REPLACE INTO alert (fingerprint, starts_at, action, alertname, target, received, "
      "decided, outcome, repeated, resolved, over) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      alert.key.fingerprint, alert.key.starts_at, word_of(alert.key.action), alert.alertname,
      target, alert.received, alert.decided, outcome, alert.repeated, alert.resolved, alert.over);
}

std::optional<AlertRecord> read_alert(SQLite::Database& database, const AlertKey& key) {
  SQLite::Statement row(
      database, std::string(kColumns) + "WHERE fingerprint = ? AND starts_at = ? AND action = ?");
  bind_all(row, key.fingerprint, key.starts_at, word_of(key.action));
  if (!row.executeStep()) return std::nullopt;
  return alert_of(row);
}

std::vector<AlertRecord> read_waiting_alerts(SQLite::Database& database) {
  std::vector<AlertRecord> alerts;
  SQLite::Statement row(database,
                        std::string(kColumns) + "WHERE outcome IS NULL ORDER BY received");
  while (row.executeStep()) alerts.push_back(alert_of(row));
  return alerts;
}

}  // namespace upkeep::sql
