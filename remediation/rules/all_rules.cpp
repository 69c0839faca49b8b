#include "remediation/rules/rules.h"

namespace upkeep {

const std::vector<Rule>& all_rules() {
  static const std::vector<Rule> rules{
      vm_down_rule(),           vm_missing_rule(),         drbd_down_rule(),
      drbd_standalone_rule(),   drbd_split_brain_rule(),   drbd_diskless_rule(),
      drbd_disconnected_rule(), resync_stalled_rule(),     suspended_io_rule(),
      quorum_lost_rule(),       vm_paused_io_rule(),       vm_paused_other_rule(),
      vm_disk_missing_rule(),   vm_boot_unverified_rule(), vm_monitor_stuck_rule(),
      vm_unresponsive_rule(),   peer_booted_rule()};
  return rules;
}

}  // namespace upkeep
