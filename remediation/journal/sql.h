#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/clock.h"

namespace upkeep::sql {

/// How times are stored: whole microseconds since the epoch.
[[nodiscard]] inline std::int64_t to_micros(WallTime at) {
  return std::chrono::floor<std::chrono::microseconds>(at.time_since_epoch()).count();
}

[[nodiscard]] inline WallTime to_wall(std::int64_t micros) {
  return WallTime(std::chrono::microseconds(micros));
}

inline void bind(SQLite::Statement& statement, int index, const std::string& value) {
  statement.bind(index, value);
}
inline void bind(SQLite::Statement& statement, int index, std::string_view value) {
  statement.bind(index, std::string(value));
}
inline void bind(SQLite::Statement& statement, int index, const char* value) {
  statement.bind(index, value);
}
inline void bind(SQLite::Statement& statement, int index, std::int64_t value) {
  statement.bind(index, value);
}
inline void bind(SQLite::Statement& statement, int index, int value) {
  statement.bind(index, value);
}
inline void bind(SQLite::Statement& statement, int index, bool value) {
  statement.bind(index, value ? 1 : 0);
}
inline void bind(SQLite::Statement& statement, int index, WallTime value) {
  statement.bind(index, to_micros(value));
}
/// What isn't known is NULL.
template <class T>
void bind(SQLite::Statement& statement, int index, const std::optional<T>& value) {
  if (value) {
    bind(statement, index, *value);
  } else {
    statement.bind(index);
  }
}

/// Binds the values to the statement's `?`s, in order.
template <class... Values>
void bind_all(SQLite::Statement& statement, const Values&... values) {
  int index = 0;
  (bind(statement, ++index, values), ...);
}

/// Runs a statement that returns no rows; returns how many rows it changed.
template <class... Values>
int run(SQLite::Database& database, const char* text, const Values&... values) {
  SQLite::Statement statement(database, text);
  bind_all(statement, values...);
  return statement.exec();
}

[[nodiscard]] inline std::string text_at(const SQLite::Statement& row, int column) {
  return row.getColumn(column).getString();
}
[[nodiscard]] inline WallTime wall_at(const SQLite::Statement& row, int column) {
  return to_wall(row.getColumn(column).getInt64());
}
[[nodiscard]] inline std::optional<std::string> maybe_text_at(const SQLite::Statement& row,
                                                              int column) {
  if (row.getColumn(column).isNull()) return std::nullopt;
  return text_at(row, column);
}
[[nodiscard]] inline std::optional<WallTime> maybe_wall_at(const SQLite::Statement& row,
                                                           int column) {
  if (row.getColumn(column).isNull()) return std::nullopt;
  return wall_at(row, column);
}

}  // namespace upkeep::sql
