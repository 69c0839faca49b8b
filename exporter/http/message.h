#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace upkeep {

/// A request as a handler sees it.
struct HttpRequest {
  std::string path;           ///< Decoded, without query; exactly the route's.
  std::string query;          ///< Raw, without the question mark.
  std::string body;           ///< Of a POST; at most the server's limit.
  bool accepts_gzip = false;  ///< The client would rather have gzip.

  /// The decoded value of the query's first `name=`; nothing when it isn't there.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// An answer. The body is shared, so that a cached one isn't copied for each client.
struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::shared_ptr<const std::string> body;  ///< Null is empty.
  std::vector<std::pair<std::string, std::string>> headers = {};
};

[[nodiscard]] HttpResponse text_response(int status, std::string text);

/// Answers one path. Called from the server's threads, several at once; about 70 KiB of stack are
/// left to it (civetweb's threads are small). What it throws becomes a 500.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

enum class HttpMethod { get, post };

/// One path and method. `get` answers HEAD as well.
struct HttpRoute {
  HttpMethod method = HttpMethod::get;
  std::string path;  ///< Exact: no prefixes, no patterns.
  HttpHandler handler;
};

/// True when an Accept-Encoding header asks for gzip no less than for the plain body.
[[nodiscard]] bool wants_gzip(std::string_view accept_encoding);

/// True when an Authorization header is "Bearer TOKEN". Takes as long for a wrong token as for the
/// right one. An empty token never matches.
[[nodiscard]] bool is_authorized(std::string_view authorization, std::string_view token);

/// The length a Content-Length header says; nothing unless it is digits only.
[[nodiscard]] std::optional<std::size_t> content_length(std::string_view header);

}  // namespace upkeep
