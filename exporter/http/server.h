#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/http/message.h"
#include "exporter/model/clock.h"
#include "exporter/model/result.h"

namespace upkeep {

/// Why the body of a POST was not read.
enum class BodyFault {
  no_length,       ///< None said, or chunked.
  unclear_length,  ///< No number, or several.
  too_large,
  too_slow,  ///< Not whole within the deadline; or its client hung up.
};

struct HttpOptions {
  std::string listen = "127.0.0.1:0";  ///< As parse_listen_address reads it; port 0: any free one.
  /// The token of the moment: every request needs `Authorization: Bearer TOKEN`, looked at before
  /// the body. Called for each request, from any thread; not set: nobody needs a token.
  std::function<std::string()> token;
  /// Networks that may connect ("10.0.0.0/24"): who is in none of them, be it this machine, is hung
  /// up on. Empty: everybody. With a token and off loopback it must not be empty: the token travels
  /// in clear.
  std::vector<std::string> allow_from;
  int threads = 4;
  /// Without a byte from or to the client for so long, the connection is closed.
  std::chrono::milliseconds idle_timeout{5000};
  std::chrono::milliseconds body_deadline{10000};  ///< From the first to the last byte of a body.
  /// From the first to the last byte of an answer; a client that has not read it by then is
  /// dropped.
  std::chrono::milliseconds answer_deadline{10000};
  std::size_t body_limit = std::size_t{1} << 20U;
  /// Told of each answer, refusals included: the path asked for and the status. Any thread.
  std::function<void(std::string_view path, int status)> answered;
  /// Told of each body that was not read, of clients that had the token: the route's path, and the
  /// sentence that is answered. Any thread.
  std::function<void(std::string_view path, BodyFault fault, std::string_view why)> body_refused;
  /// Told of each exception out of a handler: path and what it said. Any thread.
  std::function<void(std::string_view path, std::string_view what)> handler_failed;
};

/// An HTTP listener with its own threads. Paths match exactly; what isn't routed is 404, a path
/// with another method 405. Every answer closes its connection. Listens until destroyed, which
/// waits for requests under way.
class HttpServer {
 public:
  /// Fails, saying why and what to do, when the address can't be listened on.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(HttpOptions options,
                                                                 std::vector<HttpRoute> routes);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// The real port, also when 0 was asked for.
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace upkeep
