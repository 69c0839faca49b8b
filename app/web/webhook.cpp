#include "app/web/webhook.h"

#include <utility>

#include "remediation/alerts/alertmanager.h"

namespace upkeep::web {

HttpResponse answer_webhook(const WebSources& sources, const HttpRequest& request) {
  // Here, in the server's thread: what isn't Alertmanager's never reaches the loop.
  auto delivery = parse_delivery(request.body);
  if (!delivery) {
    sources.refused(delivery.error());
    return text_response(400, delivery.error().message + "\n");
  }
  const auto taken = sources.command(TakeAlerts{.delivery = std::move(*delivery)});
  if (!taken) return text_response(503, taken.error().message + "\n");
  return text_response(200, *taken + "\n");
}

}  // namespace upkeep::web
