#include "platform/libvirt_error.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <array>

namespace upkeep {
namespace {

struct Wording {
  std::string_view part;
  Errc code;
};

// What libvirt reports only in words, mostly under VIR_ERR_INTERNAL_ERROR.
constexpr std::array<Wording, 14> kWordings{{
    {"already running", Errc::conflict},
    {"already active", Errc::conflict},
    {"client socket is closed", Errc::unavailable},
    {"connection closed", Errc::unavailable},
    {"keepalive timeout", Errc::unavailable},
    {"End of file while reading data", Errc::unavailable},
    {"Cannot recv data", Errc::unavailable},
    {"Cannot write data", Errc::unavailable},
    {"Failed to get \"write\" lock", Errc::storage},
    {"Failed to get shared \"write\" lock", Errc::storage},
    {"Cannot access storage file", Errc::storage},
    {"Cannot access backing file", Errc::storage},
    {"Cannot allocate memory", Errc::exhausted},
    {"cannot set up guest memory", Errc::exhausted},
}};

Errc errc_of_system_error(int domain) {
  switch (domain) {
    case VIR_FROM_STORAGE: return Errc::storage;
    case VIR_FROM_RPC:
    case VIR_FROM_REMOTE: return Errc::unavailable;
    default: return Errc::failed;
  }
}

void discard(void* /*user_data*/, virErrorPtr /*error*/) {}

}  // namespace

Errc to_errc(const LibvirtFailure& failure) {
  const auto* wording = std::ranges::find_if(kWordings, [&](const Wording& candidate) {
    return failure.message.find(candidate.part) != std::string::npos;
  });
  if (wording != kWordings.end()) return wording->code;

  switch (failure.code) {
    case VIR_ERR_NO_CONNECT:
    case VIR_ERR_INVALID_CONN:
    case VIR_ERR_RPC:
    case VIR_ERR_NO_SERVER: return Errc::unavailable;
    case VIR_ERR_OPERATION_TIMEOUT:
    case VIR_ERR_AGENT_UNRESPONSIVE: return Errc::timed_out;
    case VIR_ERR_NO_DOMAIN:
    case VIR_ERR_NO_NETWORK:
    case VIR_ERR_NO_STORAGE_POOL:
    case VIR_ERR_NO_STORAGE_VOL:
    case VIR_ERR_NO_DOMAIN_METADATA: return Errc::not_found;
    case VIR_ERR_OPERATION_INVALID:
    case VIR_ERR_DOM_EXIST: return Errc::conflict;
    case VIR_ERR_OPERATION_DENIED:
    case VIR_ERR_ACCESS_DENIED:
    case VIR_ERR_AUTH_FAILED:
    case VIR_ERR_AUTH_CANCELLED:
    case VIR_ERR_AUTH_UNAVAILABLE: return Errc::denied;
    case VIR_ERR_INVALID_ARG:
    case VIR_ERR_XML_ERROR:
    case VIR_ERR_XML_DETAIL:
    case VIR_ERR_CONFIG_UNSUPPORTED: return Errc::invalid;
    // The lock managers' answer to a disk that is in use elsewhere.
    case VIR_ERR_RESOURCE_BUSY: return Errc::storage;
    case VIR_ERR_NO_MEMORY: return Errc::exhausted;
    case VIR_ERR_SYSTEM_ERROR: return errc_of_system_error(failure.domain);
    default: return Errc::failed;
  }
}

LibvirtFailure last_libvirt_failure() {
  const virError* const error = virGetLastError();
  if (error == nullptr) return {0, 0, "libvirt gave no reason"};
  return {error->code, error->domain, error->message == nullptr ? "" : error->message};
}

Error last_libvirt_error(std::string_view attempt) {
  const LibvirtFailure failure = last_libvirt_failure();
  return {to_errc(failure), fmt::format("{}: {}", attempt, failure.message)};
}

void silence_libvirt() { virSetErrorFunc(nullptr, discard); }

}  // namespace upkeep
