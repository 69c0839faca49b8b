#include "app/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

namespace upkeep {
namespace {

std::string timestamp(WallTime at) {
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(at);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(millis);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (millis - seconds).count());
}

/// The length of the UTF-8 sequence at the start of `text`, or 0 when it isn't one.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t at) {
    return static_cast<unsigned>(static_cast<unsigned char>(text[at]));
  };
  const unsigned lead = byte(0);
  std::size_t length = 0;
  unsigned low = 0x80;  // Bounds of the second byte: no overlong forms, surrogates, > U+10FFFF.
  unsigned high = 0xBF;
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  if (length == 0 || text.size() < length) return 0;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t at = 2; at < length; ++at) {
    if ((byte(at) & 0xC0U) != 0x80) return 0;
  }
  return length;
}

void append_escaped(std::string& line, std::string_view text) {
  const char c = text.front();
  const auto code = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    line += '\\';
    line += c;
  } else if (c == '\n') {
    line += "\\n";
  } else if (c == '\r') {
    line += "\\r";
  } else if (c == '\t') {
    line += "\\t";
  } else if (code < 0x20 || code == 0x7F) {
    fmt::format_to(std::back_inserter(line), "\\u{:04x}", code);
  } else {
    line += text;
  }
}

bool wants_quotes(std::string_view text) {
  return text.empty() || std::ranges::any_of(text, [](char c) {
           const auto code = static_cast<unsigned char>(c);
           return code <= 0x20 || code == 0x7F || c == '=' || c == '"' || c == '\\';
         });
}

void append_text(std::string& line, std::string_view text) {
  const bool quoted = wants_quotes(text);
  if (quoted) line += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      line += "\xEF\xBF\xBD";
    } else {
      append_escaped(line, text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  if (quoted) line += '"';
}

/// Three decimals are enough for people and for seconds; trailing zeros say nothing.
double rounded(double number) { return std::stod(fmt::format("{:.3f}", number)); }

void append_value(std::string& line, const LogField::Value& value) {
  std::visit(
      [&](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::string>) {
          append_text(line, held);
        } else if constexpr (std::is_same_v<Held, double>) {
          fmt::format_to(std::back_inserter(line), "{}", rounded(held));
        } else {
          fmt::format_to(std::back_inserter(line), "{}", held);
        }
      },
      value);
}

/// Hands whole lines to a function.
class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(std::function<void(std::string_view)> function)
      : function_(std::move(function)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    function_({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

 private:
  std::function<void(std::string_view)> function_;
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::shared_ptr<spdlog::sinks::sink> to_sink(std::function<void(std::string_view)> function) {
  if (function) return std::make_shared<FunctionSink>(std::move(function));
  return std::make_shared<spdlog::sinks::stderr_sink_mt>();
}

}  // namespace

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warn";
    case LogLevel::error: return "error";
  }
  return "error";
}

std::optional<LogLevel> to_log_level(std::string_view word) {
  for (const auto level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
    if (to_string(level) == word) return level;
  }
  return std::nullopt;
}

std::optional<LogFormat> to_log_format(std::string_view word) {
  if (word == "logfmt") return LogFormat::logfmt;
  if (word == "json") return LogFormat::json;
  return std::nullopt;
}

std::string to_logfmt(const LogEntry& entry) {
  std::string line =
      fmt::format("ts={} level={} msg=", timestamp(entry.at), to_string(entry.level));
  append_text(line, entry.message);
  if (entry.fields == nullptr) return line;
  for (const LogField& field : *entry.fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

std::string to_json(const LogEntry& entry) {
  nlohmann::ordered_json line;
  line["ts"] = timestamp(entry.at);
  line["level"] = to_string(entry.level);
  line["msg"] = entry.message;
  if (entry.fields != nullptr) {
    for (const LogField& field : *entry.fields) {
      std::visit(
          [&](const auto& held) {
            if constexpr (std::is_same_v<std::decay_t<decltype(held)>, double>) {
              line[field.key] = rounded(held);
            } else {
              line[field.key] = held;
            }
          },
          field.value);
    }
  }
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

struct Log::Writer {
  explicit Writer(Options options)
      : format(options.format), logger("upkeep", to_sink(std::move(options.sink))) {
    logger.set_pattern("%v");
    logger.set_level(to_spdlog(options.level));
    logger.flush_on(spdlog::level::debug);
  }

  LogFormat format;
  spdlog::logger logger;
};

Log::Log(const Clock& clock) : Log(clock, Options{}) {}
Log::Log(const Clock& clock, Options options)
    : clock_(clock), writer_(std::make_unique<Writer>(std::move(options))) {}
Log::~Log() = default;

void Log::write(LogLevel level, std::string_view message, const LogFields& fields) const {
  const auto target = to_spdlog(level);
  if (!writer_->logger.should_log(target)) return;
  const LogEntry entry{.at = clock_.wall(), .level = level, .message = message, .fields = &fields};
  const std::string line = writer_->format == LogFormat::json ? to_json(entry) : to_logfmt(entry);
  writer_->logger.log(target, spdlog::string_view_t(line.data(), line.size()));
}

void Log::debug(std::string_view message, const LogFields& fields) const {
  write(LogLevel::debug, message, fields);
}
void Log::info(std::string_view message, const LogFields& fields) const {
  write(LogLevel::info, message, fields);
}
void Log::warn(std::string_view message, const LogFields& fields) const {
  write(LogLevel::warning, message, fields);
}
void Log::error(std::string_view message, const LogFields& fields) const {
  write(LogLevel::error, message, fields);
}

}  // namespace upkeep
