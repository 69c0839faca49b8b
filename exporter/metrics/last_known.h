#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "exporter/model/snapshot.h"

namespace upkeep {

/// What each source said when it last could. For readers that must show a VM as unknown rather
/// than not at all; never for decisions. Copies are cheap.
struct LastKnown {
  /// A reading that succeeded.
  struct Answer {
    Tick at{};
    WallTime wall{};
  };

  std::shared_ptr<const Vms> vms;             ///< Null until libvirt was read once.
  std::shared_ptr<const Drbd> drbd;           ///< Null until DRBD was read once.
  std::map<SourceKind, Answer> last_success;  ///< A source that never answered has none.
};

/// `known` after this snapshot. Pure.
[[nodiscard]] LastKnown remembered(LastKnown known, const Snapshot& snapshot);

/// The VMs of the snapshot, else those last known, and whether they are fresh enough to be shown
/// as true. Null when there never were any.
struct KnownVms {
  std::shared_ptr<const Vms> vms;
  bool current = false;
};
[[nodiscard]] KnownVms known_vms(const Snapshot& snapshot, const LastKnown& known,
                                 const Freshness& freshness, Tick now);

/// The same of DRBD.
struct KnownDrbd {
  std::shared_ptr<const Drbd> drbd;
  bool current = false;
};
[[nodiscard]] KnownDrbd known_drbd(const Snapshot& snapshot, const LastKnown& known,
                                   const Freshness& freshness, Tick now);

/// A source as people and metrics see it.
struct SourceStatus {
  SourceKind source = SourceKind::libvirt;
  bool up = false;             ///< The last reading succeeded and is fresh.
  std::optional<Tick> at;      ///< When the last reading was taken; absent before the first.
  std::optional<Error> error;  ///< Why there is none.
};

/// Every source in use, in the order of kSourceKinds. Peers are not one source: each has its own
/// reading.
[[nodiscard]] std::vector<SourceStatus> source_statuses(const Snapshot& snapshot,
                                                        const Freshness& freshness, Tick now);

}  // namespace upkeep
