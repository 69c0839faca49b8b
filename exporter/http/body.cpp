#include "exporter/http/body.h"

#include <civetweb.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "exporter/http/client_socket.h"

namespace upkeep {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// A smaller body has mostly come with the headers, and is in civetweb's buffer.
constexpr std::size_t kWorthLooking = 8192;

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

/// The body's length, where its end is known: civetweb then reads no further.
std::optional<std::size_t> certain_length(const mg_connection* connection) {
  if (count_headers(connection, "Transfer-Encoding") != 0) return std::nullopt;
  if (count_headers(connection, "Content-Length") != 1) return std::nullopt;
  return content_length(header(connection, "Content-Length"));
}

/// Reads a body in pieces, none of which is waited for longer than a byte. civetweb's mg_read waits
/// until it has all it was asked for, with a time limit only for each byte, so that a larger piece
/// could be dripped into for hours: it is asked for what has arrived already, and for a single byte
/// where that isn't known.
class Pieces {
 public:
  Pieces(mg_connection* connection, std::size_t length) : connection_(connection) {
    if (length >= kWorthLooking) socket_ = client_socket(*mg_get_request_info(connection));
  }

  /// How many bytes were put into `into`, which isn't empty; 0: no more come.
  [[nodiscard]] std::size_t next(std::span<char> into) {
    const std::size_t arrived = socket_ ? arrived_bytes(*socket_) : 0;
    const std::size_t piece = std::clamp<std::size_t>(arrived, 1, into.size());
    const int got = mg_read(connection_, into.data(), piece);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }

 private:
  mg_connection* connection_;
  std::optional<int> socket_;
};

}  // namespace

std::string_view header(const mg_connection* connection, const char* name) {
  const char* value = mg_get_header(connection, name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool has_body(const mg_connection* connection) {
  return mg_get_request_info(connection)->content_length > 0 ||
         count_headers(connection, "Transfer-Encoding") != 0;
}

std::expected<std::string, UnreadBody> read_body(mg_connection* connection,
                                                 const HttpOptions& options) {
  const auto length = announced_length(connection, options.body_limit);
  if (!length) return std::unexpected(length.error());
  const auto deadline = SteadyClock::now() + options.body_deadline;
  if (header(connection, "Expect") == "100-continue") {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    mg_write(connection, kContinue.data(), kContinue.size());
  }
  Pieces pieces(connection, *length);
  std::string body(*length, '\0');
  std::size_t have = 0;
  while (have < *length) {
    const bool in_time = SteadyClock::now() < deadline;
    const std::size_t got = in_time ? pieces.next(std::span(body).subspan(have)) : 0;
    if (got == 0) return refused(BodyFault::too_slow, "the body did not arrive in time");
    have += got;
  }
  return body;
}

void discard_body(mg_connection* connection, std::chrono::milliseconds longest) {
  const auto length = certain_length(connection);
  if (!length) return;
  const auto deadline = SteadyClock::now() + longest;
  Pieces pieces(connection, *length);
  std::array<char, 4096> unwanted{};
  while (SteadyClock::now() < deadline && pieces.next(unwanted) != 0) {
  }
}

}  // namespace upkeep
