#pragma once

#include <string>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"
#include "exporter/model/observed.h"

namespace upkeep {

/// What another node says of itself (`/api/v1/node`). It can only make us do less.
struct PeerFacts {
  BootId boot_id;
  WallTime boot_time{};
  std::vector<VmUuid> active_vms;  ///< Running, paused or otherwise held by a process there.
};

/// A configured peer and the last thing it said.
struct Peer {
  NodeName name;
  Observed<PeerFacts> facts;
};

}  // namespace upkeep
