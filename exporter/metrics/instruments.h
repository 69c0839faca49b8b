#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/metrics/exposition.h"
#include "exporter/model/snapshot.h"

namespace upkeep {

/// Label values that are known before anything happens. Their series exist at 0 from the start,
/// so that increase() sees the first event. Values that are not in here still count.
struct InstrumentLabels {
  std::vector<std::string> actions;
  std::vector<std::string> triggers;
  std::vector<std::string> failure_reasons;
  std::vector<std::string> rules;
  std::vector<std::string> holds;         ///< Reasons of decision="hold".
  std::vector<std::string> outage_kinds;  ///< "vm", "resource".
  std::vector<std::string> outage_phases;
  std::vector<std::string> alert_outcomes;
  std::vector<std::string> body_refusals;  ///< Of bodies that were posted to the webhook.
};

/// What `upkeep_build_info` says.
struct BuildInfo {
  std::string version;
  std::string revision;
};

/// The reason label of a decision that holds nothing back.
inline constexpr std::string_view kNoReason = "none";

/// Every counter and histogram of the program. Thread-safe; recording costs less than a
/// microsecond and never fails.
class Instruments {
 public:
  Instruments(const BuildInfo& build, const InstrumentLabels& labels);
  ~Instruments();
  Instruments(const Instruments&) = delete;
  Instruments& operator=(const Instruments&) = delete;

  void source_read(SourceKind source, Duration took);
  void source_unparsed(SourceKind source);

  /// Counts the VM state changes since the last good reading, makes the series of VMs and DRBD
  /// connections seen for the first time and drops those of the ones that are gone. A reading that
  /// failed changes nothing. Counts the boots of peers that told of another one before. Call it for
  /// each snapshot, from one thread.
  void look(const Snapshot& snapshot);
  /// Counts a change of a DRBD connection; other events and the first dump count nothing.
  void drbd_event(const DrbdEvent& event);

  void action_begun(std::string_view action, std::string_view trigger, WallTime at);
  /// The action ended, whatever became of it.
  void action_took(std::string_view action, Duration took);
  /// `reason` is an Errc or a Hold word.
  void action_failed(std::string_view action, std::string_view reason);
  void action_ineffective(std::string_view action);
  /// From the event that showed the fault to the first command that was sent.
  void reaction(std::string_view action, Duration took);
  /// A decision that differs from the one before. `reason` is kNoReason unless it is a hold.
  void decided(std::string_view rule, std::string_view verdict, std::string_view reason);
  void outage_ended(std::string_view kind, Duration total);
  void outage_phase(std::string_view kind, std::string_view phase, Duration took);
  void recovery_ended(Seconds took);

  /// A request to the webhook was answered, and what became of an alert that came with one.
  void webhook_answered(int status);
  /// A body was not taken.
  void webhook_refused(std::string_view reason);
  void alert_decided(std::string_view outcome);

  void journal_failed();
  /// A request handler threw: a bug.
  void http_handler_failed();
  void config_loaded(bool successful, WallTime at);
  /// The control listener's token file was read.
  void token_read(bool successful);

  void write(Exposition& out) const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace upkeep
