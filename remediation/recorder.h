#pragma once

#include <optional>
#include <string_view>

#include "exporter/model/result.h"
#include "remediation/alerts/alert.h"
#include "remediation/decision.h"
#include "remediation/executor.h"
#include "remediation/intent.h"
#include "remediation/recovery.h"

namespace upkeep {

/// Hears of everything the remediation did, decided or learned, a transition at a time: the
/// program makes counters and log lines of it. Called from the loop's thread; must not block.
class Recorder {
 public:
  Recorder() = default;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  virtual ~Recorder() = default;

  /// A decision differs from the one before it for the same finding; `previous` null: new.
  virtual void decided(const Decision& decision, const Decision* previous) = 0;
  virtual void finding_gone(const Finding& finding) = 0;
  virtual void action_begun(const Ticket& ticket, int attempt) = 0;
  /// Told once, when its effect was seen or missed. An action past its deadline is told twice:
  /// then, with `ended` false, and when it really ended, with what became of it after all.
  virtual void action_ended(const Completed& completed, bool latched_now) = 0;
  virtual void intent_changed(const Intent* before, const Intent& after) = 0;
  /// A wanted VM is up again (or a resource): its whole outage, and its parts.
  virtual void outage_ended(std::string_view kind, const Target& target, Duration total) = 0;
  /// One phase of an outage: detect, gate, queue, storage, start, verify.
  virtual void outage_phase(std::string_view kind, std::string_view phase, Duration took) = 0;
  virtual void recovery_opened(const Recovery& recovery) = 0;
  virtual void recovery_ended(const Recovery& recovery) = 0;
  /// The outcome of one alert that arrived at the webhook is known.
  virtual void alert(const AlertNews& news) = 0;
  virtual void journal_failed(const Error& error) = 0;
  /// Something for people only could not be written; it holds nothing up, and is tried again.
  virtual void journal_lacks(const Error& error) = 0;
};

}  // namespace upkeep
