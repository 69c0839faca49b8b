#include "remediation/journal/records.h"

#include <fmt/format.h>

#include <sstream>

#include "remediation/journal/row_values.h"
#include "remediation/journal/sql.h"

namespace upkeep::sql {
namespace {

VmEventKind to_event_kind(const std::string& text) {
  for (int kind = 0; kind <= static_cast<int>(VmEventKind::disk_changed); ++kind) {
    if (to_string(static_cast<VmEventKind>(kind)) == text) return static_cast<VmEventKind>(kind);
  }
  throw BadRow{fmt::format("intent.shutdown_seen is '{}'", text)};
}

std::vector<WallTime> to_attempts(const std::string& text) {
  std::vector<WallTime> attempts;
  std::istringstream words(text);
  for (std::int64_t micros = 0; words >> micros;) attempts.push_back(to_wall(micros));
  if (!words.eof()) throw BadRow{fmt::format("target.attempts is '{}'", text)};
  return attempts;
}

/// A line for each action: its name, since when it is latched (or "-"), and the tries.
std::string tries_text(const std::map<std::string, TriesRecord>& all) {
  return joined(all, "\n", [](const auto& line) {
    const auto& [action, tries] = line;
    std::string text = action + " ";
    text += tries.latched_since ? std::to_string(to_micros(*tries.latched_since)) : "-";
    for (const WallTime at : tries.at) text += " " + std::to_string(to_micros(at));
    return text;
  });
}

std::map<std::string, TriesRecord> to_tries(const std::string& text) {
  std::map<std::string, TriesRecord> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string action;
    std::string latched;
    std::string rest;
    if (!(words >> action >> latched)) throw BadRow{fmt::format("target.tries is '{}'", text)};
    std::getline(words, rest);
    TriesRecord& tries = all[action];
    tries.at = to_attempts(rest);
    if (latched == "-") continue;
    const auto since = to_attempts(latched);
    if (since.size() != 1) throw BadRow{fmt::format("target.tries is '{}'", text)};
    tries.latched_since = since.front();
  }
  return all;
}

std::optional<std::string> kind_word(const std::optional<Outcome>& outcome) {
  if (!outcome) return std::nullopt;
  return std::string(to_string(outcome->kind));
}

Intent intent_of(const SQLite::Statement& row) {
  const std::string last_stop = text_at(row, 3);
  const std::string remains = text_at(row, 12);
  Intent intent{.uuid = {text_at(row, 0)},
                .name = {text_at(row, 1)},
                .wanted = row.getColumn(2).getInt() != 0,
                .last_stop = checked(to_stop_cause(last_stop), last_stop, "intent.last_stop"),
                .last_stop_detail = text_at(row, 4),
                .remains = checked(to_remains(remains), remains, "intent.remains"),
                .changed = wall_at(row, 5),
                .boot = {text_at(row, 6)},
                .mark = std::nullopt,
                .shutdown_seen = std::nullopt};
  if (const auto seen = maybe_text_at(row, 7)) intent.shutdown_seen = to_event_kind(*seen);
  if (const auto keep = maybe_text_at(row, 8)) {
    intent.mark = Mark{.keep = checked(to_keep(*keep), *keep, "intent.mark_keep"),
                       .by = text_at(row, 9),
                       .reason = text_at(row, 10),
                       .at = wall_at(row, 11)};
  }
  return intent;
}

constexpr const char* kIntentColumns =
    "SELECT uuid, name, wanted, last_stop, last_stop_detail, changed, boot, shutdown_seen, "
    "mark_keep, mark_by, mark_reason, mark_at, remains FROM intent ";

}  // namespace

void write(SQLite::Database& database, const BootRecord& boot) {
  std::optional<std::int64_t> downtime;
  if (boot.downtime) {
    downtime = std::chrono::duration_cast<std::chrono::microseconds>(*boot.downtime).count();
  }
  const std::string_view previous = to_string(boot.previous_shutdown);
  run(database,
      "INSERT INTO boot (boot_id, booted, previous_shutdown, downtime) VALUES (?, ?, ?, ?)",
      boot.id.value, boot.booted, previous, downtime);
  run(database,
      "INSERT INTO boot_count (previous_shutdown, boots) VALUES (?, 1) "
      "ON CONFLICT (previous_shutdown) DO UPDATE SET boots = boots + 1",
      previous);
}

void write(SQLite::Database& database, const Intent& intent) {
  std::optional<std::string> seen;
  std::optional<std::string> keep;
  std::optional<std::string> by;
  std::optional<std::string> reason;
  std::optional<WallTime> marked;
  if (intent.shutdown_seen) seen = to_string(*intent.shutdown_seen);
  if (intent.mark) {
    keep = to_string(intent.mark->keep);
    by = intent.mark->by;
    reason = intent.mark->reason;
    marked = intent.mark->at;
  }
  run(database,
      "INSERT OR REPLACE INTO intent (uuid, name, wanted, last_stop, last_stop_detail, changed, "
      "boot, shutdown_seen, mark_keep, mark_by, mark_reason, mark_at, remains) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      intent.uuid.value, intent.name.value, intent.wanted, to_string(intent.last_stop),
      intent.last_stop_detail, intent.changed, intent.boot.value, seen, keep, by, reason, marked,
      to_string(intent.remains));
}

void write(SQLite::Database& database, const TargetRecord& target) {
  std::optional<std::string> reason;
  std::optional<std::string> detail;
  if (target.last_outcome) {
    reason = target.last_outcome->reason;
    detail = target.last_outcome->detail;
  }
  run(database,
      "INSERT OR REPLACE INTO target (target, attempts, in_row, stuck, last_end, outcome, "
      "outcome_reason, outcome_detail, latched_since, tries) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      to_string(target.target),
      joined(target.attempts, " ", [](WallTime at) { return std::to_string(to_micros(at)); }),
      target.in_row, target.stuck, target.last_end, kind_word(target.last_outcome), reason, detail,
      target.latched_since, tries_text(target.tries));
}

