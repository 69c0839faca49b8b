#pragma once

#include "exporter/model/clock.h"
#include "remediation/history.h"
#include "remediation/journal.h"

namespace upkeep {

/// The same moment on both clocks: turns what is stored into what is waited by, and back.
struct Anchor {
  Tick now{};
  WallTime wall{};
};

/// When that was. Never in the future and never more than a year ago, whatever the wall clock did
/// in between: waits can become neither negative nor endless by it.
[[nodiscard]] Tick to_tick(WallTime at, const Anchor& anchor);
[[nodiscard]] WallTime to_wall(Tick at, const Anchor& anchor);

/// The line of the journal. What is in flight isn't in it: the action's own row tells that.
[[nodiscard]] TargetRecord to_record(const Target& target, const TargetHistory& history,
                                     const Anchor& anchor);
[[nodiscard]] TargetHistory to_history(const TargetRecord& record, const Anchor& anchor);

/// True when the two lines would be stored as the same.
[[nodiscard]] bool same_record(const TargetHistory& a, const TargetHistory& b);

/// What a daemon that starts now remembers. Actions that had begun and not ended keep their target
/// busy until they are settled. Boot and resources come with the first reading of the node.
[[nodiscard]] History remembered(const JournalState& state, const Anchor& anchor);

}  // namespace upkeep
