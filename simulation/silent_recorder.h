#pragma once

#include "remediation/recorder.h"

namespace upkeep::simulation {

/// Hears everything and keeps nothing; to be overridden where something is of interest.
class SilentRecorder : public Recorder {
 public:
  void decided(const Decision& /*decision*/, const Decision* /*previous*/) override {}
  void finding_gone(const Finding& /*finding*/) override {}
  void action_begun(const Ticket& /*ticket*/, int /*attempt*/) override {}
  void action_ended(const Completed& /*completed*/, bool /*latched_now*/) override {}
  void intent_changed(const Intent* /*before*/, const Intent& /*after*/) override {}
  void outage_ended(std::string_view /*kind*/, const Target& /*target*/,
                    Duration /*total*/) override {}
  void outage_phase(std::string_view /*kind*/, std::string_view /*phase*/,
                    Duration /*took*/) override {}
  void recovery_opened(const Recovery& /*recovery*/) override {}
  void recovery_ended(const Recovery& /*recovery*/) override {}
  void alert(const AlertNews& /*news*/) override {}
  void journal_failed(const Error& /*error*/) override {}
  void journal_lacks(const Error& /*error*/) override {}
};

}  // namespace upkeep::simulation
