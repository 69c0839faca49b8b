#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"

namespace upkeep {

// What the gates that look at all VMs at once remember; part of History.

/// A wanted VM that went down, for a reason that isn't anybody's wish.
struct VmFailure {
  VmUuid uuid;
  VmName name;
  Tick at{};
  /// Failures with the same cause within ten seconds are one: "node_down", "crashed",
  /// "resource/r0".
  std::string cause;

  friend bool operator==(const VmFailure&, const VmFailure&) = default;
};

/// The storm guard's memory.
struct StormWatch {
  std::vector<VmFailure> failures;  ///< Of the guard's window, oldest first; the last of each VM.
  std::optional<Tick> until;        ///< It holds until then.
};

/// How many start slots the node bears, as far as it is known.
struct StartPace {
  double slots = 0;  ///< 0: not set yet.
  std::optional<Tick> raised, lowered;
};

/// The actions of the last hour.
struct Budget {
  struct Entry {
    Tick begun{};
    std::optional<std::int64_t> recovery;  ///< The one that it belongs to: all of it counts once.
  };
  std::map<std::int64_t, Entry> spent;  ///< By the journal's id.
};

}  // namespace upkeep
