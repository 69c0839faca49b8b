#pragma once

#include "exporter/metrics/exposition.h"
#include "exporter/model/snapshot.h"

namespace upkeep {

/// The upkeep_vm_* gauges. Not `current`: each VM's state is "unknown" and only its identity stays.
void write_vms(Exposition& out, const Vms& vms, bool current);

/// An answer of a health check that is older is none: three checks of a healthy guest were due.
inline constexpr std::chrono::seconds kHealthMaxAge{30};

/// upkeep_vm_healthy, of running VMs that have a check and answered it lately, well or badly.
void write_vm_health(Exposition& out, const Vms& vms, const VmHealths& healths, Tick now);

/// The usual libvirt figures of running VMs; what a VM did not report is absent.
void write_vm_stats(Exposition& out, const VmStatsByName& stats);

}  // namespace upkeep
