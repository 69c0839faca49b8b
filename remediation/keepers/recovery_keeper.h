#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "remediation/decision.h"
#include "remediation/history.h"
#include "remediation/journal.h"
#include "remediation/keepers/journal_keeper.h"
#include "remediation/recorder.h"
#include "remediation/step.h"

namespace upkeep {

/// Opens, follows and ends recoveries (DESIGN §7). Owned by the loop's thread.
class RecoveryKeeper {
 public:
  RecoveryKeeper(History& history, JournalKeeper& journal, Recorder& recorder,
                 std::optional<Recovery> last);

  /// The node has booted since the last boot on record: a recovery once libvirt is seen.
  void booted(const BootRecord& boot, const Step& step);
  /// The boot was on record already. A daemon before this one may have ended before it could open
  /// the recovery.
  void resumed(const BootRecord& boot, const Step& step);
  /// Looks for lost VMs, and takes in whatever went down meanwhile. Before the plan: what is begun
  /// in this step belongs to it.
  void look(const Step& step);
  /// A VM's outage is over, part by part.
  void outage_over(const Target& target, const OutagePhases& phases);
  /// How far everybody has come, by what was decided last; ends the recovery when nobody is on the
  /// way any more.
  void follow(const std::vector<Decision>& decisions, const Step& step);

  /// The one that is open, or the last one; null when there was none.
  [[nodiscard]] std::shared_ptr<const Recovery> latest() const { return latest_; }

 private:
  /// How far a VM has come, and the hold that keeps it, if one does.
  struct Progress {
    MemberState state = MemberState::waiting;
    std::string why;
  };
  /// Since when a VM has come no further.
  struct Stay {
    MemberState state = MemberState::waiting;
    Tick since{};
  };
  struct Boot {
    BootId id;
    WallTime at{};
  };

  void open(RecoveryCause cause, std::string detail, WallTime opened, const Step& step);
  void open_boot(const Step& step);
  void open_lost(const Step& step);
  void join(const VmUuid& uuid, const VmName& name);
  void join_wanted(const Step& step);
  void join_down(const Step& step);
  void claim_actions(Tick since);
  [[nodiscard]] bool is_old(const VmFailure& failure);
  [[nodiscard]] bool is_open() const { return latest_ != nullptr && !latest_->ended; }
  [[nodiscard]] Progress progress_of(const RecoveryMember& member,
                                     const std::vector<Decision>& decisions,
                                     const Step& step) const;
  [[nodiscard]] bool is_done(const RecoveryMember& member, const Step& step);
  void share(Recovery recovery);

  History& history_;
  JournalKeeper& journal_;
  Recorder& recorder_;
  std::shared_ptr<const Recovery> latest_;
  std::optional<Boot> boot_;  ///< Its recovery is opened when libvirt has answered.
  std::map<VmUuid, Stay> stays_;
  std::optional<Tick> last_ended_;
  /// Down when the last recovery ended under another daemon, and the failure by which this one
  /// knows it: to a new daemon every failure is new.
  std::map<VmUuid, std::optional<Tick>> left_down_;
};

}  // namespace upkeep
