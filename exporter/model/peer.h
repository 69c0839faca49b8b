#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"
#include "exporter/model/observed.h"
#include "exporter/model/result.h"

namespace upkeep {

/// What another node says of itself (`/api/v1/node`). It can only make us do less.
struct PeerFacts {
  NodeName node;  ///< What it calls itself.
  BootId boot_id;
  WallTime boot_time{};
  std::vector<VmUuid> active_vms;  ///< Running, paused or otherwise held by a process there.
  /// Those that the upkeep there wants up or is starting; an Error while it can't say.
  Result<std::vector<VmUuid>> wanted_vms =
      std::unexpected(Error{Errc::unavailable, "it does not say which VMs it wants"});
  // For sentences only: nothing is decided by these, and an older upkeep says neither.
  std::string mode;                          ///< "observe", "dry-run", "act"; empty: not said.
  std::map<VmUuid, std::string> held_vms{};  ///< Wanted there, not started: a word for why.
};

/// A configured peer and the last thing it said. While it does not answer, `facts` keeps what it
/// said last (and its age), since what ran there may still run; `error` says why it is silent.
struct Peer {
  NodeName name;
  Observed<PeerFacts> facts = {};
  std::optional<Error> error = {};
  /// When its host last made or refused a connection, whatever upkeep said there: it is not dead.
  std::optional<Tick> heard = {};
};

/// When its host last gave a sign of life; nothing when it never did.
[[nodiscard]] inline std::optional<Tick> last_heard(const Peer& peer) {
  if (!peer.facts.reading) return peer.heard;
  return std::max(peer.heard.value_or(peer.facts.at), peer.facts.at);
}

}  // namespace upkeep
