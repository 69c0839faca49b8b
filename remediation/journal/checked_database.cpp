#include "remediation/journal/checked_database.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include "remediation/journal/records.h"
#include "remediation/journal/schema.h"
#include "remediation/journal/sql.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;

/// Closing folds the log into the file and deletes it. What turns out to be damaged is to be set
/// aside as it was found, so that happens only to a journal that is whole.
void fold_log_on_close(SQLite::Database& database, bool fold) {
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, fold ? 0 : 1, nullptr);
}

/// A header whose "may be written" byte is garbled makes SQLite call the file read-only.
bool can_write(const fs::path& path) { return ::access(path.c_str(), W_OK) == 0; }

}  // namespace

std::variant<std::unique_ptr<SQLite::Database>, Damage, Error> open_checked(const fs::path& path) {
  try {
    auto database = std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READWRITE,
                                                       kBusyTimeoutMilliseconds);
    fold_log_on_close(*database, false);
    const JournalCheck check = check_schema(*database, SchemaAccess::may_migrate);
    if (check.health == JournalHealth::damaged) return Damage{check.why};
    if (check.health == JournalHealth::refused) {
      return Error{Errc::invalid,
                   fmt::format("journal {}: {}: set journal.path to another place, or move that "
                               "file away",
                               path.string(), check.why)};
    }
    if (database->execAndGet("PRAGMA journal_mode = WAL").getString() != "wal") {
      return Error{Errc::invalid,
                   fmt::format("journal {}: its file system can't hold an SQLite WAL (is it a "
                               "network one?): set journal.path to a local disk",
                               path.string())};
    }
    database->exec("PRAGMA synchronous = FULL");
    (void)read_state(*database);
    sql::run(*database, "UPDATE meta SET value = ? WHERE key = 'schema'", kSchemaVersion);
    fold_log_on_close(*database, true);
    return database;
  } catch (const sql::BadRow& row) {
    return Damage{row.what};
  } catch (const SQLite::Exception& exception) {
    if (means_damage(exception)) return Damage{exception.what()};
    Error error = to_error(path.string(), exception);
    if (error.code == Errc::denied && can_write(path) && can_write(path.parent_path() / ".")) {
      return Damage{exception.what()};
    }
    return error;
  }
}

JournalState read_state(SQLite::Database& database) {
  JournalState state;
  state.boots = sql::read_boots(database);
  state.boot_counts = sql::read_boot_counts(database);
  SQLite::Statement heartbeat(database, "SELECT value FROM meta WHERE key = 'heartbeat'");
  if (heartbeat.executeStep()) state.last_heartbeat = sql::wall_at(heartbeat, 0);
  state.intents = sql::read_intents(database);
  state.targets = sql::read_targets(database);
  state.unfinished = sql::read_unfinished(database);
  sql::read_resources(database, state);
  state.last_primary = sql::read_primaries(database);
  state.standings = sql::read_standings(database);
  sql::read_recent(database, state);
  state.waiting_alerts = sql::read_waiting_alerts(database);
  return state;
}

}  // namespace upkeep
