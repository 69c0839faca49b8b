#pragma once

#include <map>
#include <string>

#include "exporter/model/ids.h"
#include "exporter/sources/hypervisor/domain_xml.h"

namespace upkeep {

/// What only calls can tell that may wait for a QEMU or a storage pool. Immutable once shared.
struct SlowFacts {
  std::map<VmUuid, bool> jobs;  ///< A VM that isn't here: not known.
  std::map<VmUuid, std::map<DiskTarget, std::string>> disk_errors;
  std::map<std::string, DiskSource> volumes;  ///< "pool/volume" → what it is.

  friend bool operator==(const SlowFacts&, const SlowFacts&) = default;
};

/// The source with a pool's volume replaced by what it is, when that is known.
[[nodiscard]] inline DiskSource resolved(const DiskSource& source, const SlowFacts& slow) {
  if (source.kind != DiskSource::Kind::volume) return source;
  const auto found = slow.volumes.find(source.text);
  return found == slow.volumes.end() ? source : found->second;
}

}  // namespace upkeep
