#include "app/web/routes.h"

#include <mutex>
#include <optional>
#include <utility>

#include "app/web/answers.h"
#include "app/web/handlers.h"
#include "app/web/pauses.h"
#include "app/web/resolve.h"
#include "app/web/status_page.h"
#include "app/web/webhook.h"

namespace upkeep::web {
namespace {

using Sources = std::shared_ptr<const WebSources>;
using History = Result<std::vector<HistoryEntry>>;

/// The loop steps at least each second; a hung journal write is the worst that delays it for long.
constexpr Duration kLoopHangs = std::chrono::seconds(30);

/// The newest lines of the journal for the public page. Asked for every two seconds at most and by
/// one thread at a time: whoever reloads the page must not keep the loop busy.
class RecentHistory {
 public:
  [[nodiscard]] History get(const WebSources& sources) {
    const std::unique_lock asking(asking_, std::try_to_lock);
    if (asking && is_old(sources.clock.now())) {
      set(sources.history({.limit = kLines, .target = std::nullopt, .since = std::nullopt}),
          sources.clock.now());
    }
    const std::scoped_lock lock(mutex_);
    return history_;
  }

 private:
  static constexpr std::size_t kLines = 15;
  static constexpr Duration kMaxAge = std::chrono::seconds(2);

  bool is_old(Tick now) {
    const std::scoped_lock lock(mutex_);
    return !asked_ || now - *asked_ >= kMaxAge;
  }

  void set(History history, Tick now) {
    const std::scoped_lock lock(mutex_);
    history_ = std::move(history);
    asked_ = now;
  }

  std::mutex asking_;  ///< Held while somebody asks; the others take what there is.
  std::mutex mutex_;
  std::optional<Tick> asked_;
  History history_ = fail(Errc::unavailable, "the journal has not been read yet");
};

HttpResponse page(const WebSources& sources, RecentHistory& history) {
  HttpResponse response = text_response(200, status_page(moment_of(sources), history.get(sources)));
  response.content_type = "text/html; charset=utf-8";
  response.headers = {{"Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                       "form-action 'none'; frame-ancestors 'none'"},
                      {"Referrer-Policy", "no-referrer"}};
  return response;
}

HttpResponse metrics(const WebSources& sources, const HttpRequest& request) {
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.headers = {{"Vary", "Accept-Encoding"}};
  if (request.accepts_gzip) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = sources.metrics.gzip();
  } else {
    response.body = sources.metrics.text();
  }
  return response;
}

HttpResponse healthy(const WebSources& sources) {
  const bool runs = sources.clock.now() - sources.loop_last_run() <= kLoopHangs;
  return runs ? text_response(200, "healthy\n")
              : text_response(503, "the loop has not run for 30 s\n");
}

HttpResponse ready(const WebSources& sources) {
  return is_ready(moment_of(sources)) ? text_response(200, "ready\n")
                                      : text_response(503, "not everything has been read yet\n");
}

/// A GET route whose answer needs the moment only.
HttpRoute shows(const Sources& sources, std::string path, std::string (*answer)(const Moment&)) {
  return {.method = HttpMethod::get,
          .path = std::move(path),
          .handler = [sources, answer](const HttpRequest& /*request*/) {
            return json_response(answer(moment_of(*sources)));
          }};
}

using Answer = HttpResponse (*)(const WebSources&, const HttpRequest&);

HttpRoute answers(const Sources& sources, HttpMethod method, std::string path, Answer answer) {
  return {.method = method,
          .path = std::move(path),
          .handler = [sources, answer](const HttpRequest& request) {
            return answer(*sources, request);
          }};
}

}  // namespace

std::vector<HttpRoute> public_routes(const Sources& sources) {
  const auto history = std::make_shared<RecentHistory>();
  std::vector<HttpRoute> routes;
  routes.push_back({.method = HttpMethod::get,
                    .path = "/",
                    .handler = [sources, history](const HttpRequest& /*request*/) {
                      return page(*sources, *history);
                    }});
  routes.push_back(answers(sources, HttpMethod::get, "/metrics", metrics));
  routes.push_back(
      answers(sources, HttpMethod::get, "/-/healthy",
              [](const WebSources& all, const HttpRequest& /*request*/) { return healthy(all); }));
  routes.push_back(
      answers(sources, HttpMethod::get, "/-/ready",
              [](const WebSources& all, const HttpRequest& /*request*/) { return ready(all); }));
  routes.push_back(shows(sources, "/api/v1/status", status_json));
  routes.push_back(shows(sources, "/api/v1/node", node_json));
  return routes;
}

std::vector<HttpRoute> control_routes(const Sources& sources) {
  std::vector<HttpRoute> routes;
  routes.push_back(shows(sources, "/api/v1/status", status_json));
  routes.push_back(shows(sources, "/api/v1/node", node_json));
  routes.push_back(shows(sources, "/api/v1/plan", plan_json));
  routes.push_back(answers(sources, HttpMethod::get, "/api/v1/why", answer_why));
  routes.push_back(answers(sources, HttpMethod::get, "/api/v1/history", answer_history));
  routes.push_back(answers(sources, HttpMethod::get, "/api/v1/recovery", answer_recovery));
  routes.push_back(answers(sources, HttpMethod::post, "/api/v1/mark", answer_mark));
  routes.push_back(answers(sources, HttpMethod::post, "/api/v1/release", answer_release));
  routes.push_back(answers(sources, HttpMethod::post, "/api/v1/pause", answer_pause));
  routes.push_back(answers(sources, HttpMethod::post, "/api/v1/maintenance", answer_maintenance));
  routes.push_back(
      answers(sources, HttpMethod::post, "/api/v1/allow-degraded", answer_allow_degraded));
  routes.push_back(
      answers(sources, HttpMethod::post, "/api/v1/peer/declare-dead", answer_declare_dead));
  routes.push_back(
      answers(sources, HttpMethod::get, "/api/v1/drbd/resolve", answer_resolve_preview));
  routes.push_back(answers(sources, HttpMethod::post, "/api/v1/drbd/resolve", answer_resolve));
  routes.push_back(answers(sources, HttpMethod::post, "/api/v1/demo", answer_demo));
  routes.push_back(answers(sources, HttpMethod::post, std::string(kWebhookPath), answer_webhook));
  return routes;
}

}  // namespace upkeep::web
