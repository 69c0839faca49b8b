#pragma once

#include <optional>

#include "remediation/decision.h"
#include "remediation/world.h"

namespace upkeep {

// DESIGN §6 gate 11: as many VMs start at once as the node bears. docs/decisions has the control
// law, and what it does over time.

/// The number of slots after a look at the node: more while they are all taken and the node is
/// calm, fewer while its pressure is above a target; never less than its cores.
[[nodiscard]] StartPace after_look(StartPace pace, const World& world);

/// The start slots of one plan.
class StartSlots {
 public:
  explicit StartSlots(const World& world);

  /// Why the VM can't be started yet; nothing for any other action. A VM that is heavier than all
  /// slots together starts when nothing else does.
  [[nodiscard]] std::optional<Held> hold_for(const Action& action) const;
  /// The action was chosen.
  void take(const Action& action);

  [[nodiscard]] int taken() const { return taken_; }
  [[nodiscard]] int all() const { return all_; }

 private:
  const World& world_;
  int all_ = 1;
  int taken_ = 0;
};

}  // namespace upkeep
