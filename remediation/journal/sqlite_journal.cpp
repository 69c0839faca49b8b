#include "remediation/journal/sqlite_journal.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <utility>
#include <variant>

#include "remediation/journal/history_lines.h"
#include "remediation/journal/journal_file.h"
#include "remediation/journal/records.h"
#include "remediation/journal/schema.h"
#include "remediation/journal/sql.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;

/// Readers never block a writer in WAL mode; what can is a person's sqlite3 shell.
constexpr int kBusyTimeoutMilliseconds = 1000;

struct Damage {
  std::string why;
};

using Database = std::unique_ptr<SQLite::Database>;

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
  return state;
}

void write_line(SQLite::Database& database, const HistoryEntry& entry) {
  sql::run(database,
           "INSERT INTO history (at, kind, target, text, action_id) VALUES (?, ?, ?, ?, ?)",
           entry.at, entry.kind, entry.target, entry.text, entry.action_id);
}

/// Closing folds the log into the file and deletes it. What turns out to be damaged is to be set
/// aside as it was found, so that happens only to a journal that is whole.
void fold_log_on_close(SQLite::Database& database, bool fold) {
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, fold ? 0 : 1, nullptr);
}

/// A header whose "may be written" byte is garbled makes SQLite call the file read-only.
bool can_write(const fs::path& path) { return ::access(path.c_str(), W_OK) == 0; }

/// Opens the file and tries everything the daemon will need of it: reading all of it, and a write.
std::variant<Database, Damage, Error> open_checked(const fs::path& path) {
  try {
    auto database = std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READWRITE,
                                                       kBusyTimeoutMilliseconds);
    fold_log_on_close(*database, false);
    const JournalCheck check = check_schema(*database);
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
    const Error error = to_error(path.string(), exception);
    if (error.code == Errc::denied && can_write(path) && can_write(path.parent_path() / ".")) {
      return Damage{exception.what()};
    }
    return error;
  }
}

}  // namespace

SqliteJournal::SqliteJournal(fs::path path, std::unique_ptr<SQLite::Database> database,
                             Access access, UniqueFd lock)
    : path_(std::move(path)),
      lock_(std::move(lock)),
      database_(std::move(database)),
      access_(access) {}

SqliteJournal::~SqliteJournal() = default;

Result<OpenedJournal> SqliteJournal::open(const fs::path& path) {
  if (const auto made = make_journal_directory(path); !made) return std::unexpected(made.error());
  auto lock = lock_journal(path);
  if (!lock) return std::unexpected(lock.error());
  const auto found = find_journal(path);
  if (!found) return std::unexpected(found.error());

  std::variant<Database, Damage, Error> opened = Damage{found->why};
  if (found->presence == JournalPresence::present) opened = open_checked(path);
  OpenedJournal result;
  if (auto* damage = std::get_if<Damage>(&opened)) {
    if (found->presence != JournalPresence::absent) {
      const auto aside = set_journal_aside(path);
      if (!aside) return std::unexpected(aside.error());
      result.set_aside = fmt::format(
          "journal {} was damaged ({}) and is kept as {}; an empty one is started, and nothing is "
          "repaired until upkeep is restarted: check first that what runs here should",
          path.string(), damage->why, aside->string());
    }
    if (const auto made = create_journal(path); !made) return std::unexpected(made.error());
    opened = open_checked(path);
  }
  if (auto* error = std::get_if<Error>(&opened)) return std::unexpected(std::move(*error));
  if (auto* damage = std::get_if<Damage>(&opened)) {
    return fail(Errc::storage, fmt::format("journal {}: just written, and damaged already ({}): "
                                           "check the disk (dmesg)",
                                           path.string(), damage->why));
  }
  result.journal.reset(new SqliteJournal(path, std::get<Database>(std::move(opened)),
                                         Access::writing, std::move(*lock)));
  return result;
}

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::open_read_only(const fs::path& path) {
  const auto found = find_journal(path);
  if (!found) return std::unexpected(found.error());
  if (found->presence == JournalPresence::absent) {
    return fail(Errc::not_found,
                fmt::format("journal {}: there is none: has upkeep ever run here?", path.string()));
  }
  try {
    auto database = std::make_unique<SQLite::Database>(path.string(), SQLite::OPEN_READONLY,
                                                       kBusyTimeoutMilliseconds);
    const JournalCheck check = check_schema(*database);
    if (check.health != JournalHealth::good) {
      return fail(Errc::invalid, fmt::format("journal {}: {}", path.string(), check.why));
    }
    return std::unique_ptr<SqliteJournal>(
        new SqliteJournal(path, std::move(database), Access::reading, UniqueFd()));
  } catch (const SQLite::Exception& exception) {
    return std::unexpected(to_error(path.string(), exception));
  }
}

template <class Write>
Result<void> SqliteJournal::write(Write write) {
  if (access_ == Access::reading) {
    return fail(Errc::denied, fmt::format("journal {}: opened for reading only", path_.string()));
  }
  try {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    Result<void> done = write(*database_);
    if (done) transaction.commit();
    return done;
  } catch (const sql::BadRow& row) {
    return fail(Errc::invalid, fmt::format("journal {}: {}", path_.string(), row.what));
  } catch (const SQLite::Exception& exception) {
    return std::unexpected(to_error(path_.string(), exception));
  }
}

