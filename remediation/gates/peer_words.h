#pragma once

#include <optional>
#include <string>

#include "remediation/decision.h"
#include "remediation/world.h"

namespace upkeep {

/// The peer's host made or refused a connection just now: it isn't dead.
[[nodiscard]] bool is_heard(const Peer& peer, const World& world);

/// A person said in this boot that the node is dead, and this daemon has listened for it in vain
/// for as long as an answer counts. False while this node's own boot is not known.
[[nodiscard]] bool is_given_up(const NodeName& node, const World& world);

/// What a person can do about a node that says nothing: declare it dead, if upkeep would take
/// that; empty otherwise.
[[nodiscard]] std::string declare_dead(const NodeName& node, const World& world);

/// Why the VM is not started: a peer says that it is active there. Also an old answer counts, it
/// can only make us do less, until that node is declared dead.
[[nodiscard]] std::optional<Held> runs_elsewhere(const Vm& vm, const World& world);

/// Why a VM whose disks another node may write to is not started: each configured peer must say
/// now that it is not there and, if it is off here, that it does not want it either. Of two nodes
/// that want it each has told the other before it asked, so that one of them at least is held.
/// `where` begins the sentence.
[[nodiscard]] std::optional<Held> judge_peers(const Vm& vm, const std::string& where,
                                              const World& world);

/// The same for a VM on local disks that moved away from here and that a person wants back: another
/// node may have the newer copy.
[[nodiscard]] std::optional<Held> judge_return(const Vm& vm, const World& world);

}  // namespace upkeep
