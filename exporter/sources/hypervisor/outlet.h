#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "exporter/model/clock.h"
#include "exporter/model/event.h"
#include "exporter/model/latest.h"
#include "exporter/model/observed.h"
#include "exporter/model/snapshot.h"
#include "exporter/sources/source.h"

namespace upkeep {

/// The way out for everything libvirt's threads learn. Shared by them: a thread that is stuck in
/// libvirt when the source goes away keeps its outlet, which by then is closed, so that what it
/// learns late reaches neither the listener nor the clock. Thread-safe.
class Outlet {
 public:
  Outlet(const Clock& clock, SourceListener& listener);

  /// When this returns, no call to the listener or the clock is in progress or will be made.
  void close();

  /// The source's clock; the epoch once closed.
  [[nodiscard]] Tick now() const;
  [[nodiscard]] WallTime wall() const;

  /// Stamps the event and hands it over.
  void hand_over(VmEvent event);
  void unparsed(std::string_view what);
  void read_finished(SourceKind source, Tick began, bool succeeded);

  void publish(Observed<std::shared_ptr<const Vms>> vms);
  void publish(Observed<std::shared_ptr<const VmStatsByName>> stats);
  [[nodiscard]] Observed<std::shared_ptr<const Vms>> vms() const;
  [[nodiscard]] Observed<std::shared_ptr<const VmStatsByName>> stats() const;

 private:
  void announce(SourceKind source);

  mutable std::mutex mutex_;
  const Clock* clock_;        ///< Null once closed.
  SourceListener* listener_;  ///< Null once closed.
  Latest<Observed<std::shared_ptr<const Vms>>> vms_;
  Latest<Observed<std::shared_ptr<const VmStatsByName>>> stats_;
};

}  // namespace upkeep
