#include "platform/libvirt_connection.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "platform/libvirt_error.h"

namespace upkeep {
namespace {

constexpr int kKeepaliveSeconds = 2;
constexpr unsigned kKeepaliveCount = 3;
// The loop looks up at least so often; it isn't needed for events, only for loops that would
// otherwise sleep through a handle added by another thread.
constexpr int kLoopTickMilliseconds = 1000;

void tick(int /*timer*/, void* /*user_data*/) {}

[[noreturn]] void run_loop() {
  while (true) {
    if (virEventRunDefaultImpl() < 0) {
      // Out of memory or descriptors: trying again at once would only burn the processor.
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

void close_connection(virConnect* connection) { virConnectClose(connection); }

/// The part before "://", which is driver[+transport].
std::string_view scheme_of(std::string_view uri) {
  const auto end = uri.find(':');
  return end == std::string_view::npos ? std::string_view{} : uri.substr(0, end);
}

}  // namespace

void run_libvirt_event_loop() {
  static std::once_flag once;
  std::call_once(once, [] {
    silence_libvirt();
    virEventRegisterDefaultImpl();
    virEventAddTimeout(kLoopTickMilliseconds, tick, nullptr, nullptr);
    // Detached: it serves connections that may outlive any object of ours, and ends with the
    // process.
    std::thread(run_loop).detach();
  });
}

bool is_test_driver(std::string_view uri) {
  const std::string_view scheme = scheme_of(uri);
  return scheme == "test" || scheme.starts_with("test+");
}

bool is_local(std::string_view uri) {
  const std::string_view scheme = scheme_of(uri);
  const auto plus = scheme.find('+');
  if (plus != std::string_view::npos && scheme.substr(plus + 1) != "unix") return false;
  const auto authority = uri.find("://");
  if (authority == std::string_view::npos) return true;
  const std::string_view rest = uri.substr(authority + 3);
  // A host without a transport means TLS to that host.
  return rest.empty() || rest.front() == '/' || rest.front() == '?';
}

Result<ConnectionHandle> open_libvirt(const std::string& uri, LibvirtAccess access) {
  run_libvirt_event_loop();
  // The test driver has one kind of connection only.
  const bool read_only = access == LibvirtAccess::read_only && !is_test_driver(uri);
  virConnect* raw = read_only ? virConnectOpenReadOnly(uri.c_str()) : virConnectOpen(uri.c_str());
  if (raw == nullptr) {
    Error error = last_libvirt_error(fmt::format("libvirtd at {}", uri));
    // Whatever stood in the way of connecting, libvirtd can't be asked; only permission is a
    // different matter, for a person.
    if (error.code != Errc::denied) error.code = Errc::unavailable;
    return std::unexpected(std::move(error));
  }
  ConnectionHandle connection(raw, close_connection);
  if (virConnectSetKeepAlive(raw, kKeepaliveSeconds, kKeepaliveCount) < 0) {
    const LibvirtFailure failure = last_libvirt_failure();
    if (failure.code != VIR_ERR_NO_SUPPORT) {
      return fail(Errc::unavailable, fmt::format("libvirtd at {}: {}", uri, failure.message));
    }
    virResetLastError();  // In-process drivers have no peer to keep alive.
  }
  return connection;
}

LibvirtLink::LibvirtLink(std::string uri, LibvirtAccess access)
    : uri_(std::move(uri)), access_(access) {}

Result<ConnectionHandle> LibvirtLink::connection() {
  const std::scoped_lock lock(mutex_);
  if (connection_ != nullptr && virConnectIsAlive(connection_.get()) == 1) return connection_;
  connection_.reset();
  auto opened = open_libvirt(uri_, access_);
  if (opened) connection_ = *opened;
  return opened;
}

void LibvirtLink::drop(const ConnectionHandle& dead) {
  const std::scoped_lock lock(mutex_);
  if (connection_ == dead) connection_.reset();
}

}  // namespace upkeep
