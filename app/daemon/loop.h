#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "app/daemon/drbd_story.h"
#include "app/daemon/loop_inbox.h"
#include "app/daemon/service_manager.h"
#include "app/daemon/signals.h"
#include "app/daemon/snapshot_builder.h"
#include "exporter/metrics/last_known.h"
#include "exporter/model/latest.h"
#include "remediation/reconciler.h"

namespace upkeep {

/// The loop: sleeps until something happened or a hold ends, then looks at the whole state, decides
/// and acts. `run` is called on one thread, which then owns reconciler, journal and recorder.
class Loop {
 public:
  struct Parts {
    const Clock& clock;
    LoopInbox& inbox;
    SnapshotBuilder& builder;
    Reconciler& reconciler;
    DrbdStory& drbd_story;
    Instruments& instruments;
    ServiceManager& service;
    Latest<Snapshot>& snapshots;       ///< Where each step's snapshot is published.
    Latest<LastKnown>& last_known;     ///< Same, of what each source said when it last could.
    const Signals* signals = nullptr;  ///< Null: only `stop` ends the loop.
    /// SIGHUP; returns the new policy, or null to keep the old one. Called in the loop's thread.
    std::function<std::shared_ptr<const Policy>()> reload = {};
  };

  Loop(Parts parts, std::shared_ptr<const Policy> policy);

  /// Steps until SIGTERM, SIGINT or `stop`.
  void run();
  /// One step without waiting. Returns when the next one is due.
  Tick step();
  /// Ends `run` soon. Thread-safe.
  void stop();

  /// When the loop stepped last; what /-/healthy looks at. Thread-safe.
  [[nodiscard]] Tick last_run() const { return Tick(Duration(last_run_.load())); }

 private:
  /// Sleeps until `until`, a wake-up or a signal. False: the loop is to end.
  bool wait(Tick until);
  void take_reload();

  Parts parts_;
  std::shared_ptr<const Policy> policy_;
  std::atomic<bool> stopping_ = false;
  std::atomic<Duration::rep> last_run_;
};

}  // namespace upkeep
