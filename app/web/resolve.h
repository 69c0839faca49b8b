#pragma once

#include "app/web/routes.h"

namespace upkeep::web {

/// GET /api/v1/drbd/resolve: what a person should know before deciding a split brain, and whether
/// the decision could be carried out now. Changes nothing.
[[nodiscard]] HttpResponse answer_resolve_preview(const WebSources& sources,
                                                  const HttpRequest& request);

/// POST /api/v1/drbd/resolve: has the decision carried out; the action goes on after the answer.
[[nodiscard]] HttpResponse answer_resolve(const WebSources& sources, const HttpRequest& request);

}  // namespace upkeep::web
