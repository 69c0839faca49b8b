#pragma once

#include <optional>
#include <vector>

#include "remediation/history.h"
#include "remediation/step.h"

namespace upkeep {

/// Keeps since when things have been as they are: links down, resyncs that don't move, storage
/// that is healthy again, boots of peers. Owned by the loop's thread.
class ProgressWatch {
 public:
  explicit ProgressWatch(History& history) : history_(history) {}

  /// Looks at readings it has not seen. The resources that a peer which booted since shares with
  /// this node: they are to be checked again.
  [[nodiscard]] std::vector<ResourceName> look(const Step& step);

 private:
  void look_at_resources(const Step& step);
  void look_at_storage(const Step& step);
  [[nodiscard]] std::vector<ResourceName> look_at_peers(const Step& step);

  History& history_;
  std::optional<Tick> last_drbd_;
};

/// True when the resource has a replica on that node. A peer without a name may be any node.
[[nodiscard]] bool is_shared_with(const DrbdResource& resource, const NodeName& node);
/// True for DRBD 8.4's one peer where the configuration doesn't tell its name.
[[nodiscard]] bool is_nameless(const DrbdPeer& peer);
/// True for a link that is neither up nor given up: DRBD is trying.
[[nodiscard]] bool is_trying(const DrbdPeer& peer);
/// True for a resync, paused or not; a verify is none.
[[nodiscard]] bool is_resync(DrbdReplication replication);

}  // namespace upkeep
