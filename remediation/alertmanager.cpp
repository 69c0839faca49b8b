#include "remediation/alertmanager.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

namespace upkeep {
namespace {

using nlohmann::json;

/// Alertmanager's own bodies nest three deep.
constexpr int kDeepest = 16;

std::unexpected<Error> wrong(std::string_view what) {
  return fail(Errc::invalid, fmt::format("not a webhook of Alertmanager's: {}", what));
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

Result<AlertLabels> labels_of(const json& alert, const std::string& place) {
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

Result<Alert> alert_of(const json& one, const std::string& place) {
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
  const auto starts_at = starts == nullptr ? std::nullopt : parse_time(*starts);
  if (!starts_at) return wrong(place + ".startsAt is not a time like 2026-11-22T12:59:15.522Z");
  auto labels = labels_of(one, place);
  if (!labels) return std::unexpected(std::move(labels.error()));
  return Alert{.firing = *status == "firing",
               .labels = std::move(*labels),
               .fingerprint = *fingerprint,
               .starts_at = *starts_at};
}

/// Is it version 4 at all?
Result<void> check_envelope(const json& body) {
  if (!body.is_object()) return wrong("the body is not a JSON object");
  const std::string* version = text_in(body, "version");
  if (version == nullptr) return wrong("version is missing: is this another program's webhook?");
  if (*version != "4") {
    return wrong(fmt::format(R"(version is "{}", this upkeep reads "4")", shown(*version)));
  }
  const auto alerts = body.find("alerts");
  if (alerts == body.end() || !alerts->is_array()) return wrong("alerts is not a list");
  if (alerts->size() > kMostAlerts) {
    return wrong(fmt::format("{} alerts at once, at most {} are taken: group them by more labels",
                             alerts->size(), kMostAlerts));
  }
  return {};
}

/// Takes the number of exactly `digits` digits off the text.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  const std::string_view head = text.substr(0, digits);
  if (!std::ranges::all_of(head, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  int number = 0;
  std::from_chars(head.data(), head.data() + head.size(), number);
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

/// ".522": what is finer than microseconds is dropped.
std::optional<std::chrono::microseconds> take_fraction(std::string_view& text) {
  std::int64_t micros = 0;
  if (!take(text, '.')) return std::chrono::microseconds(0);
  std::size_t digits = 0;
  for (std::int64_t unit = 100'000; !text.empty() && text.front() >= '0' && text.front() <= '9';
       unit /= 10, ++digits) {
    micros += unit * (text.front() - '0');
    text.remove_prefix(1);
  }
  if (digits == 0 || digits > 9) return std::nullopt;
  return std::chrono::microseconds(micros);
}

/// "Z" or "+01:00", and nothing behind it: what is to be taken off to get UTC.
std::optional<std::chrono::minutes> take_offset(std::string_view text) {
  if (text == "Z") return std::chrono::minutes(0);
  const bool ahead = take(text, '+');
  if (!ahead && !take(text, '-')) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  const auto offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return ahead ? offset : -offset;
}

/// "2026-11-22"; the years that WallTime can hold.
std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || *year < 1970 || *year > 2200) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

/// "12:59:15"; a leap second counts as the one after it.
std::optional<std::chrono::seconds> take_time_of_day(std::string_view& text) {
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || !take(text, ':')) return std::nullopt;
  const auto seconds = take_number(text, 2);
  if (!seconds || *hours > 23 || *minutes > 59 || *seconds > 60) return std::nullopt;
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) +
         std::chrono::seconds(*seconds);
}

}  // namespace

std::optional<WallTime> parse_time(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !take(text, 'T')) return std::nullopt;
  const auto time = take_time_of_day(text);
  if (!time) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset) return std::nullopt;
  return WallTime(*date) + *time + *fraction - *offset;
}

Result<AlertDelivery> parse_delivery(std::string_view body) {
  if (nests_too_deep(body)) return wrong("it nests too deep");
  const json parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return wrong("the body is not JSON");
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
