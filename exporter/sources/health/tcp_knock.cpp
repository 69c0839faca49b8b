#include "exporter/sources/health/tcp_knock.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>

#include "platform/unique_fd.h"

namespace upkeep {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* addresses) const noexcept { freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

CheckAnswer unhealthy(std::string detail) {
  return {.kind = CheckAnswer::Kind::unhealthy, .detail = std::move(detail)};
}

CheckAnswer not_asked(std::string detail) {
  return {.kind = CheckAnswer::Kind::not_asked, .detail = std::move(detail)};
}

/// The kernel may pick the port that is asked for as the connection's own, which then meets itself.
bool meets_itself(int fd) {
  sockaddr_storage here{};
  sockaddr_storage there{};
  socklen_t here_size = sizeof here;
  socklen_t there_size = sizeof there;
  // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API is made of it
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&here), &here_size) != 0) return false;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&there), &there_size) != 0) return false;
  // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
  return here_size == there_size && std::memcmp(&here, &there, here_size) == 0;
}

/// 0 or an errno.
int connect_error(int fd, const addrinfo& address, Tick until) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS && errno != EINTR) return errno;
  pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - SystemClock().now());
    const int count = ::poll(&ready, 1, static_cast<int>(std::max<long>(0, left.count())));
    if (count > 0) break;
    if (count == 0) return ETIMEDOUT;
    if (errno != EINTR) return errno;
  }
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

/// Errors of this node alone.
bool is_ours(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
         error == EADDRNOTAVAIL || error == ENETUNREACH || error == ENETDOWN || error == EACCES ||
         error == EPERM || error == EAFNOSUPPORT;
}

CheckAnswer knock_at(const addrinfo& address, std::string_view name, Tick until) {
  const auto words = [&](int error) {
    return fmt::format("{}: {}", name,
                       error == ETIMEDOUT ? "no answer" : std::generic_category().message(error));
  };
  const UniqueFd fd(::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                             address.ai_protocol));
  if (!fd) return not_asked(words(errno));
  int error = connect_error(fd.get(), address, until);
  if (error == 0 && meets_itself(fd.get())) error = ECONNREFUSED;
  if (error == 0) return {.kind = CheckAnswer::Kind::healthy, .detail = {}};
  return is_ours(error) ? not_asked(words(error)) : unhealthy(words(error));
}

}  // namespace

CheckAnswer knock(const std::string& host, std::uint16_t port, Duration deadline) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &raw);
  if (error != 0) return not_asked(fmt::format("{}: {}", host, gai_strerror(error)));
  const Addresses addresses(raw);
  const std::string name = fmt::format("{}:{}", host, port);
  const Tick until = SystemClock().now() + deadline;
  CheckAnswer last = not_asked(fmt::format("{}: no address", host));
  for (const addrinfo* address = raw; address != nullptr; address = address->ai_next) {
    CheckAnswer answer = knock_at(*address, name, until);
    if (answer.kind == CheckAnswer::Kind::healthy) return answer;
    // An address that is this node's trouble doesn't hide what another one says.
    if (answer.kind == CheckAnswer::Kind::unhealthy || last.kind != CheckAnswer::Kind::unhealthy) {
      last = std::move(answer);
    }
  }
  return last;
}

}  // namespace upkeep
