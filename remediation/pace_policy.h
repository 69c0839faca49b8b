#pragma once

#include <chrono>

#include "exporter/model/clock.h"

namespace upkeep {

// What the policy says to the gates that look at all VMs at once.

/// How many VMs may be starting at once. Slots are a VM's weight each; one is free again when the
/// VM is healthy, its start failed, or after `slot_timeout`.
struct StartPacing {
  int slots = 4;  ///< To begin with; never less than cores.
  int most = 64;  ///< Never more, however calm the node is.
  Duration slot_timeout = std::chrono::seconds(60);
  double cpu_target = 0.90;  ///< PSI cpu "some" avg10 above which fewer are started.
  double io_target = 0.40;   ///< The same of io "full": everybody waits for the disks.

  friend bool operator==(const StartPacing&, const StartPacing&) = default;
};

/// When the VMs' failures look like one larger fault that nobody knows.
struct StormGuard {
  double share = 0.5;  ///< Of the wanted VMs, failed within `window` from more than one cause …
  int least = 3;       ///< … and at least so many.
  Duration window = std::chrono::minutes(5);
  Duration cool_down = std::chrono::minutes(5);

  friend bool operator==(const StormGuard&, const StormGuard&) = default;
};

}  // namespace upkeep
