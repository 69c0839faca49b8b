#pragma once

#include "app/web/handlers.h"

// What a person pauses.

namespace upkeep::web {

/// POST /api/v1/pause
[[nodiscard]] HttpResponse answer_pause(const WebSources& sources, const HttpRequest& request);
/// POST /api/v1/maintenance
[[nodiscard]] HttpResponse answer_maintenance(const WebSources& sources,
                                              const HttpRequest& request);

}  // namespace upkeep::web
