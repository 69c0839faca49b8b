#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "app/daemon/host.h"
#include "app/log.h"
#include "exporter/model/snapshot.h"

namespace upkeep {

/// Puts the sources' newest readings together to one Snapshot a step, and says in the log when a
/// source stops or begins to answer, or another answers in a peer's place. Owned by the loop's
/// thread.
class SnapshotBuilder {
 public:
  SnapshotBuilder(const Clock& clock, const Host& host, const Log& log);

  /// `freshness` is how old a reading may be before its source counts as down.
  [[nodiscard]] std::shared_ptr<const Snapshot> build(const Freshness& freshness);

 private:
  struct Health;

  void note(SourceKind source, const Health& health, Tick now);
  /// What answers at a peer's URL and is not taken for it.
  struct Misled {
    bool said = false;  ///< That it is so, and not yet that it's over.
    std::optional<Tick> well_since;
    std::map<std::string, Tick>
        seen;  ///< When each of the reasons, which the log has, was last so.
  };
  void note(const Peer& peer, Tick now);

  const Clock& clock_;
  const Host& host_;
  const Log& log_;
  Tick started_;
  std::uint64_t generation_ = 0;
  /// What was said last of each source; absent: nothing yet.
  std::array<std::optional<bool>, kSourceKinds.size()> up_;
  std::map<NodeName, Misled> misled_;
};

/// True once every source in use has answered or failed at least once.
[[nodiscard]] bool all_read(const Snapshot& snapshot);

}  // namespace upkeep
