#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/event.h"
#include "exporter/model/latest.h"
#include "exporter/model/snapshot.h"
#include "remediation/executor.h"
#include "remediation/journal.h"
#include "remediation/plan.h"
#include "remediation/recorder.h"

namespace upkeep {

/// An operator's command, carried out in the loop.
struct MarkVm {
  VmName vm;
  Mark mark;
};
struct ReleaseTarget {
  Target target;
  std::string by;
};
using Command = std::variant<MarkVm, ReleaseTarget>;

/// What came in since the last step.
struct Inputs {
  std::vector<VmEvent> vm_events;
  std::vector<DrbdEvent> drbd_events;
  std::vector<std::pair<Command, std::function<void(Result<std::string>)>>> commands;
};

/// What the remediation thinks, for metrics, HTTP and `why`. Immutable once published.
struct RemediationView {
  Mode mode = Mode::observe;
  Tick at{};
  WallTime wall{};
  std::vector<Decision> decisions;
  History history;
  std::shared_ptr<const Policy> policy;
  std::vector<BootRecord> boots;  ///< Newest last; at most 10.
  std::map<PreviousShutdown, std::uint64_t> boot_counts;
  std::vector<Ticket> in_flight;
};

/// One step of the loop: events and readings → ledger and history → plan → journal → executor.
/// Owned by the loop's thread.
class Reconciler {
 public:
  struct Parts {
    const Clock& clock;
    Journal& journal;
    Executor& executor;
    Recorder& recorder;
  };

  /// `loaded` is what the journal remembered.
  Reconciler(Parts parts, std::shared_ptr<const Policy> policy, const JournalState& loaded);

  /// A reloaded config takes effect with the next step.
  void use(std::shared_ptr<const Policy> policy);

  /// Returns when to step again even if nothing happens.
  [[nodiscard]] Tick step(const std::shared_ptr<const Snapshot>& snapshot, Inputs inputs);

  /// Shutting down: no more actions, the ledger stays as it is from now on.
  void freeze();

  [[nodiscard]] std::shared_ptr<const RemediationView> view() const;

 private:
  void settle_unfinished(const Snapshot& snapshot);
  void note_boot(const Snapshot& snapshot);
  void take_events(const Inputs& inputs, const Snapshot& snapshot);
  void take_observations(const Snapshot& snapshot);
  void take_completed();
  void carry_out(Inputs& inputs);
  void act_on(const Plan& plan);

  Parts parts_;
  std::shared_ptr<const Policy> policy_;
  History history_;
  std::vector<BootRecord> boots_;
  std::map<PreviousShutdown, std::uint64_t> boot_counts_;
  std::vector<ActionRecord> unfinished_;
  std::map<std::pair<std::string, Target>, Decision> last_decisions_;
  std::vector<Ticket> in_flight_;
  bool frozen_ = false;
  Latest<RemediationView> view_;
};

}  // namespace upkeep
