#include "exporter/http/exchange.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <expected>
#include <memory>
#include <utility>

#include "exporter/http/body.h"

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

std::string_view path_of(const mg_request_info& info) {
  return info.local_uri == nullptr ? std::string_view() : std::string_view(info.local_uri);
}

int status_of(BodyFault fault) {
  switch (fault) {
    case BodyFault::no_length: return 411;
    case BodyFault::unclear_length: return 400;
    case BodyFault::too_large: return 413;
    case BodyFault::too_slow: return 408;
  }
  return 400;
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

HttpResponse refuse_body(const UnreadBody& body, const HttpRoute& route,
                         const HttpOptions& options) {
  if (options.body_refused) options.body_refused(route.path, body.fault, body.why);
  return refusal(status_of(body.fault), body.why);
}

Answered answer(mg_connection* connection, const HttpOptions& options,
                const std::vector<HttpRoute>& routes, bool& body_left) {
  const mg_request_info& info = *mg_get_request_info(connection);
  body_left = has_body(connection);
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
    auto body = read_body(connection, options);
    if (!body) return std::unexpected(refuse_body(body.error(), **route, options));
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
  if (response.status != kTooSlow) discard_body(connection, options.idle_timeout);
  return -1;
}

}  // namespace upkeep