Result<JournalState> SqliteJournal::load() {
  try {
    return read_state(*database_);
  } catch (const sql::BadRow& row) {
    return fail(Errc::invalid, fmt::format("journal {}: {}", path_.string(), row.what));
  } catch (const SQLite::Exception& exception) {
    return std::unexpected(to_error(path_.string(), exception));
  }
}

Result<void> SqliteJournal::record_boot(const BootRecord& boot) {
  return write([&](SQLite::Database& database) -> Result<void> {
    sql::write(database, boot);
    write_line(database, {.at = boot.booted,
                          .kind = "boot",
                          .target = "",
                          .text = history_line(boot),
                          .action_id = std::nullopt});
    return {};
  });
}

Result<void> SqliteJournal::heartbeat(WallTime at) {
  return write([&](SQLite::Database& database) -> Result<void> {
    sql::run(database, "INSERT OR REPLACE INTO meta (key, value) VALUES ('heartbeat', ?)", at);
    return {};
  });
}

Result<void> SqliteJournal::save(const std::vector<Intent>& intents) {
  return write([&](SQLite::Database& database) -> Result<void> {
    for (const Intent& intent : intents) {
      const auto before = sql::read_intent(database, intent.uuid);
      sql::write(database, intent);
      if (auto line = history_line(before ? &*before : nullptr, intent)) {
        write_line(database, {.at = intent.changed,
                              .kind = "intent",
                              .target = to_string(target_of(intent.name)),
                              .text = std::move(*line),
                              .action_id = std::nullopt});
      }
    }
    return {};
  });
}

Result<void> SqliteJournal::save(const TargetRecord& target) {
  return write([&](SQLite::Database& database) -> Result<void> {
    sql::write(database, target);
    return {};
  });
}

Result<void> SqliteJournal::save(const BootId& boot, const ResourceName& resource,
                                 const ResourceHistory& history) {
  return write([&](SQLite::Database& database) -> Result<void> {
    sql::write(database, boot, resource, history);
    return {};
  });
}

Result<std::int64_t> SqliteJournal::begin(const ActionRecord& action, const TargetRecord& after) {
  std::int64_t id = 0;
  const auto done = write([&](SQLite::Database& database) -> Result<void> {
    id = sql::write_begin(database, action);
    sql::write(database, after);
    write_line(database, {.at = action.begun,
                          .kind = "begin",
                          .target = to_string(target_of(action.action)),
                          .text = begin_line(action),
                          .action_id = id});
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return id;
}

Result<void> SqliteJournal::end(std::int64_t id, const Outcome& outcome, WallTime at,
                                const TargetRecord& after) {
  return write([&](SQLite::Database& database) -> Result<void> {
    const auto begun = sql::read_action(database, id);
    if (!begun || !sql::write_end(database, id, outcome, at)) {
      return fail(Errc::not_found,
                  fmt::format("journal {}: action {} has not begun", path_.string(), id));
    }
    sql::write(database, after);
    write_line(database, {.at = at,
                          .kind = "end",
                          .target = to_string(target_of(begun->action)),
                          .text = end_line(*begun, outcome, at),
                          .action_id = id});
    return {};
  });
}

Result<void> SqliteJournal::note(const HistoryEntry& entry) {
  return write([&](SQLite::Database& database) -> Result<void> {
    write_line(database, entry);
    return {};
  });
}

Result<std::vector<HistoryEntry>> SqliteJournal::history(const HistoryQuery& query) {
  try {
    SQLite::Statement row(*database_,
                          "SELECT at, kind, target, text, action_id FROM history "
                          "WHERE (?1 IS NULL OR target = ?1) AND (?2 IS NULL OR at >= ?2) "
                          "ORDER BY id DESC LIMIT ?3");
    sql::bind_all(row, query.target, query.since, static_cast<std::int64_t>(query.limit));
    std::vector<HistoryEntry> entries;
    while (row.executeStep()) {
      HistoryEntry entry{.at = sql::wall_at(row, 0),
                         .kind = sql::text_at(row, 1),
                         .target = sql::text_at(row, 2),
                         .text = sql::text_at(row, 3),
                         .action_id = std::nullopt};
      if (!row.getColumn(4).isNull()) entry.action_id = row.getColumn(4).getInt64();
      entries.push_back(std::move(entry));
    }
    return entries;
  } catch (const SQLite::Exception& exception) {
    return std::unexpected(to_error(path_.string(), exception));
  }
}

Result<void> SqliteJournal::prune(WallTime before) {
  return write([&](SQLite::Database& database) -> Result<void> {
    sql::run(database, "DELETE FROM history WHERE at < ?", before);
    sql::run(database, "DELETE FROM action WHERE ended IS NOT NULL AND begun < ?", before);
    // The newest boot stays, however old: the next one is told by it.
    sql::run(database, "DELETE FROM boot WHERE booted < ? AND id < (SELECT max(id) FROM boot)",
             before);
    return {};
  });
}

}  // namespace upkeep
