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

/// A text member that must be there and not empty.
[[nodiscard]] Result<std::string> required_text_at(const nlohmann::json& object, const char* key);

}  // namespace upkeep::web
