#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "remediation/history.h"
#include "remediation/keepers/problem_watch.h"
#include "remediation/recorder.h"
#include "remediation/recovery.h"

namespace upkeep {

/// Measures outages from the first sign to the moment the target is seen well again, part by part.
/// Owned by the loop's thread.
class OutageWatch {
 public:
  explicit OutageWatch(Recorder& recorder) : recorder_(recorder) {}

  /// What was decided in this step; opens an outage and sees its gates pass.
  void take(const Decision& decision, Tick now);
  /// An action against it was chosen. Of several, the last one counts.
  void begun(const ProblemWatch::Key& key, Tick now);
  void succeeded(const ProblemWatch::Key& key, const PhaseTimes& times, Tick at);
  /// The problem is gone, but the guest isn't healthy yet: the outage lasts on.
  void boots(const ProblemWatch::Key& key);
  /// What lasted on for a guest's sake and is to end now, and whether the guest is well. Call it
  /// when the problems are up to date.
  [[nodiscard]] std::vector<std::pair<ProblemWatch::Key, bool>> booted(const World& world);
  /// The problem is gone; `well` says that the target was seen well, not just no longer wanted.
  /// Returns its parts when it was an outage that upkeep ended.
  std::optional<OutagePhases> gone(const ProblemWatch::Key& key, bool well, Tick now);

 private:
  struct Outage {
    Tick since{};
    std::optional<Tick> confirmed;  ///< When it was first more than a suspicion.
    std::optional<Tick> chosen;
    std::optional<Tick> well;  ///< When it was first seen well.
    std::optional<PhaseTimes> times;
    Tick ended{};  ///< When the action that helped ended.
    bool boots = false;
  };

  [[nodiscard]] OutagePhases tell_phases(std::string_view kind, const Outage& outage, Tick now);

  Recorder& recorder_;
  std::map<ProblemWatch::Key, Outage> outages_;
};

}  // namespace upkeep
