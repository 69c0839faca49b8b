#pragma once

#include <chrono>
#include <string>

#include "exporter/model/clock.h"
#include "exporter/model/health.h"
#include "exporter/model/ids.h"

namespace upkeep {

/// A VM that libvirt lists as active, and what tells whether it is healthy.
struct ActiveVm {
  VmUuid uuid;
  int run = 0;           ///< libvirt's domain id: another one is another run.
  bool running = false;  ///< Not paused, not on the way down: it can be asked.
  HealthCheck check;
};

/// One guest to ask once.
struct CheckOrder {
  VmUuid uuid;
  int run = 0;
  HealthCheck check;
};

/// What came of it.
struct CheckAnswer {
  enum class Kind {
    healthy,
    unhealthy,
    not_asked,  ///< Nothing is known by it: libvirt can't be asked, a job is on.
  };
  Kind kind = Kind::not_asked;
  std::string detail;  ///< Why it isn't healthy, or wasn't asked; no figures that tick.
};

/// How long a guest has for its answer.
inline constexpr std::chrono::seconds kAnswerDeadline{2};

/// Asks guests. Thread-safe: guests are asked side by side.
class GuestProbe {
 public:
  GuestProbe() = default;
  GuestProbe(const GuestProbe&) = delete;
  GuestProbe& operator=(const GuestProbe&) = delete;
  virtual ~GuestProbe() = default;

  /// Blocks for `kAnswerDeadline` as a rule, and for as long as libvirtd or a name server hangs.
  [[nodiscard]] virtual CheckAnswer ask(const CheckOrder& order) = 0;
};

}  // namespace upkeep
