#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/drbd.h"
#include "exporter/model/event.h"
#include "exporter/model/health.h"
#include "exporter/model/ids.h"
#include "exporter/model/node.h"
#include "exporter/model/observed.h"
#include "exporter/model/peer.h"
#include "exporter/model/vm.h"

namespace upkeep {

using Vms = std::vector<Vm>;  ///< By name.
using VmStatsByName = std::map<VmName, VmStats>;

/// Oldest age at which a reading may still be acted on or shown as true. DESIGN §6 gate 3.
struct Freshness {
  Duration vms = std::chrono::seconds(5);
  Duration drbd = std::chrono::seconds(10);
  Duration peers = std::chrono::seconds(15);
  Duration node = std::chrono::seconds(60);
  Duration vm_stats = std::chrono::seconds(60);
};

/// Everything the node knew at one moment. Immutable once published: metrics, HTTP and the planner
/// read the same one. Copies are cheap enough for the loop: the bulky parts are shared.
struct Snapshot {
  std::uint64_t generation = 0;
  Tick at{};
  WallTime wall{};
  Observed<std::shared_ptr<const Vms>> vms;
  Observed<std::shared_ptr<const VmStatsByName>> vm_stats;
  std::shared_ptr<const VmHealths> health;  ///< Null: no VM has a check.
  Observed<std::shared_ptr<const Drbd>> drbd;
  bool drbd_in_use = true;  ///< False: switched off, or neither module nor configuration is there.
  Observed<Node> node;
  std::vector<Peer> peers;
};

/// The VM of that name in the last good reading, or null; says nothing about its age.
[[nodiscard]] const Vm* find_vm(const Snapshot& snapshot, const VmName& name);
[[nodiscard]] const Vm* find_vm(const Snapshot& snapshot, const VmUuid& uuid);

/// The resource of that name in the last good reading, or null.
[[nodiscard]] const DrbdResource* find_resource(const Snapshot& snapshot, const ResourceName& name);

/// The resource that owns /dev/drbd<minor>, or null.
[[nodiscard]] const DrbdResource* find_resource(const Snapshot& snapshot, DeviceMinor minor);

}  // namespace upkeep
