#include "remediation/journal/schema.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "remediation/journal/sql.h"

namespace upkeep {
namespace {

/// "upke": tells a journal from any other SQLite file (PRAGMA application_id).
constexpr int kApplicationId = 0x75706b65;

// STRICT tables, so that a damaged value of the wrong kind is found by quick_check. The version is
// stored twice (user_version and `meta`): a flipped bit in the header must not look like "newer".
constexpr const char* kTables = R"sql(
CREATE TABLE meta (
  key TEXT PRIMARY KEY,  -- schema, heartbeat
  value INTEGER NOT NULL
) STRICT;
CREATE TABLE boot (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  boot_id TEXT NOT NULL,
  booted INTEGER NOT NULL,
  previous_shutdown TEXT NOT NULL,
  downtime INTEGER       -- microseconds; NULL: not known
) STRICT;
CREATE TABLE boot_count (  -- outlives the pruning of `boot`: a counter never goes back
  previous_shutdown TEXT PRIMARY KEY,
  boots INTEGER NOT NULL
) STRICT;
CREATE TABLE intent (
  uuid TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  wanted INTEGER NOT NULL CHECK (wanted IN (0, 1)),
  last_stop TEXT NOT NULL,
  last_stop_detail TEXT NOT NULL,
  remains TEXT NOT NULL,
  changed INTEGER NOT NULL,
  boot TEXT NOT NULL,
  shutdown_seen TEXT,
  mark_keep TEXT,
  mark_by TEXT,
  mark_reason TEXT,
  mark_at INTEGER
) STRICT;
CREATE TABLE target (
  target TEXT PRIMARY KEY,
  attempts TEXT NOT NULL,  -- microseconds, separated by spaces
  in_row INTEGER NOT NULL,
  stuck INTEGER NOT NULL CHECK (stuck IN (0, 1)),
  last_end INTEGER,
  outcome TEXT,
  outcome_reason TEXT,
  outcome_detail TEXT,
  latched_since INTEGER,
  tries TEXT NOT NULL DEFAULT ''  -- a line each: ACTION LATCHED-SINCE|- BEGUN...
) STRICT;
CREATE TABLE resource (
  name TEXT PRIMARY KEY,
  boot TEXT NOT NULL,
  seen_up INTEGER NOT NULL CHECK (seen_up IN (0, 1)),
  primary_alone INTEGER NOT NULL CHECK (primary_alone IN (0, 1)),
  ever_connected INTEGER NOT NULL CHECK (ever_connected IN (0, 1)),
  split_brain TEXT,
  split_brain_at INTEGER
) STRICT;
CREATE TABLE action (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,   -- the VM's or the resource's name
  uuid TEXT,
  destroy_first INTEGER,
  promote TEXT,            -- resource names, a line each
  rule TEXT NOT NULL,
  shown_by TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  begun INTEGER NOT NULL,
  ended INTEGER,
  outcome TEXT,
  outcome_reason TEXT,
  outcome_detail TEXT,
  part TEXT              -- the volume, disk or side it was about; "network": brought up without disk
) STRICT;
CREATE INDEX action_unfinished ON action (id) WHERE ended IS NULL;
CREATE TABLE history (  -- append-only lines for people; `id` is the order, also when the clock steps
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  text TEXT NOT NULL,
  action_id INTEGER
) STRICT;
CREATE INDEX history_by_target ON history (target, id);
)sql";

constexpr const char* kStandingTable = R"sql(
CREATE TABLE standing (  -- what holds until something else ends it
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  said_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  until INTEGER,         -- NULL: no end by the clock
  boot TEXT NOT NULL DEFAULT '',  -- in which a node was declared dead
  PRIMARY KEY (kind, subject)
) STRICT;
)sql";

constexpr const char* kPrimaryTable = R"sql(
CREATE TABLE last_primary (
  resource TEXT NOT NULL,
  node TEXT NOT NULL,    -- '': this node
  since INTEGER NOT NULL,
  until INTEGER,         -- NULL: it still was at the last look
  ended TEXT NOT NULL,
  PRIMARY KEY (resource, node)
) STRICT;
)sql";

constexpr const char* kRecoveryTables = R"sql(
CREATE TABLE recovery (
  id INTEGER PRIMARY KEY,
  cause TEXT NOT NULL,
  detail TEXT NOT NULL,
  opened INTEGER NOT NULL,
  ended INTEGER
) STRICT;
CREATE TABLE recovery_vm (
  recovery INTEGER NOT NULL REFERENCES recovery (id),
  uuid TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL,     -- the hold, while held
  back_at INTEGER,
  detect REAL,           -- seconds, as the next five; NULL: not known, or not over
  gate REAL,
  queue REAL,
  storage REAL,
  start REAL,
  verify REAL,
  PRIMARY KEY (recovery, uuid)
) STRICT;
)sql";

constexpr const char* kAlertTable = R"sql(
CREATE TABLE alert (  -- what arrived at the webhook and was answered for
  fingerprint TEXT NOT NULL,
  starts_at INTEGER NOT NULL,
  action TEXT NOT NULL,  -- none: no block of the configuration was for it
  alertname TEXT NOT NULL,
  target TEXT,
  received INTEGER NOT NULL,
  decided INTEGER,
  outcome TEXT,          -- NULL: it waits
  repeated INTEGER NOT NULL CHECK (repeated IN (0, 1)),
  resolved INTEGER NOT NULL CHECK (resolved IN (0, 1)),
  over INTEGER NOT NULL CHECK (over IN (0, 1)),
  PRIMARY KEY (fingerprint, starts_at, action)
) STRICT;
CREATE INDEX alert_waiting ON alert (received) WHERE outcome IS NULL;
)sql";

