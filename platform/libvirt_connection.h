#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "exporter/model/result.h"
#include "platform/libvirt_handles.h"

namespace upkeep {

enum class LibvirtAccess { read_only, read_write };

/// Connects, with a keepalive of 2 s × 3: a libvirtd that stops answering fails calls after 8 s
/// (measured). Starts the process's event loop first, which keepalive and events need.
/// Blocks for as long as libvirtd accepts and then says nothing: never call it where that matters.
[[nodiscard]] Result<ConnectionHandle> open_libvirt(const std::string& uri, LibvirtAccess access);

/// True when the URI's driver is libvirt's test driver, in this process or in a daemon.
[[nodiscard]] bool is_test_driver(std::string_view uri);

/// True when the hypervisor behind the URI is on this machine, so that its paths are ours.
[[nodiscard]] bool is_local(std::string_view uri);

/// Runs libvirt's event loop in a thread of its own, for every connection of the process and until
/// the process ends: libvirt has no way back, and stops answering keepalives when nobody runs it.
/// Must come before the first connection; further calls do nothing. Thread-safe.
void run_libvirt_event_loop();

/// A connection that is opened when first needed and again when it died. Thread-safe.
class LibvirtLink {
 public:
  LibvirtLink(std::string uri, LibvirtAccess access);

  /// The connection; blocks like `open_libvirt`, and callers wait for the one that opens.
  [[nodiscard]] Result<ConnectionHandle> connection();

  /// Drops the connection after a call failed on it, so that the next caller opens a new one.
  void drop(const ConnectionHandle& dead);

  [[nodiscard]] const std::string& uri() const { return uri_; }

 private:
  std::string uri_;
  LibvirtAccess access_;
  std::mutex mutex_;
  ConnectionHandle connection_;
};

}  // namespace upkeep
