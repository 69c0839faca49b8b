#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/web/report.h"
#include "exporter/http/message.h"
#include "exporter/metrics/page.h"
#include "remediation/alerts/body_refusal.h"
#include "remediation/journal.h"
#include "remediation/reconciler.h"

namespace upkeep::web {

/// Where the routes get what they show and put what they are told. Every function is called from
/// the HTTP servers' threads, several at once.
struct WebSources {
  Identity identity;
  const Clock& clock;
  MetricsPage& metrics;
  // May return null before the first step.
  std::function<std::shared_ptr<const Snapshot>()> snapshot;
  std::function<std::shared_ptr<const RemediationView>()> view;
  std::function<std::shared_ptr<const LastKnown>()> last_known;
  std::function<Tick()> loop_last_run;
  std::function<Result<std::vector<HistoryEntry>>(const HistoryQuery&)> history;
  /// The recovery of that id, or the last one for 0; absent: there is none.
  std::function<Result<std::optional<Recovery>>(std::int64_t)> recovery;
  /// Has the command carried out; returns the sentence that says what was done. May block until a
  /// deadline of its own.
  std::function<Result<std::string>(const Command&)> command;
  /// Told of a body that was posted to the webhook and isn't taken. Never waits.
  std::function<void(const RefusedBody&)> refused;
  /// Does it to the demo; empty when this is none.
  std::function<Result<std::string>(std::string_view deed, const std::optional<VmName>& vm)> demo;
};

/// Where Alertmanager posts to, on the control listener.
inline constexpr std::string_view kWebhookPath = "/webhook/alertmanager";

/// The read-only listener: `/`, `/metrics`, health, `/api/v1/status` and `/api/v1/node`.
[[nodiscard]] std::vector<HttpRoute> public_routes(
    const std::shared_ptr<const WebSources>& sources);

/// The control listener, which wants the token: every `/api/v1/...` path, and the webhook.
[[nodiscard]] std::vector<HttpRoute> control_routes(
    const std::shared_ptr<const WebSources>& sources);

}  // namespace upkeep::web
