#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <variant>

#include "remediation/journal.h"

namespace SQLite {
class Database;
}  // namespace SQLite

namespace upkeep {

/// The journal's content can't be trusted.
struct Damage {
  std::string why;
};

/// Readers never block a writer in WAL mode; what can is a person's sqlite3 shell.
inline constexpr int kBusyTimeoutMilliseconds = 1000;

/// Opens the file and tries everything the daemon will need of it: reading all of it, and a write.
/// A damaged file is left as it was found, with its log.
[[nodiscard]] std::variant<std::unique_ptr<SQLite::Database>, Damage, Error> open_checked(
    const std::filesystem::path& path);

/// Everything that a starting daemon needs. Throws SQLite::Exception and sql::BadRow.
[[nodiscard]] JournalState read_state(SQLite::Database& database);

}  // namespace upkeep
