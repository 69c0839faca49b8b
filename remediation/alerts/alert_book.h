#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediation/alerts/alert.h"
#include "remediation/alerts/alert_verdict.h"
#include "remediation/keepers/journal_keeper.h"
#include "remediation/step.h"

namespace upkeep {

/// The alerts that arrived at the webhook: on the disk before they are answered for, decided once,
/// from what is seen here. Owned by the loop's thread.
///
/// An alert is *in force* from its first arrival until it is resolved, or its problem is seen to be
/// gone, or 15 minutes have passed without it arriving again. While it is in force its problem is
/// one that an alert asked to mend (`History::asked_by_alert`), also after it was decided: a start
/// that failed is tried again under the back-off like any other. What was seen gone, or resolved,
/// is over: the same alert arriving again changes nothing, it must fire anew.
class AlertBook {
 public:
  struct Parts {
    JournalKeeper& journal;
    Recorder& recorder;
  };

  /// `waiting` are the alerts that an earlier daemon answered for and did not decide.
  AlertBook(Parts parts, History& history, const std::vector<AlertRecord>& waiting,
            const Anchor& anchor);

  /// Takes in a POST. All of it is on the disk when this returns; on an error none of it counts.
  [[nodiscard]] Result<std::string> take(const AlertDelivery& delivery, const Step& step);
  /// After the actions of this step have begun, so that an alert whose action is lost by a crash in
  /// between is still waiting: it is then decided again from what is seen, never forgotten.
  void decide(const Decided& decided, const Step& step);

  /// True once after something arrived that should be looked at with fresh readings; a flood of
  /// alerts doesn't become a flood of readings.
  [[nodiscard]] bool wants_readings(Tick now);
  /// When the watchdog's alert last arrived.
  [[nodiscard]] std::optional<WallTime> last_watchdog() const { return last_watchdog_; }
  /// Some alert is in force, or waits for its decision.
  [[nodiscard]] bool any() const { return !in_force_.empty(); }
  [[nodiscard]] bool waits() const;

 private:
  struct InForce {
    AlertRecord alert;
    Tick arrived{};
    Tick until{};
  };
  /// What a POST changes, gathered so that it can be written in one piece.
  struct Intake {
    std::map<AlertKey, AlertRecord> records;
    std::vector<AlertNews> news;
    std::vector<AlertKey> queued;
    std::vector<AlertRecord> renewed;
    bool wants_readings = false;
    bool watchdog = false;
  };

  [[nodiscard]] Result<void> arrive(const Alert& alert, const Step& step, Intake& intake);
  [[nodiscard]] Result<std::optional<AlertRecord>> known(const AlertKey& key,
                                                         const Intake& intake) const;
  void fires_again(AlertRecord record, Intake& intake);
  void is_resolved(AlertRecord record, const Step& step, Intake& intake);
  void is_new(AlertRecord record, const Alert& alert, const AlertRule* rule, Intake& intake);
  void refuse_all(const AlertDelivery& delivery, const Step& step, Intake& intake);
  [[nodiscard]] bool may_say(AlertOutcome outcome, Tick now);
  void apply(const Intake& intake, const Step& step);
  void settle(InForce& one, const AlertVerdict& verdict, const Step& step);
  /// Decides one. True: it is not in force any more.
  [[nodiscard]] bool decide(InForce& one, const Decided& decided, const Step& step);
  void look_again();

  Parts parts_;
  History& history_;
  std::map<AlertKey, InForce> in_force_;
  std::map<AlertOutcome, Tick> said_;  ///< Of outcomes that leave no record: a line a minute.
  std::optional<WallTime> last_watchdog_;
  bool wants_readings_ = false;
  std::optional<Tick> last_wanted_;
};

/// "alert UpkeepVmDown asks for restart_vm: …".
[[nodiscard]] std::string alert_line(const AlertRecord& alert, std::string_view what);
[[nodiscard]] HistoryEntry history_line(const AlertNews& news, WallTime at);

}  // namespace upkeep