void write(SQLite::Database& database, const BootId& boot, const ResourceName& resource,
           const ResourceHistory& history) {
  std::optional<std::string> what;
  std::optional<WallTime> at;
  if (history.split_brain) {
    what = history.split_brain->what;
    at = history.split_brain->at;
  }
  // What an earlier boot showed says nothing about this one.
  run(database, "DELETE FROM resource WHERE boot <> ?", boot.value);
  run(database,
      "INSERT OR REPLACE INTO resource (name, boot, seen_up, primary_alone, ever_connected, "
      "split_brain, split_brain_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      resource.value, boot.value, history.seen_up, history.primary_alone, history.ever_connected,
      what, at);
}

void write(SQLite::Database& database, const Standing& standing) {
  run(database,
      "INSERT OR REPLACE INTO standing (kind, subject, said_by, reason, at, until, boot) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      to_string(standing.kind), standing.subject, standing.by, standing.reason, standing.at,
      standing.until, standing.boot.value);
}

Standings read_standings(SQLite::Database& database) {
  Standings standings;
  SQLite::Statement row(database,
                        "SELECT kind, subject, said_by, reason, at, until, boot FROM standing");
  while (row.executeStep()) {
    const Standing standing{
        .kind = to_value<Standing::Kind>(kStandingKinds, text_at(row, 0), "standing.kind"),
        .subject = text_at(row, 1),
        .by = text_at(row, 2),
        .reason = text_at(row, 3),
        .at = wall_at(row, 4),
        .until = maybe_wall_at(row, 5),
        .boot = BootId{text_at(row, 6)}};
    standings[key_of(standing)] = standing;
  }
  return standings;
}

std::vector<BootRecord> read_boots(SQLite::Database& database) {
  std::vector<BootRecord> boots;
  SQLite::Statement row(
      database, "SELECT boot_id, booted, previous_shutdown, downtime FROM boot ORDER BY id");
  while (row.executeStep()) {
    BootRecord boot{.id = {text_at(row, 0)},
                    .booted = wall_at(row, 1),
                    .previous_shutdown = to_value<PreviousShutdown>(
                        kPreviousShutdowns, text_at(row, 2), "boot.previous_shutdown"),
                    .downtime = std::nullopt};
    if (!row.getColumn(3).isNull()) {
      boot.downtime = std::chrono::microseconds(row.getColumn(3).getInt64());
    }
    boots.push_back(std::move(boot));
  }
  return boots;
}

std::map<PreviousShutdown, std::uint64_t> read_boot_counts(SQLite::Database& database) {
  std::map<PreviousShutdown, std::uint64_t> counts;
  SQLite::Statement row(database, "SELECT previous_shutdown, boots FROM boot_count");
  while (row.executeStep()) {
    const auto previous = to_value<PreviousShutdown>(kPreviousShutdowns, text_at(row, 0),
                                                     "boot_count.previous_shutdown");
    counts[previous] = static_cast<std::uint64_t>(row.getColumn(1).getInt64());
  }
  return counts;
}

std::optional<Intent> read_intent(SQLite::Database& database, const VmUuid& uuid) {
  SQLite::Statement row(database, std::string(kIntentColumns) + "WHERE uuid = ?");
  bind_all(row, uuid.value);
  if (!row.executeStep()) return std::nullopt;
  return intent_of(row);
}

IntentLedger read_intents(SQLite::Database& database) {
  IntentLedger intents;
  SQLite::Statement row(database, kIntentColumns);
  while (row.executeStep()) {
    Intent intent = intent_of(row);
    intents.emplace(intent.uuid, std::move(intent));
  }
  return intents;
}

std::vector<TargetRecord> read_targets(SQLite::Database& database) {
  std::vector<TargetRecord> targets;
  SQLite::Statement row(
      database,
      "SELECT target, attempts, in_row, stuck, last_end, outcome, outcome_reason, "
      "outcome_detail, latched_since, tries FROM target ORDER BY target");
  while (row.executeStep()) {
    const std::string name = text_at(row, 0);
    targets.push_back({.target = checked(to_target(name), name, "target.target"),
                       .attempts = to_attempts(text_at(row, 1)),
                       .in_row = row.getColumn(2).getInt(),
                       .stuck = row.getColumn(3).getInt() != 0,
                       .last_end = maybe_wall_at(row, 4),
                       .last_outcome = outcome_at(row, 5),
                       .latched_since = maybe_wall_at(row, 8),
                       .tries = to_tries(text_at(row, 9))});
  }
  return targets;
}

void read_resources(SQLite::Database& database, JournalState& state) {
  SQLite::Statement row(database,
                        "SELECT name, seen_up, primary_alone, ever_connected, split_brain, "
                        "split_brain_at, boot FROM resource");
  while (row.executeStep()) {
    state.resources_boot = {text_at(row, 6)};
    ResourceHistory history{.seen_up = row.getColumn(1).getInt() != 0,
                            .primary_alone = row.getColumn(2).getInt() != 0,
                            .ever_connected = row.getColumn(3).getInt() != 0,
                            .split_brain = std::nullopt};
    if (const auto what = maybe_text_at(row, 4)) {
      history.split_brain = SplitBrainEvidence{*what, wall_at(row, 5)};
    }
    state.resources[{text_at(row, 0)}] = history;
  }
}

}  // namespace upkeep::sql
