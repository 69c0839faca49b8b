#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporter/model/node.h"
#include "exporter/model/result.h"
#include "remediation/alerts/alert.h"
#include "remediation/decision.h"
#include "remediation/history.h"
#include "remediation/intent.h"
#include "remediation/recovery.h"

namespace upkeep {

/// A boot of this node as the journal knows it.
struct BootRecord {
  BootId id;
  WallTime booted{};
  PreviousShutdown previous_shutdown = PreviousShutdown::unknown;
  std::optional<Seconds> downtime;  ///< From the last heartbeat before it; absent: none on record.

  friend bool operator==(const BootRecord&, const BootRecord&) = default;
};

/// One action in the journal.
struct ActionRecord {
  std::int64_t id = 0;
  Action action;
  std::string rule;
  Trigger trigger = Trigger::poll;
  int attempt = 1;
  WallTime begun{};
  std::optional<WallTime> ended;
  std::optional<Outcome> outcome;
};

/// Tries in wall time.
struct TriesRecord {
  std::vector<WallTime> at;
  std::optional<WallTime> latched_since;
  friend bool operator==(const TriesRecord&, const TriesRecord&) = default;
};

/// A TargetHistory in wall time, as it is stored.
struct TargetRecord {
  Target target;
  std::vector<WallTime> attempts;
  int in_row = 0;
  bool stuck = false;
  std::optional<WallTime> last_end;
  std::optional<Outcome> last_outcome;
  std::optional<WallTime> latched_since;
  std::map<std::string, TriesRecord> tries = {};

  friend bool operator==(const TargetRecord&, const TargetRecord&) = default;
};

/// How an action ended.
struct EndRecord {
  std::int64_t id = 0;
  Outcome outcome;
  WallTime at{};
  TargetRecord after;  ///< Its target's line with this end in it.
};

/// A line of `upkeep history`.
struct HistoryEntry {
  WallTime at{};
  std::string kind;    ///< boot | intent | decision | begin | end | …; docs/http-api.md has all
  std::string target;  ///< "vm/web1"; empty for the node.
  std::string text;    ///< One line for people.
  std::optional<std::int64_t> action_id;
};

struct HistoryQuery {
  std::size_t limit = 100;  ///< Newest first.
  std::optional<std::string> target;
  std::optional<WallTime> since;
};

/// Everything a starting daemon needs to go on where the last one stopped.
struct JournalState {
  std::vector<BootRecord> boots;  ///< Oldest first.
  std::optional<WallTime> last_heartbeat;
  IntentLedger intents;
  std::vector<TargetRecord> targets;
  std::vector<ActionRecord> unfinished;               ///< Begun without ended.
  std::map<ResourceName, ResourceHistory> resources;  ///< Of `resources_boot` only.
  BootId resources_boot;
  PrimaryRecord last_primary;
  Standings standings;
  std::map<PreviousShutdown, std::uint64_t> boot_counts;
  std::vector<Recovery> recoveries;  ///< The last one and those of the hour before; oldest first.
  /// What counts against the budget: begun within an hour before the last begin, by id.
  std::map<std::int64_t, WallTime> recent_actions;
  std::vector<AlertRecord> waiting_alerts;  ///< Those without an outcome.
};

/// The durable memory. Used from the loop's thread only; every write is on disk when it returns. A
/// write that fails has changed nothing, and one of many lines writes all of them or none: a node
/// has many VMs, and each write waits for the disk.
class Journal {
 public:
  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  virtual ~Journal() = default;

  [[nodiscard]] virtual Result<JournalState> load() = 0;
  [[nodiscard]] virtual Result<void> record_boot(const BootRecord& boot) = 0;
  [[nodiscard]] virtual Result<void> heartbeat(WallTime at) = 0;
  [[nodiscard]] virtual Result<void> save(const std::vector<Intent>& intents) = 0;
  [[nodiscard]] virtual Result<void> save(const std::vector<TargetRecord>& targets) = 0;
  [[nodiscard]] virtual Result<void> save(
      const BootId& boot, const std::map<ResourceName, ResourceHistory>& resources) = 0;
  [[nodiscard]] virtual Result<void> save(const PrimaryKey& side, const LastPrimary& line) = 0;
  [[nodiscard]] virtual Result<void> save(const Standing& standing) = 0;
  [[nodiscard]] virtual Result<void> forget(const StandingKey& standing) = 0;
  /// Journals an action before it is done; the id goes into its ticket. `after` is its target's
  /// line with this attempt in it: written in one piece, so that no crash can lose an attempt.
  [[nodiscard]] virtual Result<std::int64_t> begin(const ActionRecord& action,
                                                   const TargetRecord& after) = 0;
  /// What is not on record, or has ended before, is passed over.
  [[nodiscard]] virtual Result<void> end(const std::vector<EndRecord>& ends) = 0;
  /// The alert's line; nothing when it never arrived.
  [[nodiscard]] virtual Result<std::optional<AlertRecord>> alert(const AlertKey& key) = 0;
  /// Alerts, and what is to be said of them.
  [[nodiscard]] virtual Result<void> save(const std::vector<AlertRecord>& alerts,
                                          const std::vector<HistoryEntry>& lines) = 0;
  /// Lines of history that aren't of the above (decision changes, marks, releases).
  [[nodiscard]] virtual Result<void> note(const std::vector<HistoryEntry>& entries) = 0;
  [[nodiscard]] virtual Result<std::vector<HistoryEntry>> history(const HistoryQuery& query) = 0;
  /// The recovery of that id is as given.
  [[nodiscard]] virtual Result<void> save(const Recovery& recovery) = 0;
  /// Absent: there is none of that id; id 0 is the last one.
  [[nodiscard]] virtual Result<std::optional<Recovery>> recovery(std::int64_t id) = 0;
  /// Forgets what is older than `before` (kept: 90 days), never intents or latches.
  /// An alert is kept as long as one that began to fire with it is taken in.
  [[nodiscard]] virtual Result<void> prune(WallTime before) = 0;
};

}  // namespace upkeep
