#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "exporter/model/observed.h"
#include "exporter/model/snapshot.h"
#include "exporter/sources/hypervisor/abandonable_thread.h"
#include "exporter/sources/hypervisor/disk_backing.h"
#include "exporter/sources/source.h"

namespace upkeep {

struct LibvirtSourceOptions {
  std::string uri = "qemu:///system";
  Duration poll = std::chrono::seconds(1);     ///< States, beside events.
  Duration resync = std::chrono::seconds(60);  ///< Every definition.
  bool stats = true;                           ///< Also read the slow figures (`latest_stats`).
  Duration stats_interval = std::chrono::seconds(15);
  /// How long a change that a poll saw waits for its event, which is a few ms behind, and more only
  /// on a node that has no time for us. Then it is shown: events can be lost.
  Duration event_patience = std::chrono::milliseconds(50);
  std::filesystem::path root = "/";  ///< Where /proc and /sys are, for what disks rest on.
  BackingFinder::StatusOf status_of_path = status_of;  ///< The demo's disks don't exist.
};

class Outlet;
class StateReader;
class SlowReader;

/// libvirt's VMs: their states by events and by poll, their definitions, and their slow figures.
///
/// Two connections, a thread each. The first one makes only calls that never wait for a QEMU; the
/// second makes the others, one at a time, so that a stuck QEMU makes its figures old and nothing
/// else. A lifecycle event reaches the listener (from libvirt's event thread) before a reading
/// that shows its effect: events are handed over before the re-read they cause is asked for, and a
/// change that a poll sees first is held back `event_patience` for its event.
///
/// While libvirtd can't be asked, `latest` is an Error, never an empty list. The destructor asks
/// both threads to stop and waits for less than a second; a thread that is stuck in libvirt is
/// left behind with everything it uses, and can reach neither listener nor clock any more.
class LibvirtSource final : public Source {
 public:
  LibvirtSource(LibvirtSourceOptions options, const Clock& clock, SourceListener& listener);
  ~LibvirtSource() override;

  void start() override;
  /// Definitions are read again as well, once a second at most.
  void poke() override;

  /// By name. Thread-safe.
  [[nodiscard]] Observed<std::shared_ptr<const Vms>> latest() const;
  /// Running VMs only. Thread-safe.
  [[nodiscard]] Observed<std::shared_ptr<const VmStatsByName>> latest_stats() const;

 private:
  std::shared_ptr<Outlet> outlet_;
  std::shared_ptr<SlowReader> slow_reader_;
  std::shared_ptr<StateReader> state_reader_;
  AbandonableThread slow_thread_;
  AbandonableThread state_thread_;
};

}  // namespace upkeep
