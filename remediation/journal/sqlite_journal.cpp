#include "remediation/journal/sqlite_journal.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "remediation/journal/checked_database.h"
#include "remediation/journal/history_lines.h"
#include "remediation/journal/journal_file.h"
#include "remediation/journal/records.h"
#include "remediation/journal/schema.h"
#include "remediation/journal/sql.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;

void write_line(SQLite::Database& database, const HistoryEntry& entry) {
  sql::run(database,
           "INSERT INTO history (at, kind, target, text, action_id) VALUES (?, ?, ?, ?, ?)",
           entry.at, entry.kind, entry.target, entry.text, entry.action_id);
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

  std::variant<std::unique_ptr<SQLite::Database>, Damage, Error> opened = Damage{found->why};
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
  result.journal.reset(
      new SqliteJournal(path, std::get<std::unique_ptr<SQLite::Database>>(std::move(opened)),
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
    const JournalCheck check = check_schema(*database, SchemaAccess::read_only);
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

Result<void> SqliteJournal::save(const std::vector<TargetRecord>& targets) {
  return write([&](SQLite::Database& database) -> Result<void> {
    for (const TargetRecord& target : targets) sql::write(database, target);
    return {};
  });
}

Result<void> SqliteJournal::save(const BootId& boot,
                                 const std::map<ResourceName, ResourceHistory>& resources) {
  return write([&](SQLite::Database& database) -> Result<void> {
    for (const auto& [resource, line] : resources) sql::write(database, boot, resource, line);
    return {};
  });
}

Result<void> SqliteJournal::save(const PrimaryKey& side, const LastPrimary& line) {
  return write([&](SQLite::Database& database) -> Result<void> {
    sql::write(database, side, line);
    return {};
  });
}

Result<void> SqliteJournal::save(const Standing& standing) {
  return write([&](SQLite::Database& database) -> Result<void> {
    sql::write(database, standing);
    return {};
  });
}

Result<void> SqliteJournal::forget(const StandingKey& standing) {
  return write([&](SQLite::Database& database) -> Result<void> {
    sql::run(database, "DELETE FROM standing WHERE kind = ? AND subject = ?",
             to_string(standing.first), standing.second);
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

Result<void> SqliteJournal::end(const std::vector<EndRecord>& ends) {
  return write([&](SQLite::Database& database) -> Result<void> {
    for (const EndRecord& end : ends) {
      const auto begun = sql::read_action(database, end.id);
      if (!begun || !sql::write_end(database, end.id, end.outcome, end.at)) continue;
      sql::write(database, end.after);
      write_line(database, {.at = end.at,
                            .kind = "end",
                            .target = to_string(target_of(begun->action)),
                            .text = end_line(*begun, end.outcome, end.at),
                            .action_id = end.id});
    }
    return {};
  });
}

Result<std::optional<AlertRecord>> SqliteJournal::alert(const AlertKey& key) {
  try {
    return sql::read_alert(*database_, key);
  } catch (const sql::BadRow& row) {
    return fail(Errc::invalid, fmt::format("journal {}: {}", path_.string(), row.what));
  } catch (const SQLite::Exception& exception) {
    return std::unexpected(to_error(path_.string(), exception));
  }
}

Result<void> SqliteJournal::save(const std::vector<AlertRecord>& alerts,
                                 const std::vector<HistoryEntry>& lines) {
  return write([&](SQLite::Database& database) -> Result<void> {
    for (const AlertRecord& alert : alerts) sql::write(database, alert);
    for (const HistoryEntry& line : lines) write_line(database, line);
    return {};
  });
}

Result<void> SqliteJournal::note(const std::vector<HistoryEntry>& entries) {
  return write([&](SQLite::Database& database) -> Result<void> {
    for (const HistoryEntry& entry : entries) write_line(database, entry);
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

Result<void> SqliteJournal::save(const Recovery& recovery) {
  return write([&](SQLite::Database& database) -> Result<void> {
    const auto before = sql::read_recovery(database, recovery.id);
    sql::write(database, recovery);
    // Not the moments: the disk's have fewer digits.
    if (!before || before->ended.has_value() != recovery.ended.has_value()) {
      write_line(database, {.at = recovery.ended.value_or(recovery.opened),
                            .kind = "recovery",
                            .target = "",
                            .text = history_line(recovery),
                            .action_id = std::nullopt});
    }
    return {};
  });
}

Result<std::optional<Recovery>> SqliteJournal::recovery(std::int64_t id) {
  try {
    return sql::read_recovery(*database_, id);
  } catch (const sql::BadRow& row) {
    return fail(Errc::invalid, fmt::format("journal {}: {}", path_.string(), row.what));
  } catch (const SQLite::Exception& exception) {
    return std::unexpected(to_error(path_.string(), exception));
  }
}

Result<void> SqliteJournal::prune(WallTime before) {
  return write([&](SQLite::Database& database) -> Result<void> {
    sql::run(database, "DELETE FROM history WHERE at < ?", before);
    sql::run(database, "DELETE FROM last_primary WHERE until < ?", before);
    sql::run(database,
             "DELETE FROM alert WHERE outcome IS NOT NULL AND received < ?1 AND starts_at < ?1",
             before);
    sql::run(database, "DELETE FROM action WHERE ended IS NOT NULL AND begun < ?", before);
    sql::run(database,
             "DELETE FROM recovery_vm WHERE recovery IN (SELECT id FROM recovery WHERE ended < ?1 "
             "AND id < (SELECT max(id) FROM recovery))",
             before);
    // The newest keeps the numbers going.
    sql::run(database,
             "DELETE FROM recovery WHERE ended < ?1 AND id < (SELECT max(id) FROM recovery)",
             before);
    // The newest boot stays, however old: the next one is told by it.
    sql::run(database, "DELETE FROM boot WHERE booted < ? AND id < (SELECT max(id) FROM boot)",
             before);
    return {};
  });
}

}  // namespace upkeep
