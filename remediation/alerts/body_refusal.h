#pragma once

#include <array>
#include <string>
#include <string_view>

namespace upkeep {

/// Why a body that was posted to the webhook is not taken.
enum class BodyRefusal {
  not_json,
  too_deep,         ///< Brackets in brackets, more than any Alertmanager's.
  wrong_version,    ///< Another version of the format, or none said: another program's webhook.
  not_v4,           ///< Says version 4, and something in it isn't as that has it.
  too_many_alerts,  ///< More than kMostAlerts.
  too_large,
  too_slow,        ///< Not whole in time; its sender may have hung up.
  no_length,       ///< No Content-Length, or chunked.
  unclear_length,  ///< Content-Length is no number, or said twice.
};

inline constexpr std::array kBodyRefusals{
    BodyRefusal::not_json, BodyRefusal::too_deep,        BodyRefusal::wrong_version,
    BodyRefusal::not_v4,   BodyRefusal::too_many_alerts, BodyRefusal::too_large,
    BodyRefusal::too_slow, BodyRefusal::no_length,       BodyRefusal::unclear_length,
};

/// A metric label and a word of the log: never rename.
[[nodiscard]] constexpr std::string_view to_string(BodyRefusal reason) {
  switch (reason) {
    case BodyRefusal::not_json: return "not_json";
    case BodyRefusal::too_deep: return "too_deep";
    case BodyRefusal::wrong_version: return "wrong_version";
    case BodyRefusal::not_v4: return "not_v4";
    case BodyRefusal::too_many_alerts: return "too_many_alerts";
    case BodyRefusal::too_large: return "too_large";
    case BodyRefusal::too_slow: return "too_slow";
    case BodyRefusal::no_length: return "no_length";
    case BodyRefusal::unclear_length: return "unclear_length";
  }
  return "not_v4";
}

/// A body that is not taken, and the line that says why: a person's, and the answer's.
struct RefusedBody {
  BodyRefusal reason = BodyRefusal::not_v4;
  std::string message;
};

}  // namespace upkeep
