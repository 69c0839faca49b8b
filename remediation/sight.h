#pragma once

#include <optional>
#include <vector>

#include "remediation/decision.h"
#include "remediation/world.h"

namespace upkeep {

/// The readings a rule needs; only these must be fresh for it.
struct Needs {
  bool vms = false;
  bool drbd = false;
};

/// The VMs of a reading that is fresh enough to act on, or null.
[[nodiscard]] const Vms* vms_in_sight(const World& world);
/// The node's DRBD of a reading that is fresh enough to act on, or null.
[[nodiscard]] const Drbd* drbd_in_sight(const World& world);

/// True when libvirt lists no VM at all although VMs on record are wanted here: an inventory that
/// was lost (an empty /etc/libvirt, the wrong URI), not a node without VMs.
[[nodiscard]] bool inventory_lost(const World& world);

/// The VMs that no other node may start, for a process exists here; nothing while that isn't known.
/// A list without any VM is no word that a guest is off: who ran in this boot when it was last seen
/// is counted among them.
[[nodiscard]] std::optional<std::vector<VmUuid>> active_vms(const World& world);

/// Why a rule with these needs sees nothing now; nothing when it sees.
[[nodiscard]] std::optional<Held> blindness(const Needs& needs, const World& world);

/// Why the node itself forbids any action now: unknown, or going down.
[[nodiscard]] std::optional<Held> node_hold(const World& world);

/// The oldest of the readings that a rule with these needs stands on.
[[nodiscard]] Tick seen_at(const Needs& needs, const Snapshot& snapshot);

/// What is wanted of the VM in the end. Mark and config count also for a VM without a ledger line.
[[nodiscard]] Wish wish_for(const VmUuid& uuid, const VmName& name, const World& world);

/// True for a VM that libvirt lists no more because it was seen to move away or to be undefined:
/// whatever is wanted of it, there is nothing here to start. False while libvirt is silent.
[[nodiscard]] bool is_gone(const Intent& line, const World& world);

/// True for a VM that moved to another node and that nobody has marked up here since: a mark of
/// before is no word on where it belongs now.
[[nodiscard]] bool belongs_elsewhere(const Intent& line, const Wish& wish);

/// The ledger's line of the VM of that name, or null.
[[nodiscard]] const Intent* line_by_name(const VmName& name, const History& history);

/// Does the VM do its work? It runs, and its check, if it has one, passed since its last start.
[[nodiscard]] bool is_healthy(const Vm& vm, const World& world);

/// True when libvirt tells of a stop on purpose that the ledger has not taken in yet, so that what
/// the ledger wants (by itself, not by a mark or the config) is about to end.
[[nodiscard]] bool stopped_on_purpose_since(const Vm& vm, const World& world);

}  // namespace upkeep
