#include "exporter/http/client_socket.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace upkeep {
namespace {

/// The number that is a name in /proc/self/fd.
std::optional<int> number_of(const std::string& name) {
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

/// The address at one end of a connected IPv4 socket; nothing for whatever else the number is.
template <class Ask>
std::optional<sockaddr_in> end_of(int socket, Ask ask) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  if (ask(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  if (address.sin_family != AF_INET) return std::nullopt;
  return address;
}

bool belongs_to(int socket, const mg_request_info& request) {
  const auto client = end_of(socket, ::getpeername);
  if (!client || ntohs(client->sin_port) != request.remote_port) return false;
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &client->sin_addr, text.data(), text.size());
  if (std::string_view(text.data()) != request.remote_addr) return false;
  const auto here = end_of(socket, ::getsockname);
  return here && ntohs(here->sin_port) == request.server_port;
}

}  // namespace

std::optional<int> client_socket(const mg_request_info& request) {
  std::optional<int> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    const auto number = number_of(entry->path().filename());
    if (!number || !belongs_to(*number, request)) continue;
    // One client port may be connected to several of our addresses.
    if (found) return std::nullopt;
    found = number;
  }
  return error ? std::nullopt : found;
}

std::size_t arrived_bytes(int socket) {
  int count = 0;
  if (::ioctl(socket, FIONREAD, &count) != 0 || count < 0) return 0;
  return static_cast<std::size_t>(count);
}

}  // namespace upkeep
