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
#include "remediation/alerts/alert_book.h"
#include "remediation/command.h"
#include "remediation/keepers/action_book.h"
#include "remediation/keepers/intent_keeper.h"
#include "remediation/keepers/journal_keeper.h"
#include "remediation/keepers/outage_watch.h"
#include "remediation/keepers/primary_keeper.h"
#include "remediation/keepers/problem_watch.h"
#include "remediation/keepers/progress_watch.h"
#include "remediation/keepers/recovery_keeper.h"
#include "remediation/keepers/resource_keeper.h"
#include "remediation/keepers/settling.h"
#include "remediation/keepers/standing_keeper.h"
#include "remediation/keepers/wanted_book.h"
#include "remediation/plan.h"

namespace upkeep {

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
  std::shared_ptr<const Recovery> recovery;  ///< The open one, or the last one; null: none yet.
  std::optional<WallTime> last_watchdog;     ///< When an alert with action "watchdog" last arrived.
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
    /// Has every source read again soon; returns at once. May be empty.
    std::function<void()> reread;
  };

  /// `loaded` is what the journal remembered.
  Reconciler(Parts parts, std::shared_ptr<const Policy> policy, const JournalState& loaded);

  /// A reloaded config takes effect with the next step, and at once for what has been begun and
  /// not sent.
  void use(std::shared_ptr<const Policy> policy);

  /// Returns when to step again even if nothing happens.
  [[nodiscard]] Tick step(const std::shared_ptr<const Snapshot>& snapshot, Inputs inputs);

  /// Shutting down: no more actions, the ledger stays as it is from now on. What the executor still
  /// reports is journaled by further steps.
  void freeze();

  [[nodiscard]] std::shared_ptr<const RemediationView> view() const { return view_.get(); }

 private:
  using Answer = std::function<void(Result<std::string>)>;

  void note_boot(const Step& step);
  void take_events(const Inputs& inputs, const Step& step);
  void take_readings(const Step& step);
  void look_at_targets(const Step& step);
  void look_at_pace(const Step& step);
  void recheck(const ResourceName& resource, const Step& step);
  void carry_out(Inputs& inputs, const Step& step);
  [[nodiscard]] Result<std::string> carry_out(const MarkVm& command, const Step& step);
  [[nodiscard]] Result<std::string> carry_out(const ReleaseTarget& command, const Step& step);
  [[nodiscard]] Result<std::string> carry_out(const AllowDegraded& command, const Step& step);
  [[nodiscard]] Result<std::string> carry_out(const DeclareDead& command, const Step& step);
  [[nodiscard]] Result<std::string> carry_out(const PauseTarget& command, const Step& step);
  [[nodiscard]] Result<std::string> carry_out(const MaintainNode& command, const Step& step);
  [[nodiscard]] Result<std::string> resume(const PauseTarget& command, const Step& step);
  [[nodiscard]] Result<std::string> end_maintenance(const MaintainNode& command, const Step& step);
  void note_pause(const Standing& pause, const std::string& text, const Step& step);
  [[nodiscard]] Result<std::string> carry_out(const ResolveResource& command, const Step& step);
  [[nodiscard]] Result<std::string> carry_out(const TakeAlerts& command, const Step& step);
  [[nodiscard]] Result<void> keep_word(const Standing& word, bool take_back, const Step& step);
  void tell_wishes();
  void end_problems(const Step& step);
  void decide_alerts(const std::vector<Decision>& decisions, const Step& step);
  void note_verdicts(const std::vector<Decision>& decisions, const Step& step);
  void tell_decisions(const std::vector<Decision>& decisions, const Step& step);
  void step_frozen(Inputs& inputs, const Step& step);
  void publish(std::vector<Decision> decisions, const Step& step);
  [[nodiscard]] Tick next_step(const Plan& plan, const Step& step) const;

  Parts parts_;
  std::shared_ptr<const Policy> policy_;
  History history_;
  JournalKeeper journal_;
  IntentKeeper intents_;
  ResourceKeeper resources_;
  PrimaryKeeper primaries_;
  StandingKeeper standings_;
  ProblemWatch problems_;
  OutageWatch outages_;
  ActionBook actions_;
  AlertBook alerts_;
  Settling settling_;
  ProgressWatch progress_;
  RecoveryKeeper recovery_;
  WantedBook wanted_;
  std::vector<BootRecord> boots_;
  std::map<PreviousShutdown, std::uint64_t> boot_counts_;
  std::optional<WallTime> last_heartbeat_;  ///< Of the daemon before this one.
  BootId resources_boot_;
  std::map<ResourceName, ResourceHistory> loaded_resources_;
  std::map<ProblemWatch::Key, Decision> last_decisions_;
  std::optional<Tick> last_vms_look_, last_drbd_look_;
  Wishes told_;  ///< The executor, last.
  bool frozen_ = false;
  Latest<RemediationView> view_;
};

}  // namespace upkeep
