#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace upkeep {

/// Why nothing is done about a finding. Closed; each is a metric label value, a log word and a
/// sentence of `upkeep why` (explain.cpp). Never rename.
enum class Hold {
  observing,  ///< Mode observe.
  paused,
  vm_busy,  ///< A libvirt job runs on the VM.
  host_shutting_down,
  stale_libvirt,
  stale_drbd,
  stale_peers,
  stale_node,       ///< A reading the rule needs is too old.
  inventory_empty,  ///< libvirt lists no VM although some are on record.
  starting_up,      ///< Inventory and DRBD have not settled yet.
  unconfirmed,      ///< Seen once, by poll; waits for a second look.
  no_remedy,        ///< A finding for a person: nothing is done by itself.
  risk_not_allowed,
  in_flight,      ///< An action on this target has not ended.
  command_stuck,  ///< An earlier command did not end; nothing more is sent there.
  latched,
  backing_off,
  storm,               ///< Too many VMs fail for different reasons: something larger is wrong.
  waits_for_tier,      ///< VMs of an earlier priority are not healthy yet.
  waits_for_vm,        ///< A VM of its `after` list is not healthy yet.
  no_start_slot,       ///< As many VMs are starting as the node bears.
  budget_spent,        ///< The actions of the hour are used up.
  not_allowed_to_act,  ///< act_on = "alerts": only an alert may trigger this.
  transient,           ///< No definition left to start from.
  stopped_unobserved,  ///< It went off while nobody looked: maybe on purpose.
  other_manager,
  network_missing,
  disk_missing,
  disk_unknown,
  split_brain,
  storage_not_up_to_date,  ///< The local copy isn't UpToDate and no safe one is connected.
  peer_not_connected,      ///< Silence is never "gone": the peer may be writing.
  peer_primary,            ///< A peer has one of the disks open for writing.
  storage_unknown,         ///< The disk's DRBD resource is not known to the kernel.
  runs_elsewhere,
  may_run_elsewhere,
  down_by_operator,          ///< Taken down in this boot after it was up.
  unsafe_adjust,             ///< The dry run wanted more than bringing up.
  disconnected_by_operator,  ///< StandAlone because somebody disconnected it.
  link_refused,              ///< StandAlone because the two sides refused each other.
  link_loss_unknown,         ///< StandAlone, and nothing tells why.
  after_sb_policy,           ///< A connection might discard data by an after-sb-* policy.
  unsent_writes,             ///< Primary with writes that the peer may lack.
  primary_here,              ///< Attaching under a running guest may freeze its I/O.
  disk_unreadable,           ///< The backing device could not be read.
  still_booting,             ///< It has not run for as long as a boot may take.
  storage_not_healthy_yet,   ///< Healthy again, not for long enough.
  detached_by_operator,      ///< A disk that may have been detached on purpose.
  journal_failed,            ///< What can't be remembered is not done.
  quorum_lost,               ///< Its DRBD device is without quorum: writes fail or hang.
  facts_changed,  ///< The last look before acting saw another world than the decision did.
};

[[nodiscard]] std::string_view to_string(Hold hold);
[[nodiscard]] std::optional<Hold> to_hold(std::string_view word);
/// Every Hold, in the order above.
[[nodiscard]] const std::vector<Hold>& all_holds();

/// True when the hold ends without a person and without another fault's end: by time, by the next
/// look, or with an action under way.
[[nodiscard]] bool passes_by_itself(Hold hold);
/// True for what keeps a VM from its start and lies outside of it: storage, a network, a peer. That
/// it has gone is new evidence.
[[nodiscard]] bool stands_in_the_way(Hold hold);
/// Does nothing but a look, a turn or a slot keep it, so that whoever waits for the VM goes on
/// waiting?
[[nodiscard]] bool ends_soon(Hold hold);

}  // namespace upkeep
