#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "exporter/http/message.h"
#include "exporter/model/result.h"

// The parts of a POST's body. An error is Errc::invalid and names what is wrong.

namespace upkeep::web {

/// A POST's JSON object.
[[nodiscard]] Result<nlohmann::json> object_of(const HttpRequest& request);

/// A text member; absent when it isn't there or null.
[[nodiscard]] Result<std::optional<std::string>> text_at(const nlohmann::json& object,
                                                         const char* key);

/// A yes or no; no when it isn't there or null.
[[nodiscard]] Result<bool> flag_at(const nlohmann::json& object, const char* key);

/// Who gives an order, why, and whether it is taken back.
struct Said {
  std::string by, reason;
  bool take_back = false;
};

/// `by`, `reason` and `undo` of an order.
[[nodiscard]] Result<Said> said_in(const nlohmann::json& object);

/// A text member that must be there and not empty.
[[nodiscard]] Result<std::string> required_text_at(const nlohmann::json& object, const char* key);

}  // namespace upkeep::web
