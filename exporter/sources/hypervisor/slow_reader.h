#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "exporter/model/latest.h"
#include "exporter/model/result.h"
#include "exporter/sources/hypervisor/domain_reader.h"
#include "exporter/sources/hypervisor/inbox.h"
#include "exporter/sources/hypervisor/libvirt_source.h"
#include "exporter/sources/hypervisor/outlet.h"
#include "exporter/sources/hypervisor/slow_facts.h"

namespace upkeep {

/// Makes the calls that may wait for a QEMU or a storage pool, one at a time on a connection of
/// its own: volumes' paths, jobs, disk errors, statistics. When one of them hangs, so does this
/// reader's thread and nothing else. `run` belongs to one thread; the rest is thread-safe.
class SlowReader {
 public:
  SlowReader(const LibvirtSourceOptions& options, std::shared_ptr<Outlet> outlet);

  /// Until asked to stop.
  void run(const std::stop_token& stop);

  /// Pool volumes to find out about, by "pool/volume". Asks for a reading when one is new.
  void want_volumes(std::map<std::string, DiskSource> volumes);
  /// Asks for a reading soon.
  void poke() { inbox_.poke(); }
  /// Called, from the reader's thread, when `facts` has changed.
  void on_news(std::function<void()> tell);

  /// Never null. Without jobs and disk errors once they are too old to be believed.
  [[nodiscard]] std::shared_ptr<const SlowFacts> facts(Tick now) const;

 private:
  /// What was read, and when.
  struct Reading {
    SlowFacts facts;
    Tick at{};
  };

  [[nodiscard]] Result<void> read(const ConnectionHandle& connection);
  [[nodiscard]] SlowFacts read_facts(const ConnectionHandle& connection,
                                     const std::vector<DomainState>& states);
  [[nodiscard]] Result<void> read_stats(const ConnectionHandle& connection);
  void share(SlowFacts facts);
  void give_up(const Error& error, Tick began);

  const std::string uri_;
  const bool stats_;
  const Duration interval_;
  const std::shared_ptr<Outlet> outlet_;
  Inbox inbox_;
  Latest<Reading> latest_;
  mutable std::mutex mutex_;
  std::map<std::string, DiskSource> wanted_;
  std::function<void()> tell_;
};

}  // namespace upkeep
