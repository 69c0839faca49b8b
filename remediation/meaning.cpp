#include "remediation/explain.h"

namespace upkeep {

std::string_view meaning(Hold hold) {
  switch (hold) {
    case Hold::observing: return "The mode is observe, so upkeep only watches.";
    case Hold::paused: return "Somebody paused upkeep there.";
    case Hold::vm_busy: return "A libvirt job is running on it, and upkeep waits for its end.";
    case Hold::host_shutting_down:
      return "This node is going down, so nothing is started any more.";
    case Hold::stale_libvirt:
      return "libvirt does not answer, and upkeep does nothing it cannot see.";
    case Hold::stale_drbd:
      return "DRBD's state is not known, and upkeep does nothing it cannot see.";
    case Hold::stale_peers:
      return "Another node that could be running it has not answered for too long.";
    case Hold::stale_node: return "The node's own state is not known, so it may be going down.";
    case Hold::inventory_empty:
      return "libvirt lists no VM at all although some are on record: its inventory looks lost, so "
             "nothing is done.";
    case Hold::starting_up: return "upkeep has just started and is still taking stock.";
    case Hold::unconfirmed:
      return "It was seen only once or just now, and upkeep takes another look first.";
    case Hold::no_remedy: return "upkeep does nothing about this by itself.";
    case Hold::risk_not_allowed:
      return "What would mend it is riskier than the configuration allows.";
    case Hold::in_flight: return "An action on it is under way.";
    case Hold::command_stuck:
      return "An earlier action has not ended, and nothing more is sent there until it does.";
    case Hold::latched:
      return "It was tried too often without lasting success, so upkeep has given up for now.";
    case Hold::backing_off: return "It was just tried, and upkeep waits before the next attempt.";
    case Hold::storm:
      return "Too many VMs went down in a few minutes for different reasons: something larger is "
             "wrong, and starting them again might make it worse.";
    case Hold::waits_for_tier: return "VMs that come before it are not healthy yet.";
    case Hold::waits_for_vm: return "A VM that it needs is not healthy yet.";
    case Hold::no_start_slot:
      return "As many VMs are starting as the node bears, and it is next in line.";
    case Hold::budget_spent: return "upkeep has done as much as it may within an hour.";
    case Hold::not_allowed_to_act: return "Only an alert may start this, and none did.";
    case Hold::transient:
      return "It is transient: libvirt has no definition left to start it from.";
    case Hold::stopped_unobserved:
      return "It went off while nobody looked, perhaps on purpose, so upkeep does not start it by "
             "itself.";
    case Hold::other_manager: return "Something else manages it, and upkeep keeps its hands off.";
    case Hold::network_missing: return "A network that it needs is not there.";
    case Hold::disk_missing: return "A disk that it needs is not there.";
    case Hold::disk_unknown:
      return "It is not known what is under one of its disks, so another node may be using it.";
    case Hold::split_brain:
      return "The two sides of its DRBD disk have diverged: a person must choose one first.";
    case Hold::storage_not_up_to_date:
      return "Its DRBD disk has no complete, usable data on this node.";
    case Hold::peer_not_connected:
      return "A peer of its DRBD disk is not connected and may be running it or hold newer data: "
             "silence is never taken for gone. Open this only when that node is certainly dead.";
    case Hold::peer_primary:
      return "A peer has its DRBD disk open for writing, so it seems to run there.";
    case Hold::storage_unknown: return "The state of the DRBD resource under it is not known.";
    case Hold::runs_elsewhere: return "It runs on another node.";
    case Hold::may_run_elsewhere: return "It may be running on another node, and nobody said no.";
    case Hold::down_by_operator:
      return "It was taken down after it was up in this boot, which only a person does.";
    case Hold::unsafe_adjust:
      return "Bringing it up would change more than that, so a person must look first.";
    case Hold::disconnected_by_operator:
      return "Somebody disconnected it, and upkeep does not undo what a person did.";
    case Hold::link_refused:
      return "The two sides refused each other, and connecting again would not change that.";
    case Hold::link_loss_unknown:
      return "It was disconnected and nothing tells why, so it may have been on purpose.";
    case Hold::after_sb_policy:
      return "Its after-sb-* policies are not known to be all \"disconnect\": a connection might "
             "discard data by itself.";
    case Hold::unsent_writes:
      return "This side is Primary and may have writes that the peer lacks, which a connection "
             "could discard.";
    case Hold::primary_here:
      return "A guest uses it here, and attaching a disk under a running guest can freeze it.";
    case Hold::disk_unreadable: return "Its backing device cannot be read.";
    case Hold::still_booting:
      return "It has not run for as long as its boot may take, so it gets the time.";
    case Hold::storage_not_healthy_yet:
      return "Its storage is healthy again, but not for long enough to rely on it.";
    case Hold::detached_by_operator:
      return "The disk may have been detached on purpose: nothing says that it was lost.";
    case Hold::journal_failed:
      return "The journal cannot be written, and what cannot be remembered is not done.";
    case Hold::quorum_lost:
      return "Its DRBD disk is without its quorum: what a guest writes there fails or hangs until "
             "enough peers are connected again.";
    case Hold::facts_changed:
      return "The last look before acting found that somebody else was there.";
  }
  return "";
}

}  // namespace upkeep
