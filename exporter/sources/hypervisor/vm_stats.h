#pragma once

#include "exporter/model/result.h"
#include "exporter/model/snapshot.h"
#include "platform/libvirt_handles.h"

namespace upkeep {

/// Reads the slow figures of all running VMs in one call: processor, memory, disks, interfaces.
/// Waits for every QEMU's monitor, for ever if one is stuck; never for a job somebody else holds.
[[nodiscard]] Result<VmStatsByName> read_vm_stats(const ConnectionHandle& connection);

/// One VM's, from libvirt's typed parameters. What isn't there stays absent.
[[nodiscard]] VmStats to_vm_stats(virTypedParameterPtr raw, int count);

}  // namespace upkeep
