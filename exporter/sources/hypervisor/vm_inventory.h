#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exporter/model/snapshot.h"
#include "exporter/sources/hypervisor/inbox.h"
#include "exporter/sources/hypervisor/slow_facts.h"
#include "exporter/sources/hypervisor/vm_assembly.h"

namespace upkeep {

using Announcements = std::map<VmUuid, std::vector<VmEventKind>>;

/// Every VM as far as it is known: states from each poll, cards from when they were last read.
/// No I/O. Owned by the thread that reads states.
class VmInventory {
 public:
  /// A new connection: everything is to be read again, and the first list announces nothing.
  void begin_again();

  /// True when the states show a change that no event has announced yet.
  [[nodiscard]] bool has_unannounced(const std::vector<DomainState>& states,
                                     const Announcements& announced) const;

  /// Takes over a complete list: what isn't in it is gone.
  void update(const std::vector<DomainState>& states, const Announcements& announced,
              WallTime wall);

  /// Their cards are to be read again.
  void mark_stale(const std::set<VmUuid>& uuids);
  void mark_all_stale();

  /// Nothing was ever read of it, or it is new: its card comes before the next reading.
  [[nodiscard]] bool needs_card(const VmUuid& uuid) const;
  [[nodiscard]] bool is_stale(const VmUuid& uuid) const;
  /// True when it says something new.
  bool set_card(const VmUuid& uuid, DomainCard card);
  void set_monitor(const VmUuid& uuid, const MonitorFacts& facts);

  /// Every path and every pool volume that a disk is on.
  [[nodiscard]] std::set<std::string> paths(const SlowFacts& slow) const;
  [[nodiscard]] std::map<std::string, DiskSource> volumes() const;

  /// By name.
  [[nodiscard]] Vms vms(const SlowFacts& slow, const Surroundings& surroundings) const;

 private:
  struct Entry {
    VmFacts facts;
    bool has_card = false;
    bool stale = true;
  };

  [[nodiscard]] std::vector<const DefinedDisk*> all_disks() const;

  std::map<VmUuid, Entry> entries_;
  bool complete_ = false;  ///< A list was taken over: what comes on top of it is new.
};

}  // namespace upkeep
