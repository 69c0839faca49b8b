#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "exporter/model/clock.h"

namespace upkeep {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { logfmt, json };

/// "debug", "info", "warn", "error": the `level` of a line and the values of --log.level.
[[nodiscard]] std::string_view to_string(LogLevel level);
[[nodiscard]] std::optional<LogLevel> to_log_level(std::string_view word);
/// "logfmt", "json": the values of --log.format.
[[nodiscard]] std::optional<LogFormat> to_log_format(std::string_view word);

/// One `key=value` of a log line. Keys are bare words.
struct LogField {
  using Value = std::variant<std::string, std::int64_t, double, bool>;

  LogField(std::string_view name, std::string_view text) : key(name), value(std::string(text)) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string(text)) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(text) {}
  LogField(std::string_view name, bool flag) : key(name), value(flag) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}
  template <std::integral Number>
  LogField(std::string_view name, Number number)
      : key(name), value(static_cast<std::int64_t>(number)) {}

  std::string key;
  Value value;
};

using LogFields = std::vector<LogField>;

/// What a line says, before it is written in a format.
struct LogEntry {
  WallTime at{};
  LogLevel level = LogLevel::info;
  std::string_view message;
  const LogFields* fields = nullptr;  ///< In this order.
};

/// `ts=2026-03-01T03:12:44.120Z level=info msg="restarting vm" vm=web1 attempt=1`, no newline. A
/// value is quoted when it is empty or holds a blank, `=`, `"`, `\` or a control character; what
/// isn't UTF-8 becomes U+FFFD, so that a line is always one line and always readable.
[[nodiscard]] std::string to_logfmt(const LogEntry& entry);
/// The same as one JSON object, keys in the same order.
[[nodiscard]] std::string to_json(const LogEntry& entry);

/// Writes log lines to stderr: one a transition, never one a tick. Thread-safe; a line is written
/// whole.
class Log {
 public:
  struct Options {
    LogFormat format = LogFormat::logfmt;
    LogLevel level = LogLevel::info;
    /// Where lines go instead of stderr, without the newline. Called under a lock.
    std::function<void(std::string_view line)> sink;
  };

  explicit Log(const Clock& clock);
  Log(const Clock& clock, Options options);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  void debug(std::string_view message, const LogFields& fields = {}) const;
  void info(std::string_view message, const LogFields& fields = {}) const;
  void warn(std::string_view message, const LogFields& fields = {}) const;
  void error(std::string_view message, const LogFields& fields = {}) const;

 private:
  struct Writer;

  void write(LogLevel level, std::string_view message, const LogFields& fields) const;

  const Clock& clock_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace upkeep
