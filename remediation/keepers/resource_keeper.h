#pragma once

#include <optional>

#include "remediation/history.h"
#include "remediation/keepers/journal_keeper.h"
#include "remediation/step.h"

namespace upkeep {

/// Keeps what this boot has shown about each DRBD resource. Owned by the loop's thread.
class ResourceKeeper {
 public:
  ResourceKeeper(History& history, JournalKeeper& journal) : history_(history), journal_(journal) {}

  void take(const DrbdEvent& event);
  /// Looks at a reading of DRBD that it has not seen before, if there is a fresh one.
  void take_reading(const Step& step);
  /// It is known now which boot this is: adds what the journal knows of it to what this daemon has
  /// seen of it.
  void begin_boot(const std::map<ResourceName, ResourceHistory>& known);

 private:
  void forget_being_alone();
  void put(const ResourceName& name, const ResourceHistory& after);

  History& history_;
  JournalKeeper& journal_;
  std::optional<Tick> last_reading_;
};

}  // namespace upkeep
