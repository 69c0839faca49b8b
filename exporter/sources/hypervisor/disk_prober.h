#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "exporter/model/clock.h"
#include "exporter/sources/hypervisor/disk_backing.h"

namespace upkeep {

/// Keeps known what a set of paths rests on, off the caller's thread: a file system that hangs
/// blocks stat(2) for ever, and must not make every VM's state old. A path whose probe hangs, and
/// one not probed yet, is `unknown`. Thread-safe.
class DiskProber {
 public:
  /// A probe that takes longer is given up on; the next one gets a new thread.
  static constexpr Duration kPatience = std::chrono::seconds(2);
  /// What was found out is looked at again after so long: sooner than a start that was refused is
  /// thought of again (5 s), which would else be chosen once more by what was seen before.
  static constexpr Duration kMaxAge = std::chrono::seconds(3);
  /// An answer that nobody could confirm for so long is no answer any more.
  static constexpr Duration kForgetAfter = std::chrono::seconds(60);
  /// Threads that may hang at once; with so many stuck, nothing new is probed.
  static constexpr int kMaxStuck = 8;

  /// `on_news` is called from a probing thread when an answer differs from the one before.
  DiskProber(BackingFinder finder, std::function<void()> on_news);
  DiskProber(const DiskProber&) = delete;
  DiskProber& operator=(const DiskProber&) = delete;
  ~DiskProber();

  /// From now on these paths matter and no others. Starts what is due by `now`.
  void watch(const std::set<std::string>& paths, Tick now);
  /// Waits until every watched path was probed once, or gives up.
  void settle(Duration at_most);
  [[nodiscard]] Backing backing_of(const std::string& path) const;

 private:
  struct State;
  static void run(const std::shared_ptr<State>& shared, std::uint64_t generation);

  std::shared_ptr<State> state_;  ///< Shared with threads that may hang.
};

}  // namespace upkeep
