#pragma once

#include <map>
#include <optional>

#include "remediation/history.h"
#include "remediation/keepers/journal_keeper.h"
#include "remediation/recorder.h"
#include "remediation/step.h"

namespace upkeep {

/// Keeps the ledger of what is wanted: events at once, what a boot left at its first look, other
/// readings once they have settled, marks. Owned by the loop's thread.
class IntentKeeper {
 public:
  IntentKeeper(History& history, JournalKeeper& journal, Recorder& recorder)
      : history_(history), journal_(journal), recorder_(recorder) {}

  /// `own_action`: the stop it tells of is part of an action of ours.
  void take(const VmEvent& event, bool own_action, const Step& step);
  /// Looks at a reading of the VMs that it has not seen before, if there is a fresh one.
  void take_reading(const Step& step);
  /// What a mark replaced.
  struct Marked {
    VmUuid uuid;
    std::optional<Mark> before;
  };
  /// Marks the VM; nothing when nobody knows a VM of that name. Durable after the next flush.
  [[nodiscard]] std::optional<Marked> mark(const VmName& name, const Mark& mark, const Step& step);
  /// The journal could not take a mark: the one before counts again.
  void take_back(const Marked& marked);

 private:
  /// How often a state was seen with no event since.
  struct Sighting {
    VmState state = VmState::unknown;
    VmReason reason = VmReason::unknown;
    Tick first{};
    bool settled = false;
  };

  [[nodiscard]] bool settled(const Vm& vm, Tick at);
  [[nodiscard]] bool shows_the_boot(const Intent& line, const Vm& vm,
                                    const IntentContext& context) const;
  /// Since when readings have shown it off; the beginning of time while none has.
  [[nodiscard]] Tick off_since(const VmUuid& uuid) const;
  [[nodiscard]] IntentContext context_of(const VmUuid& uuid, const VmName& name,
                                         const Step& step) const;
  void put(const Intent* before, Intent after);

  History& history_;
  JournalKeeper& journal_;
  Recorder& recorder_;
  std::map<VmUuid, Sighting> sightings_;
  std::map<VmUuid, Tick> last_event_;
  std::optional<Tick> last_reading_;
};

}  // namespace upkeep
