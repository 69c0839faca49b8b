#pragma once

#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "exporter/model/result.h"
#include "exporter/sources/hypervisor/disk_prober.h"
#include "exporter/sources/hypervisor/event_feed.h"
#include "exporter/sources/hypervisor/inbox.h"
#include "exporter/sources/hypervisor/libvirt_source.h"
#include "exporter/sources/hypervisor/outlet.h"
#include "exporter/sources/hypervisor/slow_reader.h"
#include "exporter/sources/hypervisor/vm_inventory.h"

namespace upkeep {

/// Keeps the list of VMs true: connects, listens to events, polls states, reads what changed, and
/// publishes. Makes only calls that don't wait for a QEMU. `run` belongs to one thread.
class StateReader {
 public:
  StateReader(LibvirtSourceOptions options, std::shared_ptr<Outlet> outlet,
              std::shared_ptr<SlowReader> slow);

  /// Until asked to stop.
  void run(const std::stop_token& stop);
  /// Reads states soon, and every definition unless that was done within the last second: then at
  /// its end. Thread-safe.
  void poke();

 private:
  /// Reads over one connection until it is lost; the reason, or nothing when asked to stop.
  [[nodiscard]] std::optional<Error> observe(const ConnectionHandle& connection,
                                             const std::stop_token& stop);
  void take_mail();
  /// One reading, begun at `began`, published; then whatever of it may have changed, read again.
  [[nodiscard]] Result<void> look(const ConnectionHandle& connection, Tick began,
                                  const std::stop_token& stop);
  [[nodiscard]] Result<std::vector<DomainState>> read_announced_states(
      const ConnectionHandle& connection, const std::stop_token& stop);
  /// Marks everything for being read again, if that is due at `now` or asked for.
  void resync(Tick now);
  /// Reads the cards of VMs that have none. True when there were any.
  bool read_new_cards(const std::vector<DomainState>& states);
  /// Reads cards that may have changed, until events wait. True when one says something new.
  bool read_stale_cards(const std::vector<DomainState>& states);
  void read_surroundings(const ConnectionHandle& connection,
                         const std::vector<DomainState>& states);
  void watch_disks(bool wait_for_new);
  void publish(Tick at);
  [[nodiscard]] Backing backing_of(const DiskSource& source, const SlowFacts& slow) const;
  [[nodiscard]] std::optional<bool> is_present(const DefinedNetwork& network) const;

  const LibvirtSourceOptions options_;
  const bool local_;  ///< The hypervisor's paths are this host's.
  const std::shared_ptr<Outlet> outlet_;
  const std::shared_ptr<SlowReader> slow_;
  const std::shared_ptr<Inbox> inbox_;
  const std::shared_ptr<EventDesk> desk_;
  DiskProber prober_;
  VmInventory inventory_;
  Announcements announced_;  ///< Since the states were last read.
  bool connection_lost_ = false;
  bool asked_for_all_ = false;
  std::optional<std::set<std::string>> active_networks_;
  std::optional<Tick> resynced_, surroundings_read_;
};

}  // namespace upkeep
