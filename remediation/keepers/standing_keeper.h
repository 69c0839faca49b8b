#pragma once

#include <map>
#include <optional>
#include <string>

#include "exporter/model/event.h"
#include "remediation/history.h"
#include "remediation/keepers/journal_keeper.h"
#include "remediation/step.h"

namespace upkeep {

/// How the node is known to be alive: "DRBD resource r0 is connected to it"; empty: it is silent. A
/// connected peer without a name may be it. Its host's word counts when it is fresh, and, with
/// `since`, when it came then or later, however old it is: no clock that is set hides it.
[[nodiscard]] std::string sign_of_life(const NodeName& node, std::optional<Tick> since,
                                       const Step& step);

/// Keeps what stands until something else ends it: what persons said, which disks were lost. Owned
/// by the loop's thread.
class StandingKeeper {
 public:
  StandingKeeper(History& history, JournalKeeper& journal) : history_(history), journal_(journal) {}

  /// libvirt tells when it drops a disk that a VM should have.
  void take(const VmEvent& event, const Step& step);
  /// Ends what the readings show to be over: a dead peer that connects, an allowed start that was
  /// made or came too late, a disk that is back, a pause whose time is over.
  void take_reading(const Step& step);

  /// A person says so.
  void say(const Standing& standing, Tick now);
  void take_back(const StandingKey& key, Tick now);

  /// All that this keeps.
  struct Memory {
    Standings standings;
    std::map<StandingKey, Tick> pauses_end;
    std::map<StandingKey, Tick> said_at;
    std::optional<Tick> resumed;
  };
  [[nodiscard]] Memory memory() const {
    return {.standings = history_.standings,
            .pauses_end = pauses_end_,
            .said_at = said_at_,
            .resumed = history_.resumed};
  }
  /// What was said since can't be kept: it is as it was.
  void put_back(Memory memory);

 private:
  [[nodiscard]] bool is_over(const Standing& standing, const Step& step);
  [[nodiscard]] bool pause_is_over(const Standing& pause, const Step& step);
  /// From when on a sign of life contradicts it. What another daemon was told, all that this one
  /// has heard does.
  [[nodiscard]] Tick holds_since(const Standing& standing) const;

  History& history_;
  JournalKeeper& journal_;
  std::map<StandingKey, Tick> pauses_end_;
  std::map<StandingKey, Tick> said_at_;  ///< What this daemon was told.
};

}  // namespace upkeep
