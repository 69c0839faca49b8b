#pragma once

#include <array>

#include "exporter/metrics/metric_family.h"

namespace upkeep::catalog {

inline constexpr std::array kVms{
    MetricFamily{"upkeep_vm_up", MetricType::gauge, "vm",
                 "Whether the VM runs; absent while not known.",
                 "0 also while it is paused, crashed or on its way down."},
    MetricFamily{"upkeep_vm_wanted", MetricType::gauge, "vm",
                 "Whether the VM is to run here, by mark, configuration or the ledger; absent for "
                 "ignored VMs and while not known.",
                 "The ledger wants a VM that ran until it died."},
    MetricFamily{
        "upkeep_vm_missing", MetricType::gauge, "vm",
        "Whether the VM is wanted here and libvirt does not list it; absent for VMs that "
        "are not wanted.",
        "Not for one that was seen to be undefined or to move, nor when libvirt lists no VM "
        "at all."},
    MetricFamily{"upkeep_vm_healthy", MetricType::gauge, "vm",
                 "Whether the guest passed its last health check; absent without a check, while it "
                 "does not run, and when the last answer is too old.",
                 "The check is `[[vm]] health`. An answer is too old after 30 s: libvirt can't be "
                 "asked, or a migration or backup is on."},
    MetricFamily{"upkeep_vm_boot_unverified", MetricType::gauge, "vm",
                 "Whether the VM runs and was not healthy within its boot_timeout.",
                 "Not once since it started. Absent for VMs without a check."},
    MetricFamily{"upkeep_vm_state", MetricType::gauge, "vm, state",
                 "State of the VM as libvirt reports it, 1 for the state it is in; unknown while "
                 "libvirt can't be asked.",
                 "State set: `running paused shutting_down shut_off crashed suspended unknown`."},
    MetricFamily{"upkeep_vm_info", MetricType::gauge, "vm, uuid", "Identity of the VM; always 1.",
                 "For joins."},
    MetricFamily{"upkeep_vm_intent_known", MetricType::gauge, "vm",
                 "Whether the ledger has a line about the VM.",
                 "Without one upkeep remembers nothing about it."},
    MetricFamily{"upkeep_vm_transitions_total", MetricType::counter, "vm, to, cause",
                 "Changes of a VM's state, by new state and libvirt's reason for it.", ""},
    MetricFamily{"upkeep_vm_last_start_timestamp_seconds", MetricType::gauge, "vm",
                 "When the VM was last seen to start.", "By this upkeep."},
    MetricFamily{"upkeep_vm_libvirt_autostart", MetricType::gauge, "vm",
                 "Whether libvirtd itself would start the VM at boot, unpaced and ungated.",
                 "That is with no regard to DRBD or load."},
    MetricFamily{"upkeep_vm_monitor_stuck", MetricType::gauge, "vm",
                 "Whether QEMU's monitor has not answered for more than 60 s.",
                 "The finding `vm_monitor_stuck`. Absent while the VM is off, a libvirt job is on, "
                 "or libvirt doesn't say."},
    MetricFamily{"upkeep_vm_disk_attached", MetricType::gauge, "vm, target",
                 "Whether the disk is attached to the running VM.", ""},
    MetricFamily{"upkeep_vm_disk_error", MetricType::gauge, "vm, target",
                 "Whether QEMU reports an I/O error on the disk.",
                 "Only read while the VM is paused for one."},
};

}  // namespace upkeep::catalog
