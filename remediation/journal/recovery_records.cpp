#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "remediation/journal/records.h"
#include "remediation/journal/row_values.h"
#include "remediation/journal/sql.h"

namespace upkeep::sql {
namespace {

constexpr const char* kRecoveryColumns = "SELECT id, cause, detail, opened, ended FROM recovery ";

std::optional<double> seconds_of(const OutagePhases& phases, std::string_view phase) {
  const auto found = phases.find(phase);
  return found == phases.end() ? std::nullopt : std::optional(found->second.count());
}

void bind(SQLite::Statement& statement, int index, std::optional<double> value) {
  if (value) {
    statement.bind(index, *value);
  } else {
    statement.bind(index);
  }
}

void write(SQLite::Database& database, std::int64_t recovery, const RecoveryMember& member) {
  SQLite::Statement row(database,
                        "INSERT OR REPLACE INTO recovery_vm (recovery, uuid, name, state, why, "
                        "back_at, detect, gate, queue, storage, start, verify) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  bind_all(row, recovery, member.uuid.value, member.name.value, to_string(member.state), member.why,
           member.back_at);
  int column = 6;
  for (const std::string_view phase : kOutagePhases) {
    bind(row, ++column, seconds_of(member.phases, phase));
  }
  row.exec();
}

RecoveryMember member_of(const SQLite::Statement& row) {
  const std::string state = text_at(row, 2);
  RecoveryMember member{.uuid = {text_at(row, 0)},
                        .name = {text_at(row, 1)},
                        .state = checked(to_member_state(state), state, "recovery_vm.state"),
                        .why = text_at(row, 3),
                        .back_at = maybe_wall_at(row, 4),
                        .phases = {}};
  int column = 4;
  for (const std::string_view phase : kOutagePhases) {
    if (row.getColumn(++column).isNull()) continue;
    member.phases.emplace(phase, Seconds(row.getColumn(column).getDouble()));
  }
  return member;
}

Recovery recovery_of(SQLite::Database& database, const SQLite::Statement& row) {
  const std::string cause = text_at(row, 1);
  Recovery recovery{.id = row.getColumn(0).getInt64(),
                    .cause = checked(to_recovery_cause(cause), cause, "recovery.cause"),
                    .detail = text_at(row, 2),
                    .opened = wall_at(row, 3),
                    .ended = maybe_wall_at(row, 4),
                    .members = {}};
  SQLite::Statement member(database,
                           "SELECT uuid, name, state, why, back_at, detect, gate, queue, storage, "
                           "start, verify FROM recovery_vm WHERE recovery = ? ORDER BY name");
  bind_all(member, recovery.id);
  while (member.executeStep()) recovery.members.push_back(member_of(member));
  return recovery;
}

}  // namespace

void write(SQLite::Database& database, const Recovery& recovery) {
  run(database,
      "INSERT OR REPLACE INTO recovery (id, cause, detail, opened, ended) VALUES (?, ?, ?, ?, ?)",
      recovery.id, to_string(recovery.cause), recovery.detail, recovery.opened, recovery.ended);
  for (const RecoveryMember& member : recovery.members) write(database, recovery.id, member);
}

std::optional<Recovery> read_recovery(SQLite::Database& database, std::int64_t id) {
  SQLite::Statement row(
      database, std::string(kRecoveryColumns) + "WHERE id = ?1 OR ?1 = 0 ORDER BY id DESC LIMIT 1");
  bind_all(row, id);
  if (!row.executeStep()) return std::nullopt;
  return recovery_of(database, row);
}

void read_recent(SQLite::Database& database, JournalState& state) {
  SQLite::Statement action(database,
                           "SELECT id, begun FROM action WHERE begun >= "
                           "(SELECT max(begun) FROM action) - 3600000000 AND shown_by <> 'manual' "
                           "AND action <> 'bring_up_resource' "
                           "AND coalesce(outcome, '') NOT IN ('refused', 'conflict')");
  while (action.executeStep()) {
    state.recent_actions[action.getColumn(0).getInt64()] = wall_at(action, 1);
  }
  SQLite::Statement row(database, std::string(kRecoveryColumns) +
                                      "WHERE id = (SELECT max(id) FROM recovery) OR ended >= "
                                      "(SELECT max(begun) FROM action) - 3600000000 ORDER BY id");
  while (row.executeStep()) state.recoveries.push_back(recovery_of(database, row));
}

}  // namespace upkeep::sql
