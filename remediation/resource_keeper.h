#pragma once

#include <optional>

#include "remediation/history.h"
#include "remediation/journal_keeper.h"
#include "remediation/step.h"

namespace upkeep {

/// Keeps what this boot has shown about each DRBD resource. Owned by the loop's thread.
class ResourceKeeper {
 public:
  ResourceKeeper(History& history, JournalKeeper& journal) : history_(history), journal_(journal) {}

  void take(const DrbdEvent& event);
  /// Looks at a reading of DRBD that it has not seen before, if there is a fresh one.
  void take_reading(const Step& step);
  /// A boot began, or this daemon did: takes what the journal knows of this boot.
  void begin_boot(const std::map<ResourceName, ResourceHistory>& known);

 private:
  void forget_being_alone();
  void put(const ResourceName& name, const ResourceHistory& after);

  History& history_;
  JournalKeeper& journal_;
  std::optional<Tick> last_reading_;
};

}  // namespace upkeep
