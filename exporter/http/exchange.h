#pragma once

#include <string>
#include <vector>

#include "exporter/http/message.h"
#include "exporter/http/server.h"

struct mg_connection;

namespace upkeep {

/// Answers the one request on a civetweb connection: token, route, body, handler. Returns what
/// civetweb's begin_request wants: the status, or -1 when bytes of a body were left unread or the
/// answer was not taken, so that civetweb closes the connection and does not wait.
[[nodiscard]] int exchange(mg_connection* connection, const HttpOptions& options,
                           const std::vector<HttpRoute>& routes);

}  // namespace upkeep
