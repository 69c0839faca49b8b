#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "remediation/alerts/alert.h"
#include "remediation/alerts/body_refusal.h"

namespace upkeep {

/// Alerts in one POST. Alertmanager sends a group at a time; with more, its limit is `max_alerts`.
inline constexpr std::size_t kMostAlerts = 1000;

/// Reads what Alertmanager's webhook receiver posts: version 4 of its format, at most kMostAlerts.
/// What isn't exactly that is refused in one line that names the place and what belongs there;
/// nothing of such a body counts. Keys that this program doesn't need are not looked at.
[[nodiscard]] std::expected<AlertDelivery, RefusedBody> parse_delivery(std::string_view body);

}  // namespace upkeep
