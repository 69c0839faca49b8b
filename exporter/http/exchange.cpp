#include "exporter/http/exchange.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <expected>
#include <memory>
#include <span>

namespace upkeep {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// The handler's answer, or the refusal.
using Answered = std::expected<HttpResponse, HttpResponse>;

/// An answer other than the handler's, while it isn't known for whom: see `in_its_language`.
/// `why` holds nothing that JSON would escape.
HttpResponse refusal(int status, std::string_view why) {
  return text_response(status, std::string(why));
}

/// A refusal as the path's clients read it: the API's as an object, others as a line.
HttpResponse in_its_language(HttpResponse refusal, std::string_view path) {
  const bool api = path.starts_with("/api/");
  if (api) refusal.content_type = "application/json; charset=utf-8";
  refusal.body = std::make_shared<const std::string>(
      api ? fmt::format("{{\"error\":\"{}\"}}\n", *refusal.body) : *refusal.body + "\n");
  return refusal;
}

std::string_view header(const mg_connection* connection, const char* name) {
  const char* value = mg_get_header(connection, name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::string_view path_of(const mg_request_info& info) {
  return info.local_uri == nullptr ? std::string_view() : std::string_view(info.local_uri);
}

std::ptrdiff_t count_headers(const mg_request_info& info, const char* name) {
  return std::ranges::count_if(
      std::span(info.http_headers).first(static_cast<std::size_t>(info.num_headers)),
      [&](const mg_header& one) { return mg_strcasecmp(one.name, name) == 0; });
}

/// Whether the body's end is known: civetweb then reads no further.
bool has_an_end(const mg_connection* connection) {
  const mg_request_info& info = *mg_get_request_info(connection);
  return count_headers(info, "Transfer-Encoding") == 0 &&
         count_headers(info, "Content-Length") == 1 &&
         content_length(header(connection, "Content-Length"));
}

/// How long the body is going to be, or the refusal. Chunked and contradictory lengths are refused:
/// civetweb reads chunk sizes without a deadline and believes the first of two lengths.
std::expected<std::size_t, HttpResponse> announced_length(mg_connection* connection,
                                                          const HttpOptions& options) {
  const mg_request_info& info = *mg_get_request_info(connection);
  if (count_headers(info, "Transfer-Encoding") != 0 || count_headers(info, "Content-Length") == 0) {
    return std::unexpected(refusal(411, "say Content-Length; chunked bodies are not read"));
  }
  const auto length = content_length(header(connection, "Content-Length"));
  if (!length || count_headers(info, "Content-Length") > 1) {
    return std::unexpected(refusal(400, "Content-Length is not one number"));
  }
  if (*length > options.body_limit) {
    return std::unexpected(
        refusal(413, fmt::format("the body may have {} bytes", options.body_limit)));
  }
  return *length;
}

/// Reads the whole body, or the refusal when it doesn't come in time. Byte by byte: civetweb's
/// mg_read waits until it has all it was asked for, with a time limit only for each byte, so that a
/// larger piece could be dripped into for hours. Most bodies are in civetweb's buffer already.
std::expected<std::string, HttpResponse> read_body(mg_connection* connection, std::size_t length,
                                                   const HttpOptions& options) {
  const auto deadline = SteadyClock::now() + options.body_deadline;
  if (header(connection, "Expect") == "100-continue") {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    mg_write(connection, kContinue.data(), kContinue.size());
  }
  std::string body;
  body.reserve(length);
  while (body.size() < length) {
    char byte = 0;
    const bool in_time = SteadyClock::now() < deadline;
    if (!in_time || mg_read(connection, &byte, 1) != 1) {
      return std::unexpected(refusal(408, "the body did not arrive in time"));
    }
    body.push_back(byte);
  }
  return body;
}

/// Reads on for a moment what nobody wants any more. A connection that is closed while bytes arrive
/// is reset, and a client that was still sending never gets to see why it was refused.
void discard_body(mg_connection* connection, std::chrono::milliseconds longest) {
  const auto deadline = SteadyClock::now() + longest;
  char byte = 0;
  while (SteadyClock::now() < deadline && mg_read(connection, &byte, 1) == 1) {
  }
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Answer";
  }
}

/// Hands all of it to the kernel, or gives up at the deadline. In pieces: civetweb limits only how
/// long one piece waits for room, and a client that reads a little at a time makes some each time.
bool send_until(SteadyClock::time_point deadline, mg_connection* connection,
                std::string_view text) {
  constexpr std::size_t kPiece = 8192;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, kPiece);
    if (SteadyClock::now() >= deadline) return false;
    const int sent = mg_write(connection, piece.data(), piece.size());
    if (sent != static_cast<int>(piece.size())) return false;
    text.remove_prefix(piece.size());
  }
  return true;
}

