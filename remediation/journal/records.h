#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "remediation/journal.h"

namespace SQLite {
class Database;
}  // namespace SQLite

namespace upkeep::sql {

// The rows of the journal's tables, there and back. The writing ones belong inside a transaction
// of the caller's. All throw SQLite::Exception; the reading ones throw BadRow as well.

/// A row that no upkeep wrote: the file is damaged in a way SQLite can't see.
struct BadRow {
  std::string what;
};

void write(SQLite::Database& database, const BootRecord& boot);
void write(SQLite::Database& database, const Intent& intent);
void write(SQLite::Database& database, const TargetRecord& target);
void write(SQLite::Database& database, const BootId& boot, const ResourceName& resource,
           const ResourceHistory& history);
void write(SQLite::Database& database, const PrimaryKey& side, const LastPrimary& line);
void write(SQLite::Database& database, const Standing& standing);
void write(SQLite::Database& database, const Recovery& recovery);
void write(SQLite::Database& database, const AlertRecord& alert);
/// Returns the new action's id.
[[nodiscard]] std::int64_t write_begin(SQLite::Database& database, const ActionRecord& action);
/// False when there is no such action, or it had ended before.
[[nodiscard]] bool write_end(SQLite::Database& database, std::int64_t id, const Outcome& outcome,
                             WallTime at);

[[nodiscard]] std::vector<BootRecord> read_boots(SQLite::Database& database);
[[nodiscard]] std::map<PreviousShutdown, std::uint64_t> read_boot_counts(
    SQLite::Database& database);
[[nodiscard]] std::optional<Intent> read_intent(SQLite::Database& database, const VmUuid& uuid);
[[nodiscard]] IntentLedger read_intents(SQLite::Database& database);
[[nodiscard]] std::vector<TargetRecord> read_targets(SQLite::Database& database);
[[nodiscard]] std::optional<ActionRecord> read_action(SQLite::Database& database, std::int64_t id);
[[nodiscard]] std::vector<ActionRecord> read_unfinished(SQLite::Database& database);
[[nodiscard]] PrimaryRecord read_primaries(SQLite::Database& database);
[[nodiscard]] Standings read_standings(SQLite::Database& database);
/// The one of that id, or the last one for 0.
[[nodiscard]] std::optional<Recovery> read_recovery(SQLite::Database& database, std::int64_t id);
/// What the state says of the last hour: actions and recoveries.
void read_recent(SQLite::Database& database, JournalState& state);
[[nodiscard]] std::optional<AlertRecord> read_alert(SQLite::Database& database,
                                                    const AlertKey& key);
[[nodiscard]] std::vector<AlertRecord> read_waiting_alerts(SQLite::Database& database);
/// All rows are of one boot: writing one forgets those of earlier boots.
void read_resources(SQLite::Database& database, JournalState& state);

}  // namespace upkeep::sql
