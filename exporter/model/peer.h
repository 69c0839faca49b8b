#pragma once

#include <optional>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"
#include "exporter/model/observed.h"
#include "exporter/model/result.h"

namespace upkeep {

/// What another node says of itself (`/api/v1/node`). It can only make us do less.
struct PeerFacts {
  BootId boot_id;
  WallTime boot_time{};
  std::vector<VmUuid> active_vms;  ///< Running, paused or otherwise held by a process there.
};

/// A configured peer and the last thing it said. While it does not answer, `facts` keeps what it
/// said last (and its age), since what ran there may still run; `error` says why it is silent.
struct Peer {
  NodeName name;
  Observed<PeerFacts> facts = {};
  std::optional<Error> error = {};
};

}  // namespace upkeep