constexpr const char* kFromVersion1 = R"sql(
ALTER TABLE target ADD COLUMN tries TEXT NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN part TEXT;
)sql";

/// The detail said it in words.
constexpr const char* kRemains = R"sql(
ALTER TABLE intent ADD COLUMN remains TEXT NOT NULL DEFAULT 'unknown';
UPDATE intent SET remains = CASE
  WHEN last_stop_detail = '' THEN 'unknown'
  WHEN last_stop_detail = 'crashed guest dropped to start it again' THEN 'dropped'
  WHEN last_stop_detail = 'event crashed' OR last_stop_detail GLOB 'seen crashed/*'
    THEN 'dead_guest'
  ELSE 'nothing' END;
)sql";

std::int64_t number(SQLite::Database& database, const char* query) {
  return database.execAndGet(query).getInt64();
}

bool has_meta(SQLite::Database& database) {
  return number(database, "SELECT count(*) FROM sqlite_master WHERE name = 'meta'") == 1;
}

int primary_code(const SQLite::Exception& exception) {
  return exception.getExtendedErrorCode() == -1 ? exception.getErrorCode() & 0xff
                                                : exception.getExtendedErrorCode() & 0xff;
}

/// A version at a time. In one piece: a power cut leaves the old version whole.
void migrate(SQLite::Database& database, std::int64_t from) {
  SQLite::Transaction transaction(database);
  if (from < 2) {
    database.exec(kFromVersion1);
    database.exec(kStandingTable);
  } else if (from < 5) {
    database.exec("ALTER TABLE standing ADD COLUMN until INTEGER");
  }
  if (from >= 2 && from < 8) {
    database.exec("ALTER TABLE standing ADD COLUMN boot TEXT NOT NULL DEFAULT ''");
  }
  if (from < 3) database.exec(kRecoveryTables);
  if (from < 4) database.exec(kAlertTable);
  if (from < 6) database.exec(kRemains);
  if (from < 7) database.exec(kPrimaryTable);
  database.exec(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
  sql::run(database, "UPDATE meta SET value = ? WHERE key = 'schema'", kSchemaVersion);
  transaction.commit();
}

}  // namespace

void create_schema(SQLite::Database& database) {
  SQLite::Transaction transaction(database);
  database.exec(kTables);
  database.exec(kStandingTable);
  database.exec(kRecoveryTables);
  database.exec(kAlertTable);
  database.exec(kPrimaryTable);
  database.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
  database.exec(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
  sql::run(database, "INSERT INTO meta (key, value) VALUES ('schema', ?)", kSchemaVersion);
  transaction.commit();
}

JournalCheck check_schema(SQLite::Database& database, SchemaAccess access) {
  std::string verdict = database.execAndGet("PRAGMA quick_check(1)").getString();
  std::ranges::replace(verdict, '\n', ' ');
  if (verdict != "ok") return {JournalHealth::damaged, "its integrity check says: " + verdict};

  const bool ours = number(database, "PRAGMA application_id") == kApplicationId;
  if (!has_meta(database)) {
    if (ours) return {JournalHealth::damaged, "its tables are missing"};
    return {JournalHealth::refused, "it is another program's database"};
  }
  const std::int64_t in_header = number(database, "PRAGMA user_version");
  const std::int64_t in_table =
      number(database, "SELECT coalesce((SELECT value FROM meta WHERE key = 'schema'), -1)");
  if (!ours || in_header != in_table || in_table < 1) {
    return {JournalHealth::damaged, "its header is garbled"};
  }
  if (in_table > kSchemaVersion) {
    return {JournalHealth::refused,
            fmt::format("a newer upkeep wrote it (schema {}, this one knows {})", in_table,
                        kSchemaVersion)};
  }
  if (in_table == kSchemaVersion) return {};
  if (access == SchemaAccess::read_only) {
    return {JournalHealth::refused,
            "an older upkeep wrote it; the daemon brings it up to date when it starts"};
  }
  migrate(database, in_table);
  return {};
}

bool means_damage(const SQLite::Exception& exception) {
  switch (primary_code(exception)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:  // A statement of ours that doesn't fit the tables, or an unknown format.
      return true;
    default: return exception.getExtendedErrorCode() == SQLITE_IOERR_SHORT_READ;
  }
}

Error to_error(const std::string& path, const SQLite::Exception& exception) {
  switch (primary_code(exception)) {
    case SQLITE_FULL:
      return {Errc::exhausted,
              fmt::format("journal {}: the disk is full: make room on it; what can't be journaled "
                          "is not done",
                          path)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {
          Errc::unavailable,
          fmt::format("journal {}: another program has locked it: end it (fuser {})", path, path)};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return {Errc::denied,
              fmt::format("journal {}: {}: give upkeep's user write permission on the file and its "
                          "directory, or set journal.path to another place",
                          path, exception.what())};
    case SQLITE_NOMEM: return {Errc::exhausted, fmt::format("journal {}: out of memory", path)};
    case SQLITE_IOERR:
      return {Errc::storage, fmt::format("journal {}: {}: check the disk and its file system "
                                         "(dmesg)",
                                         path, exception.what())};
    default: return {Errc::failed, fmt::format("journal {}: {}", path, exception.what())};
  }
}

}  // namespace upkeep
