#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/health.h"
#include "exporter/sources/health/check.h"

namespace upkeep {

/// How often and how many.
struct CheckPace {
  Duration unverified = std::chrono::seconds(2);  ///< Between checks, before the first good answer.
  Duration verified = std::chrono::seconds(10);   ///< And after it.
  /// libvirtd takes five calls of a connection at once; beyond that it stops hearing keepalives.
  std::size_t agents = 4;
  /// Of these, so many may be spent on guests that were slow to answer the last time.
  std::size_t slow_agents = 3;
  std::size_t connections = 32;                 ///< TCP checks at once.
  Duration slow = std::chrono::seconds(1);      ///< A check that takes longer is slow.
  Duration overdue = std::chrono::seconds(10);  ///< One that takes longer is told of.
};

/// Knows which guest is to be asked when, and what each said. No threads, no clock.
class CheckRounds {
 public:
  explicit CheckRounds(const CheckPace& pace) : pace_(pace) {}

  /// The active VMs that have a check. What is known of another run, or by another check, is
  /// forgotten.
  void see(const std::vector<ActiveVm>& vms);
  /// Who is to be asked now; counts as being asked from here on.
  [[nodiscard]] std::vector<CheckOrder> due(Tick now);
  /// The answer to an order that was given out at `began`. True: somebody should know.
  bool take(const CheckOrder& order, const CheckAnswer& answer, Tick began, Tick ended);
  /// Says so of checks that don't end. True: somebody should know.
  bool note_overdue(Tick now);

  [[nodiscard]] const VmHealths& healths() const { return healths_; }
  /// No VM with a check is active.
  [[nodiscard]] bool empty() const { return guests_.empty(); }

 private:
  struct Guest {
    ActiveVm vm;
    Tick next{};        ///< When to ask again.
    bool slow = false;  ///< It was, the last time.
  };
  /// A check that has not ended, perhaps of a run that has.
  struct Asked {
    HealthCheck::Kind kind = HealthCheck::Kind::none;
    Tick since{};
    bool slow = false;  ///< Counts as one of the slow.
  };

  [[nodiscard]] bool has_room(const Guest& guest) const;

  const CheckPace pace_;
  std::map<VmUuid, Guest> guests_;
  std::map<VmUuid, Asked> asked_;  ///< One a VM at most.
  VmHealths healths_;
};

}  // namespace upkeep
