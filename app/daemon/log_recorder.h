#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "app/log.h"
#include "exporter/metrics/instruments.h"
#include "remediation/recorder.h"

namespace upkeep {

/// Makes log lines and counters of what the remediation did, decided and learned. Owned by the
/// loop's thread.
class LogRecorder final : public Recorder {
 public:
  LogRecorder(const Clock& clock, const Log& log, Instruments& instruments);

  void decided(const Decision& decision, const Decision* previous) override;
  void finding_gone(const Finding& finding) override;
  void action_begun(const Ticket& ticket, int attempt) override;
  void action_ended(const Completed& completed, bool latched_now) override;
  void intent_changed(const Intent* before, const Intent& after) override;
  void outage_ended(std::string_view kind, const Target& target, Duration total) override;
  void outage_phase(std::string_view kind, std::string_view phase, Duration took) override;
  void recovery_opened(const Recovery& recovery) override;
  void recovery_ended(const Recovery& recovery) override;
  void alert(const AlertNews& news) override;
  void journal_failed(const Error& error) override;
  void journal_lacks(const Error& error) override;

 private:
  void tell_journal(std::string_view text, const Error& error);

  const Clock& clock_;
  const Log& log_;
  Instruments& instruments_;
  std::set<std::int64_t> late_;  ///< Actions past their deadline that have not ended.
  std::string journal_error_;    ///< Said last, and when.
  std::optional<Tick> journal_error_at_;
};

}  // namespace upkeep
