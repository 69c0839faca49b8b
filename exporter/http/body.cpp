#include "exporter/http/body.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace upkeep {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::unexpected<UnreadBody> refused(BodyFault fault, std::string why) {
  return std::unexpected(UnreadBody{.fault = fault, .why = std::move(why)});
}

std::ptrdiff_t count_headers(const mg_connection* connection, const char* name) {
  const mg_request_info& info = *mg_get_request_info(connection);
  return std::ranges::count_if(
      std::span(info.http_headers).first(static_cast<std::size_t>(info.num_headers)),
      [&](const mg_header& one) { return mg_strcasecmp(one.name, name) == 0; });
}

/// How long the body is going to be, or the refusal. Chunked and contradictory lengths are refused:
/// civetweb reads chunk sizes without a deadline and believes the first of two lengths.
std::expected<std::size_t, UnreadBody> announced_length(const mg_connection* connection,
                                                        std::size_t limit) {
  const std::ptrdiff_t lengths = count_headers(connection, "Content-Length");
  if (count_headers(connection, "Transfer-Encoding") != 0 || lengths == 0) {
    return refused(BodyFault::no_length, "say Content-Length; chunked bodies are not read");
  }
  const auto length = content_length(header(connection, "Content-Length"));
  if (!length || lengths > 1) {
    return refused(BodyFault::unclear_length, "Content-Length is not one number");
  }
  if (*length > limit) {
    return refused(BodyFault::too_large, fmt::format("the body may have {} bytes", limit));
  }
  return *length;
}

/// Whether the body's end is known: civetweb then reads no further.
bool has_an_end(const mg_connection* connection) {
  return count_headers(connection, "Transfer-Encoding") == 0 &&
         count_headers(connection, "Content-Length") == 1 &&
         content_length(header(connection, "Content-Length"));
}

}  // namespace

std::string_view header(const mg_connection* connection, const char* name) {
  const char* value = mg_get_header(connection, name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool has_body(const mg_connection* connection) {
  return mg_get_request_info(connection)->content_length > 0 ||
         count_headers(connection, "Transfer-Encoding") != 0;
}

// Byte by byte: civetweb's mg_read waits until it has all it was asked for, with a time limit only
// for each byte, so that a larger piece could be dripped into for hours. Most bodies are in
// civetweb's buffer already.
std::expected<std::string, UnreadBody> read_body(mg_connection* connection,
                                                 const HttpOptions& options) {
  const auto length = announced_length(connection, options.body_limit);
  if (!length) return std::unexpected(length.error());
  const auto deadline = SteadyClock::now() + options.body_deadline;
  if (header(connection, "Expect") == "100-continue") {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    mg_write(connection, kContinue.data(), kContinue.size());
  }
  std::string body;
  body.reserve(*length);
  while (body.size() < *length) {
    char byte = 0;
    const bool in_time = SteadyClock::now() < deadline;
    if (!in_time || mg_read(connection, &byte, 1) != 1) {
      return refused(BodyFault::too_slow, "the body did not arrive in time");
    }
    body.push_back(byte);
  }
  return body;
}

void discard_body(mg_connection* connection, std::chrono::milliseconds longest) {
  if (!has_an_end(connection)) return;
  const auto deadline = SteadyClock::now() + longest;
  char byte = 0;
  while (SteadyClock::now() < deadline && mg_read(connection, &byte, 1) == 1) {
  }
}

}  // namespace upkeep
