#include "app/web/request_body.h"

#include <fmt/format.h>

#include <utility>

namespace upkeep::web {

Result<nlohmann::json> object_of(const HttpRequest& request) {
  auto json = nlohmann::json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail(Errc::invalid, "the body is not a JSON object");
  return json;
}

Result<std::optional<std::string>> text_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  if (!found->is_string()) return fail(Errc::invalid, fmt::format("'{}' is not a text", key));
  return found->get<std::string>();
}

Result<std::string> required_text_at(const nlohmann::json& object, const char* key) {
  auto text = text_at(object, key);
  if (!text) return std::unexpected(text.error());
  if (!*text || (*text)->empty()) return fail(Errc::invalid, fmt::format("'{}' is missing", key));
  return std::move(**text);
}

Result<bool> flag_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return false;
  if (!found->is_boolean()) {
    return fail(Errc::invalid, fmt::format("'{}' is neither true nor false", key));
  }
  return found->get<bool>();
}

Result<Said> said_in(const nlohmann::json& object) {
  const auto by = text_at(object, "by");
  if (!by) return std::unexpected(by.error());
  const auto reason = text_at(object, "reason");
  if (!reason) return std::unexpected(reason.error());
  const auto undo = flag_at(object, "undo");
  if (!undo) return std::unexpected(undo.error());
  return Said{.by = by->value_or(""), .reason = reason->value_or(""), .take_back = *undo};
}

}  // namespace upkeep::web
