#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/health.h"
#include "exporter/model/result.h"
#include "exporter/sources/health/check.h"
#include "exporter/sources/health/check_rounds.h"
#include "exporter/sources/hypervisor/abandonable_thread.h"

namespace upkeep {

/// Which check each VM has; it may be called from any thread. Null: no VM has one.
using CheckOf = std::function<HealthCheck(const VmName&)>;

/// Checks whether guests do their work. Every check has a thread of its own for as long as it
/// lasts, so that a guest (or a name server) that hangs keeps nobody waiting but itself; how many
/// there are at once is bounded. Thread-safe.
class HealthSource {
 public:
  struct Parts {
    std::shared_ptr<const Clock> clock;
    /// The active VMs that have a check; called from one thread.
    std::function<Result<std::vector<ActiveVm>>(const CheckOf&)> list;
    std::shared_ptr<GuestProbe> probe;
    std::function<void()> on_news;  ///< From any thread, not after `close`; must return at once.
    CheckPace pace = {};
    Duration look = std::chrono::seconds(1);  ///< Between lists.
  };

  explicit HealthSource(Parts parts);
  HealthSource(const HealthSource&) = delete;
  HealthSource& operator=(const HealthSource&) = delete;
  ~HealthSource();

  void start();
  /// When this returns, `on_news` is not being called and will not be.
  void close();
  /// From now on these checks count.
  void use(CheckOf check_of);
  /// Looks soon which VMs run. Returns at once.
  void poke();

  /// Null: no active VM has a check.
  [[nodiscard]] std::shared_ptr<const VmHealths> latest() const;

 private:
  class Desk;

  std::shared_ptr<Desk> desk_;  ///< Shared with checks that may hang.
  AbandonableThread thread_;
};

/// The real parts: libvirt at `uri`. Nothing is connected while no VM has a check.
[[nodiscard]] HealthSource::Parts health_parts(const std::string& uri,
                                               std::shared_ptr<const Clock> clock,
                                               std::function<void()> on_news);

}  // namespace upkeep
