#pragma once

#include <string>

#include "exporter/model/result.h"

namespace SQLite {
class Database;
class Exception;
}  // namespace SQLite

namespace upkeep {

/// The version of the tables that this program writes (PRAGMA user_version).
inline constexpr int kSchemaVersion = 8;

/// What an open database turned out to be.
enum class JournalHealth {
  good,
  damaged,  ///< Not to be trusted: set it aside.
  refused,  ///< Whole, but not ours to write: another program's, or a newer upkeep's.
};

struct JournalCheck {
  JournalHealth health = JournalHealth::good;
  std::string why;  ///< The rest of a sentence: "it is not a database".
};

enum class SchemaAccess {
  read_only,    ///< An older version is refused: only a running upkeep brings it up to date.
  may_migrate,  ///< An older version is brought up to date.
};

/// Creates the tables in an empty database.
void create_schema(SQLite::Database& database);

/// Looks whether the database is a whole journal, and brings the tables of an older version up to
/// date. Throws SQLite::Exception.
[[nodiscard]] JournalCheck check_schema(SQLite::Database& database, SchemaAccess access);

/// True when SQLite's complaint means that the file's content is broken, not that it can't be
/// reached.
[[nodiscard]] bool means_damage(const SQLite::Exception& exception);

/// What SQLite's complaint means for the person who has to mend it.
[[nodiscard]] Error to_error(const std::string& path, const SQLite::Exception& exception);

}  // namespace upkeep
