#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/ids.h"
#include "exporter/model/result.h"

namespace upkeep {

/// Where a disk's XML says its bytes are.
struct DiskSource {
  enum class Kind {
    none,     ///< No source: libvirt dropped it, or an empty drive.
    path,     ///< A file, directory, block device or NVMe-less path of this host.
    network,  ///< rbd, iscsi, nbd, http, …: `text` is "rbd:pool/image".
    volume,   ///< Of a libvirt storage pool: `text` is "pool/volume".
    other,    ///< nvme, vhostuser, vhostvdpa and what newer libvirts add.
  };
  Kind kind = Kind::none;
  std::string text;    ///< As a person would write it; the path for `path`.
  std::string pool;    ///< Of a volume.
  std::string volume;  ///< Of a volume.

  friend bool operator==(const DiskSource&, const DiskSource&) = default;
};

/// A hard disk in a domain's XML; CD-ROMs and floppies are left out.
struct DefinedDisk {
  DiskTarget target;
  DiskSource source;
  bool optional_at_start = false;  ///< startupPolicy='optional'.

  friend bool operator==(const DefinedDisk&, const DefinedDisk&) = default;
};

/// A network interface's other end: a libvirt network, or a bridge or device of the host.
struct DefinedNetwork {
  std::string name;
  bool is_bridge = false;

  friend bool operator==(const DefinedNetwork&, const DefinedNetwork&) = default;
};

/// What upkeep needs of a domain's XML.
struct DomainDefinition {
  std::vector<DefinedDisk> disks;        ///< In the XML's order.
  std::vector<DefinedNetwork> networks;  ///< Each once.
  std::string other_manager;             ///< "nova", "ovirt", …; empty: none recognised.

  friend bool operator==(const DomainDefinition&, const DomainDefinition&) = default;
};

/// Reads the XML that virDomainGetXMLDesc gave, live or inactive. Pure.
[[nodiscard]] Result<DomainDefinition> parse_domain(std::string_view xml);

}  // namespace upkeep
