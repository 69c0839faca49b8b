#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/cli/times.h"
#include "app/web/report.h"
#include "exporter/model/clock.h"

namespace upkeep::web {

// Keys in the order they are written, so that people can read an answer.
using Json = nlohmann::ordered_json;

/// The value, or null when it isn't known.
template <class T>
[[nodiscard]] Json json_of(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}
[[nodiscard]] inline Json json_of(const std::optional<Bytes>& bytes) {
  return bytes ? Json(bytes->count) : Json();
}
[[nodiscard]] inline Json json_of(const std::optional<Seconds>& span) {
  return span ? Json(span->count()) : Json();
}
[[nodiscard]] inline Json json_of(WallTime at) { return cli::to_rfc3339(at); }
[[nodiscard]] inline Json json_of(const std::optional<WallTime>& at) {
  return at ? json_of(*at) : Json();
}
/// Null for the empty text that means not known or none.
[[nodiscard]] inline Json json_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}
[[nodiscard]] inline double seconds_of(Duration span) {
  return std::chrono::duration_cast<Seconds>(span).count();
}

/// One line, and a newline for terminals. What isn't UTF-8 becomes U+FFFD instead of an exception.
[[nodiscard]] inline std::string written(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

[[nodiscard]] Json decision_json(const Decision& decision, Tick now);

/// `decision`, `decisions`, `attempts` and `latched` of a VM or resource.
void put_target(Json& out, const TargetReport& target, Tick now);

/// The `drbd` of the status.
[[nodiscard]] Json drbd_status(const Report& report, const Moment& moment);

}  // namespace upkeep::web
