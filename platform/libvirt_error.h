#pragma once

#include <string>
#include <string_view>

#include "exporter/model/result.h"

namespace upkeep {

/// What one of libvirt's calls failed with: virErrorNumber, virErrorDomain, message.
struct LibvirtFailure {
  int code = 0;
  int domain = 0;
  std::string message;
};

/// The kind of a libvirt failure. Pure. libvirt puts many different things under code 1, so some
/// are told apart by their message (measured on 9.0).
[[nodiscard]] Errc to_errc(const LibvirtFailure& failure);

/// The error of the calling thread's last libvirt call, as "<attempt>: <libvirt's words>". It is
/// kept per thread until the next call: ask right after the one that failed.
[[nodiscard]] Error last_libvirt_error(std::string_view attempt);

/// Same, for callers who have to look at the code itself.
[[nodiscard]] LibvirtFailure last_libvirt_failure();

/// Stops libvirt from printing its errors to stderr. Once is enough; connecting does it.
void silence_libvirt();

}  // namespace upkeep
