#pragma once

#include "remediation/rules/rule.h"

namespace upkeep {

/// A wanted VM is off. Remedy: StartVm.
[[nodiscard]] const Rule& vm_down_rule();
/// A wanted VM is not even listed, and nobody was seen to undefine or move it. A finding.
[[nodiscard]] const Rule& vm_missing_rule();
/// A configured DRBD resource is not up. Remedy: BringUpResource.
[[nodiscard]] const Rule& drbd_down_rule();
/// A DRBD resource gave up a peer (StandAlone). Remedy: ReconnectResource, only when nothing can
/// be lost by it and nobody wanted it so.
[[nodiscard]] const Rule& drbd_standalone_rule();
/// The two sides of a DRBD resource diverged. For a person.
[[nodiscard]] const Rule& drbd_split_brain_rule();
/// A DRBD device has lost its disk. Remedy: AttachDevice, once.
[[nodiscard]] const Rule& drbd_diskless_rule();
/// A DRBD link has been down for a minute and DRBD is trying. A finding.
[[nodiscard]] const Rule& drbd_disconnected_rule();
/// A resync is paused, or does not move. A finding.
[[nodiscard]] const Rule& resync_stalled_rule();
/// DRBD holds back the I/O of a resource. A finding.
[[nodiscard]] const Rule& suspended_io_rule();
/// A DRBD device is without its quorum. A finding.
[[nodiscard]] const Rule& quorum_lost_rule();
/// A VM is paused by an I/O error. Remedy: ResumeVm, once its storage is healthy again.
[[nodiscard]] const Rule& vm_paused_io_rule();
/// An alert says that a VM that runs doesn't do its work; nothing here shows it. Remedy: ResetVm.
[[nodiscard]] const Rule& vm_unresponsive_rule();
/// A VM is paused for another reason, which is somebody's wish. A finding.
[[nodiscard]] const Rule& vm_paused_other_rule();
/// A disk of a VM's definition is not attached. Remedy: ReattachDisk, when it was lost.
[[nodiscard]] const Rule& vm_disk_missing_rule();
/// A VM runs and its check has not found it healthy in time since its start. A finding: it is not
/// restarted in circles.
[[nodiscard]] const Rule& vm_boot_unverified_rule();
/// QEMU has not answered libvirt for over a minute. A finding: the guest may still be working.
[[nodiscard]] const Rule& vm_monitor_stuck_rule();
/// A peer booted and a resource shared with it isn't connected yet. A finding: the rules of DRBD do
/// what there is to do.
[[nodiscard]] const Rule& peer_booted_rule();

}  // namespace upkeep