/// False: the client did not take it all in time.
bool send(mg_connection* connection, const HttpResponse& response, bool with_body,
          std::chrono::milliseconds longest) {
  const auto deadline = SteadyClock::now() + longest;
  const std::string_view body = response.body ? std::string_view(*response.body) : "";
  std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
      response.status, reason_phrase(response.status), response.content_type, body.size());
  for (const auto& [name, value] : response.headers) {
    head += fmt::format("{}: {}\r\n", name, value);
  }
  head += "\r\n";
  return send_until(deadline, connection, head) &&
         send_until(deadline, connection, with_body ? body : "");
}

/// The route, or the 404 or 405.
std::expected<const HttpRoute*, HttpResponse> route_of(const mg_request_info& info,
                                                       const std::vector<HttpRoute>& routes) {
  const std::string_view path = path_of(info);
  const std::string_view method = info.request_method;
  std::string allowed;
  for (const auto& route : routes) {
    if (route.path != path) continue;
    const bool get = route.method == HttpMethod::get;
    if (get ? method == "GET" || method == "HEAD" : method == "POST") return &route;
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", get ? "GET, HEAD" : "POST");
  }
  if (allowed.empty()) return std::unexpected(refusal(404, "no such page"));
  HttpResponse response = refusal(405, fmt::format("only {}", allowed));
  response.headers.emplace_back("Allow", allowed);
  return std::unexpected(std::move(response));
}

Answered call(const HttpRoute& route, const HttpRequest& request, const HttpOptions& options) {
  const auto failed = [&](std::string_view what) {
    if (options.handler_failed) options.handler_failed(route.path, what);
    return std::unexpected(refusal(500, "a bug in upkeep: see its log"));
  };
  try {
    return route.handler(request);
  } catch (const std::exception& error) {
    return failed(error.what());
  } catch (...) {
    return failed("unknown exception");
  }
}

Answered answer(mg_connection* connection, const HttpOptions& options,
                const std::vector<HttpRoute>& routes, bool& body_left) {
  const mg_request_info& info = *mg_get_request_info(connection);
  body_left = info.content_length > 0 || count_headers(info, "Transfer-Encoding") != 0;
  if (options.token && !is_authorized(header(connection, "Authorization"), options.token())) {
    HttpResponse response = refusal(401, "this listener wants the token");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return std::unexpected(std::move(response));
  }
  const auto route = route_of(info, routes);
  if (!route) return std::unexpected(route.error());

  HttpRequest request;
  request.path = (*route)->path;
  request.query = info.query_string == nullptr ? "" : info.query_string;
  request.accepts_gzip = wants_gzip(header(connection, "Accept-Encoding"));
  if ((*route)->method == HttpMethod::post) {
    const auto length = announced_length(connection, options);
    if (!length) return std::unexpected(length.error());
    auto body = read_body(connection, *length, options);
    if (!body) return std::unexpected(body.error());
    request.body = std::move(*body);
    body_left = false;
  }
  return call(**route, request, options);
}

}  // namespace

int exchange(mg_connection* connection, const HttpOptions& options,
             const std::vector<HttpRoute>& routes) {
  bool body_left = false;
  const mg_request_info& info = *mg_get_request_info(connection);
  const Answered answered = answer(connection, options, routes, body_left);
  const HttpResponse response =
      answered ? *answered : in_its_language(answered.error(), path_of(info));
  if (options.answered) options.answered(path_of(info), response.status);
  const bool with_body = std::string_view(info.request_method) != "HEAD";
  if (!send(connection, response, with_body, options.answer_deadline)) return -1;
  if (!body_left) return response.status;
  constexpr int kTooSlow = 408;  // It had its time.
  if (response.status != kTooSlow && has_an_end(connection))
    discard_body(connection, options.idle_timeout);
  return -1;
}

}  // namespace upkeep
