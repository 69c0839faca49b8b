#include "exporter/http/server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "exporter/http/exchange.h"
#include "exporter/http/listen_address.h"
#include "platform/unique_fd.h"

namespace upkeep {
namespace {

/// "-0.0.0.0/0,+127.0.0.0/8,+10.0.0.0/24": nobody but them.
std::string access_list(const std::vector<std::string>& allow_from) {
  std::string list = "-0.0.0.0/0";
  for (const auto& network : allow_from) list += ",+" + network;
  return list;
}

/// civetweb's options, name after value after name, as its C interface wants them.
std::vector<std::string> civetweb_options(const HttpOptions& options,
                                          const ListenAddress& address) {
  std::vector<std::string> list{
      "listening_ports",
      to_string(address),
      "num_threads",
      std::to_string(options.threads),
      "request_timeout_ms",
      std::to_string(options.idle_timeout.count()),
      "connection_queue",
      "64",
      "tcp_nodelay",
      "1",
      // A reverse proxy may send the whole URL; whose name is in it does not matter.
      "enable_auth_domain_check",
      "no",
      "enable_directory_listing",
      "no",
  };
  if (!options.allow_from.empty()) {
    list.emplace_back("access_control_list");
    list.push_back(access_list(options.allow_from));
  }
  return list;
}

std::string why_not(const ListenAddress& address, std::string_view complaint) {
  if (complaint.find("Address already in use") != std::string_view::npos) {
    return fmt::format(
        "can't listen on {}: another program does already; `ss -ltnp 'sport = :{}'` names it",
        to_string(address), address.port);
  }
  return fmt::format("can't listen on {}: {}", to_string(address),
                     complaint.empty() ? "civetweb gives no reason" : complaint);
}

/// Connects and hangs up, so that civetweb's accepting thread leaves its poll, which it otherwise
/// does every two seconds only.
void nudge(const ListenAddress& address) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(address.port);
  const char* host = address.host == "0.0.0.0" ? "127.0.0.1" : address.host.c_str();
  ::inet_pton(AF_INET, host, &to.sin_addr);
  (void)::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to));
}

/// mg_stop, without its two seconds.
void stop_soon(mg_context* context, const ListenAddress& address) {
  const std::jthread nudger([&address](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any over;
    std::unique_lock lock(mutex);
    // Again until it is over: one that comes before mg_stop has set its flag is lost.
    while (!stop.stop_requested()) {
      nudge(address);
      over.wait_for(lock, stop, std::chrono::milliseconds(20), [] { return false; });
    }
  });
  mg_stop(context);
}

void initialise_civetweb() {
  static std::once_flag once;
  // Without TLS: Debian's build would look for libraries that it can't work with.
  std::call_once(once, [] { (void)mg_init_library(0); });
}

}  // namespace

struct HttpServer::State {
  State(HttpOptions given, ListenAddress listen, std::vector<HttpRoute> table)
      : options(std::move(given)), address(std::move(listen)), routes(std::move(table)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (context != nullptr) stop_soon(context, {.host = address.host, .port = port()});
  }

  [[nodiscard]] std::uint16_t port() const {
    mg_server_port found{};
    const int count = mg_get_server_ports(context, 1, &found);
    return count == 1 ? static_cast<std::uint16_t>(found.port) : std::uint16_t{0};
  }

  /// civetweb calls this for every request before it does anything by itself, which it never gets
  /// to. C code called us: nothing may be thrown at it.
  static int begin_request(mg_connection* connection) noexcept {
    auto& state = *static_cast<State*>(mg_get_user_context_data(connection));
    try {
      return exchange(connection, state.options, state.routes);
    } catch (...) {
      return -1;  // Out of memory, most likely: the connection is closed.
    }
  }

  static int log_message(const mg_connection* connection, const char* message) noexcept {
    auto& state = *static_cast<State*>(mg_get_user_context_data(connection));
    const std::scoped_lock lock(state.mutex);
    if (state.complaint.empty()) state.complaint = message;
    return 1;  // Else civetweb prints it.
  }

  HttpOptions options;
  ListenAddress address;  ///< As asked for: its port may be 0.
  std::vector<HttpRoute> routes;
  std::mutex mutex;
  std::string complaint;  ///< The first thing civetweb had to say; under `mutex`.
  mg_context* context = nullptr;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpOptions options,
                                                      std::vector<HttpRoute> routes) {
  const auto address = parse_listen_address(options.listen);
  if (!address) return std::unexpected(address.error());
  if (options.token && !is_loopback(*address) && options.allow_from.empty()) {
    return fail(Errc::invalid,
                fmt::format("listen address '{}': off loopback the control listener wants "
                            "allow_from = [\"10.0.0.0/24\"], since its token travels in clear",
                            options.listen));
  }
  initialise_civetweb();
  auto state = std::make_unique<State>(std::move(options), *address, std::move(routes));
  const std::vector<std::string> settings = civetweb_options(state->options, *address);
  std::vector<const char*> pointers;
  pointers.reserve(settings.size() + 1);
  for (const auto& setting : settings) pointers.push_back(setting.c_str());
  pointers.push_back(nullptr);
  mg_callbacks callbacks{};
  callbacks.begin_request = State::begin_request;
  callbacks.log_message = State::log_message;
  state->context = mg_start(&callbacks, state.get(), pointers.data());
  if (state->context == nullptr) {
    const std::scoped_lock lock(state->mutex);
    return fail(Errc::unavailable, why_not(*address, state->complaint));
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return state_->port(); }

}  // namespace upkeep
