#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"

namespace upkeep {

/// How to tell that a guest does its work, and not only that QEMU runs.
struct HealthCheck {
  enum class Kind {
    none,   ///< Running is all there is to know.
    agent,  ///< The QEMU guest agent answers.
    tcp,    ///< A TCP connection to `host`:`port` is accepted.
  };
  Kind kind = Kind::none;
  std::string host;  ///< A name or an IPv4 address.
  std::uint16_t port = 0;

  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

/// What the check said of one run of a VM, from QEMU's start to its end.
struct VmHealth {
  bool healthy = false;          ///< The last answer.
  std::string detail;            ///< Why it isn't: "10.0.0.5:5432: connection refused".
  Tick at{};                     ///< When the last check ended.
  std::optional<Tick> verified;  ///< When the last good answer in this run was asked for.

  friend bool operator==(const VmHealth&, const VmHealth&) = default;
};

/// Of the VMs that run and have a check, as far as they were checked.
using VmHealths = std::map<VmUuid, VmHealth>;

}  // namespace upkeep
