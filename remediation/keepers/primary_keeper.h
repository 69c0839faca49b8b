#pragma once

#include <optional>

#include "remediation/history.h"
#include "remediation/keepers/journal_keeper.h"
#include "remediation/step.h"

namespace upkeep {

/// Keeps when each side of each DRBD resource was last seen Primary. The journal hears of changes
/// only. Owned by the loop's thread.
class PrimaryKeeper {
 public:
  /// What the daemon before this one saw last is over: it was so until `last_heartbeat` at most,
  /// and what came then nobody saw.
  PrimaryKeeper(History& history, JournalKeeper& journal, std::optional<WallTime> last_heartbeat);

  /// Looks at a reading of DRBD that it has not seen before, if there is a fresh one.
  void take_reading(const Step& step);

 private:
  void lose_sight(std::optional<WallTime> last_seen);

  History& history_;
  JournalKeeper& journal_;
  std::optional<Tick> last_reading_;
  std::optional<WallTime> last_look_;  ///< When that was.
};

}  // namespace upkeep
