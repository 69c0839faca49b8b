#include <SQLiteCpp/SQLiteCpp.h>

#include <array>

#include "remediation/journal/records.h"
#include "remediation/journal/row_values.h"

namespace upkeep::sql {
namespace {

constexpr std::array kEnds{PrimaryEnd::still, PrimaryEnd::demoted, PrimaryEnd::demoted_alone,
                           PrimaryEnd::out_of_sight};

}  // namespace

void write(SQLite::Database& database, const PrimaryKey& side, const LastPrimary& line) {
  run(database,
      "INSERT OR REPLACE INTO last_primary (resource, node, since, until, ended) "
      "VALUES (?, ?, ?, ?, ?)",
      side.first.value, side.second.value, line.since, line.until, to_string(line.end));
}

PrimaryRecord read_primaries(SQLite::Database& database) {
  PrimaryRecord record;
  SQLite::Statement row(database, "SELECT resource, node, since, until, ended FROM last_primary");
  while (row.executeStep()) {
    record[{ResourceName{text_at(row, 0)}, NodeName{text_at(row, 1)}}] = {
        .since = wall_at(row, 2),
        .until = maybe_wall_at(row, 3),
        .end = to_value<PrimaryEnd>(kEnds, text_at(row, 4), "last_primary.ended")};
  }
  return record;
}

}  // namespace upkeep::sql
