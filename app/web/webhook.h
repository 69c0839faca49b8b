#pragma once

#include "app/web/routes.h"

namespace upkeep::web {

/// POST /webhook/alertmanager. 200 only when the alerts are on the disk; 503 when they can't be put
/// there, so that Alertmanager sends them again; 400 for what sending again can't mend.
[[nodiscard]] HttpResponse answer_webhook(const WebSources& sources, const HttpRequest& request);

}  // namespace upkeep::web
