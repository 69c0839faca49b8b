#pragma once

#include <filesystem>
#include <string>

#include "exporter/model/result.h"
#include "exporter/model/vm.h"
#include "exporter/sources/hypervisor/disk_backing.h"
#include "platform/libvirt_connection.h"

namespace upkeep {

/// Reads one VM past every cache, for the last look before an action. Has a connection of its own,
/// opened when first needed and again when it died. Thread-safe.
class LibvirtReader {
 public:
  /// `root` is where /proc and /sys are, for what disks rest on.
  LibvirtReader(std::string uri, std::filesystem::path root,
                BackingFinder::StatusOf status_of_path = status_of);

  /// State, reason, definition, disks' backing, networks, read after the call began; `last_start`
  /// is left out. Blocks while libvirtd does, 8 s at most once connected, and while a disk's file
  /// system or a QEMU that hangs do (30 s): call it from where a deadline is kept.
  /// `not_found` when the VM is gone, `unavailable` when libvirtd can't be asked.
  [[nodiscard]] Result<Vm> read_vm_now(const VmUuid& uuid);

 private:
  [[nodiscard]] Result<Vm> read(const ConnectionHandle& connection, const VmUuid& uuid) const;

  LibvirtLink link_;
  std::filesystem::path root_;
  BackingFinder finder_;
};

}  // namespace upkeep
