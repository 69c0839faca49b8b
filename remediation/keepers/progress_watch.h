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

}  // namespace upkeep
