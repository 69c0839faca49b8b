#include "remediation/alerts/alertmanager.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "exporter/model/rfc3339.h"

namespace upkeep {
namespace {

using nlohmann::json;

/// Alertmanager's own bodies nest three deep.
constexpr int kDeepest = 16;

/// What reading a part of it gives.
template <class T>
using Read = std::expected<T, RefusedBody>;

std::unexpected<RefusedBody> wrong(std::string_view what,
                                   BodyRefusal reason = BodyRefusal::not_v4) {
  return std::unexpected(RefusedBody{
      .reason = reason, .message = fmt::format("not a webhook of Alertmanager's: {}", what)});
}

/// Brackets open at once, outside of strings. Looked at before anything is built from the text.
bool nests_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

/// The member, or null when it isn't there or isn't a text.
const std::string* text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

bool is_fingerprint(std::string_view text) {
  return text.size() == 16 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Read<AlertLabels> labels_of(const json& alert, const std::string& place) {
  const auto found = alert.find("labels");
  if (found == alert.end() || !found->is_object()) {
    return wrong(place + ".labels is not an object");
  }
  AlertLabels labels;
  for (const auto& [name, value] : found->items()) {
    const auto* text = value.get_ptr<const std::string*>();
    if (text == nullptr) return wrong(fmt::format("{}.labels.{} is no text", place, shown(name)));
    labels.emplace(name, *text);
  }
  return labels;
}

Read<Alert> alert_of(const json& one, const std::string& place) {
  if (!one.is_object()) return wrong(place + " is not an object");
  const std::string* status = text_in(one, "status");
  if (status == nullptr || (*status != "firing" && *status != "resolved")) {
    return wrong(place + R"(.status is neither "firing" nor "resolved")");
  }
  const std::string* fingerprint = text_in(one, "fingerprint");
  if (fingerprint == nullptr || !is_fingerprint(*fingerprint)) {
    return wrong(place + ".fingerprint is not 16 hexadecimal digits");
  }
  const std::string* starts = text_in(one, "startsAt");
  const auto starts_at = starts == nullptr ? std::nullopt : parse_rfc3339(*starts);
  if (!starts_at) return wrong(place + ".startsAt is not a time like 2026-11-22T12:59:15.522Z");
  auto labels = labels_of(one, place);
  if (!labels) return std::unexpected(std::move(labels.error()));
  return Alert{.firing = *status == "firing",
               .labels = std::move(*labels),
               .fingerprint = *fingerprint,
               .starts_at = *starts_at};
}

/// Is it version 4 at all?
Read<void> check_envelope(const json& body) {
  if (!body.is_object()) return wrong("the body is not a JSON object");
  const std::string* version = text_in(body, "version");
  if (version == nullptr) {
    return wrong("version is missing: is this another program's webhook?",
                 BodyRefusal::wrong_version);
  }
  if (*version != "4") {
    return wrong(fmt::format(R"(version is "{}", this upkeep reads "4")", shown(*version)),
                 BodyRefusal::wrong_version);
  }
  const auto alerts = body.find("alerts");
  if (alerts == body.end() || !alerts->is_array()) return wrong("alerts is not a list");
  if (alerts->size() > kMostAlerts) {
    return wrong(fmt::format("{} alerts at once, at most {} are taken: group them by more labels",
                             alerts->size(), kMostAlerts),
                 BodyRefusal::too_many_alerts);
  }
  return {};
}

}  // namespace

Read<AlertDelivery> parse_delivery(std::string_view body) {
  if (nests_too_deep(body)) return wrong("it nests too deep", BodyRefusal::too_deep);
  const json parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return wrong("the body is not JSON", BodyRefusal::not_json);
  if (const auto fits = check_envelope(parsed); !fits) return std::unexpected(fits.error());
  AlertDelivery delivery;
  if (const auto left_out = parsed.find("truncatedAlerts"); left_out != parsed.end()) {
    if (!left_out->is_number_unsigned()) return wrong("truncatedAlerts is no number");
    delivery.truncated = left_out->get<std::uint64_t>() > 0;
  }
  for (const json& one : parsed["alerts"]) {
    auto alert = alert_of(one, fmt::format("alerts[{}]", delivery.alerts.size()));
    if (!alert) return std::unexpected(std::move(alert.error()));
    delivery.alerts.push_back(std::move(*alert));
  }
  return delivery;
}

}  // namespace upkeep
