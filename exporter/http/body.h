#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "exporter/http/server.h"

struct mg_connection;

// A request's headers and body, out of civetweb.

namespace upkeep {

/// The header's value; empty when it isn't there.
[[nodiscard]] std::string_view header(const mg_connection* connection, const char* name);

/// Whether the client says that a body follows.
[[nodiscard]] bool has_body(const mg_connection* connection);

/// A body that was not read, and the sentence for its client. Holds nothing that JSON would escape.
struct UnreadBody {
  BodyFault fault = BodyFault::too_slow;
  std::string why;
};

/// Reads the whole body. Blocks until `body_deadline` at most, and `idle_timeout`.
[[nodiscard]] std::expected<std::string, UnreadBody> read_body(mg_connection* connection,
                                                               const HttpOptions& options);

/// Reads on for a moment what nobody wants any more, if it has an end. A connection that is closed
/// while bytes arrive is reset, and a client that was still sending never gets to see why it was
/// refused.
void discard_body(mg_connection* connection, std::chrono::milliseconds longest);

}  // namespace upkeep
