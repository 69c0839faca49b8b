#include "app/daemon/web_front.h"

#include <chrono>
#include <utility>

#include "app/remediation_metrics.h"
#include "exporter/metrics/process_metrics.h"
#include "exporter/metrics/snapshot_metrics.h"

namespace upkeep {
namespace {

/// Of each listener. They wait for clients most of the time; civetweb gives each client one until
/// it has read its answer.
constexpr int kThreads = 16;

BodyRefusal to_refusal(BodyFault fault) {
  switch (fault) {
    case BodyFault::no_length: return BodyRefusal::no_length;
    case BodyFault::unclear_length: return BodyRefusal::unclear_length;
    case BodyFault::too_large: return BodyRefusal::too_large;
    case BodyFault::too_slow: return BodyRefusal::too_slow;
  }
  return BodyRefusal::too_slow;
}

/// How long a request waits for the loop, which answers in milliseconds unless the disk hangs.
constexpr Duration kLoopPatience = std::chrono::seconds(5);

/// The networks, and this machine. What runs here comes from loopback, or from the very address
/// that it connects to.
std::vector<std::string> with_this_machine(std::vector<std::string> networks,
                                           const ListenAddress& address) {
  networks.emplace_back("127.0.0.0/8");
  if (address.host != "0.0.0.0") networks.push_back(address.host);
  return networks;
}

}  // namespace

Result<std::unique_ptr<WebFront>> WebFront::open(WebFrontParts parts, const Options& options) {
  std::unique_ptr<WebFront> front(new WebFront(std::move(parts)));
  auto shown = front->listen(options.http.listen, options, /*control=*/false);
  if (!shown) return std::unexpected(std::move(shown.error()));
  front->public_ = std::move(*shown);
  auto told = front->listen(options.http.control_listen, options, /*control=*/true);
  if (!told) return std::unexpected(std::move(told.error()));
  front->control_ = std::move(*told);
  return front;
}

WebFront::WebFront(WebFrontParts parts)
    : parts_(std::move(parts)),
      refused_({.clock = parts_.clock,
                .log = parts_.log,
                .instruments = parts_.instruments,
                .inbox = parts_.inbox,
                .journal = parts_.journal}),
      metrics_(parts_.clock, {.generation =
                                  [this] {
                                    const auto snapshot = parts_.snapshot();
                                    return snapshot == nullptr ? 0 : snapshot->generation;
                                  },
                              .write = [this](Exposition& out) { write_metrics(out); }}),
      sources_(std::make_shared<const web::WebSources>(web::WebSources{
          .identity = parts_.identity,
          .clock = parts_.clock,
          .metrics = metrics_,
          .snapshot = parts_.snapshot,
          .view = parts_.view,
          .last_known = parts_.last_known,
          .loop_last_run = parts_.loop_last_run,
          .history =
              [this](const HistoryQuery& query) {
                return parts_.inbox.ask<std::vector<HistoryEntry>>(
                    // Nothing of this object: a question that nobody waits for any more outlives
                    // it.
                    [&journal = parts_.journal, query] { return journal.history(query); },
                    kLoopPatience);
              },
          .recovery =
              [this](std::int64_t id) {
                return parts_.inbox.ask<std::optional<Recovery>>(
                    [&journal = parts_.journal, id] { return journal.recovery(id); },
                    kLoopPatience);
              },
          .command =
              [this](const Command& command) {
                return parts_.inbox.carry_out(command, kLoopPatience);
              },
          .refused = [this](const RefusedBody& body) { refused_.refused(body); },
          .demo = parts_.demo})) {}

Result<std::unique_ptr<HttpServer>> WebFront::listen(const ListenAddress& address,
                                                     const Options& options, bool control) {
  HttpOptions http;
  http.listen = to_string(address);
  http.threads = kThreads;
  if (control) {
    http.token = options.token;
    if (!is_loopback(address)) {
      http.allow_from = with_this_machine(options.http.allow_from, address);
    }
    http.answered = [this](std::string_view path, int status) {
      if (path == web::kWebhookPath) parts_.instruments.webhook_answered(status);
    };
    http.body_refused = [this](std::string_view path, BodyFault fault, std::string_view why) {
      if (path != web::kWebhookPath) return;
      refused_.refused({.reason = to_refusal(fault), .message = std::string(why)});
    };
  }
  if (!control && !options.http.listen_allow_from.empty()) {
    http.allow_from = with_this_machine(options.http.listen_allow_from, address);
  }
  http.handler_failed = [this](std::string_view path, std::string_view what) {
    parts_.instruments.http_handler_failed();
    parts_.log.error("http handler failed", {{"path", path}, {"error", what}});
  };
  const auto routes = control ? web::control_routes(sources_) : web::public_routes(sources_);
  auto server = HttpServer::start(http, routes);
  if (server || !options.any_port) return server;
  http.listen = to_string(ListenAddress{.host = address.host, .port = 0});
  return HttpServer::start(http, routes);
}

void WebFront::write_metrics(Exposition& out) const {
  const auto snapshot = parts_.snapshot();
  const auto view = parts_.view();
  const auto known = parts_.last_known();
  const Tick now = parts_.clock.now();
  if (snapshot != nullptr && known != nullptr) {
    const Freshness freshness =
        view != nullptr && view->policy != nullptr ? view->policy->freshness : Freshness{};
    write_snapshot(out, *snapshot, *known, freshness, now);
  }
  if (snapshot != nullptr && view != nullptr) write_remediation(out, *view, *snapshot, now);
  parts_.instruments.write(out);
  write_process(out);
}

}  // namespace upkeep
