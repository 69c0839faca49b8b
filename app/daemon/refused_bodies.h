#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "app/daemon/loop_inbox.h"
#include "app/log.h"
#include "exporter/metrics/instruments.h"
#include "remediation/alerts/body_refusal.h"
#include "remediation/journal.h"

namespace upkeep {

/// Tells of bodies that were posted to the webhook, with the token, and not taken: whoever sends
/// them believes that somebody acts on them. Each is counted; the log and the history get a line a
/// minute for each reason. Thread-safe; waits for nothing, least of all for the journal.
class RefusedBodies {
 public:
  struct Parts {
    const Clock& clock;
    const Log& log;
    Instruments& instruments;
    LoopInbox& inbox;
    Journal& journal;  ///< Written to by the loop's thread.
  };

  explicit RefusedBodies(Parts parts) : parts_(parts) {}

  void refused(const RefusedBody& body);

 private:
  struct Said {
    std::optional<Tick> at;
    std::uint64_t unsaid = 0;
  };

  /// How many were refused for this reason since its last line, this one included; nothing while
  /// the last line is too new for another.
  [[nodiscard]] std::optional<std::uint64_t> may_say(BodyRefusal reason);
  Parts parts_;
  std::mutex mutex_;
  std::array<Said, kBodyRefusals.size()> said_;
};

}  // namespace upkeep
