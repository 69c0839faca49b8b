#include "remediation/keepers/journal_keeper.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace upkeep {
namespace {

constexpr Duration kHeartbeat = std::chrono::seconds(15);
constexpr Duration kRetry = std::chrono::seconds(5);
/// A clock that is wrong at boot is mostly right by then; pruning by a wrong one forgets too much.
constexpr Duration kFirstPrune = std::chrono::hours(1);
constexpr Duration kPrune = std::chrono::hours(24);
constexpr auto kKept = std::chrono::hours(24 * 90);
/// While nothing can be written the story is kept so far, and no further.
constexpr std::size_t kMostNotes = 1000;

}  // namespace

JournalKeeper::JournalKeeper(Journal& journal, Recorder& recorder, const History& history)
    : journal_(journal), recorder_(recorder), history_(history) {}

void JournalKeeper::note(HistoryEntry entry) {
  if (notes_.size() >= kMostNotes) notes_.erase(notes_.begin());
  notes_.push_back(std::move(entry));
}

void JournalKeeper::decided(const AlertRecord& alert, std::optional<HistoryEntry> line) {
  alerts_.insert_or_assign(alert.key, alert);
  if (line) alert_lines_.push_back(std::move(*line));
}

void JournalKeeper::ended(std::int64_t id, const Target& target, Outcome outcome, WallTime at) {
  ends_.push_back({.id = id, .target = target, .outcome = std::move(outcome), .at = at});
}

void JournalKeeper::flush(const Anchor& anchor) {
  write_all(anchor);
  write_sides(anchor.now);
}

/// Nothing is decided by them, so a failure here holds nothing up.
void JournalKeeper::write_sides(Tick now) {
  if (!ok_ || now < retry_sides_at_) return;
  while (!sides_.empty()) {
    const auto first = sides_.begin();
    const auto line = history_.last_primary.find(*first);
    if (line != history_.last_primary.end()) {
      if (const auto written = journal_.save(*first, line->second); !written) {
        retry_sides_at_ = now + kRetry;
        recorder_.journal_lacks(written.error());
        return;
      }
    }
    sides_.erase(first);
  }
}

void JournalKeeper::write_all(const Anchor& anchor) {
  if (!next_prune_) next_prune_ = anchor.now + kFirstPrune;
  if (!ok_ && anchor.now < retry_at_) return;
  // After a failure something must be written to know that it works again.
  if (!ok_) next_beat_.reset();
  if (!anything_due(anchor)) return;
  if (const auto written = write_due(anchor); !written) {
    failed(written.error(), anchor.now);
  } else {
    ok_ = true;
  }
}

bool JournalKeeper::anything_due(const Anchor& anchor) const {
  return !next_beat_ || anchor.now >= *next_beat_ || anchor.now >= *next_prune_ ||
         !intents_.empty() || !targets_.empty() || resources_due() || !standings_.empty() ||
         !recoveries_.empty() || !boots_.empty() || !ends_.empty() || !notes_.empty() ||
         !alerts_.empty();
}

bool JournalKeeper::resources_due() const {
  return !resources_.empty() && !history_.boot.value.empty();
}

Result<void> JournalKeeper::write_due(const Anchor& anchor) {
  if (auto written = write_lines(anchor); !written) return written;
  if (auto written = write_story(); !written) return written;
  if (!next_beat_ || anchor.now >= *next_beat_) {
    if (auto written = journal_.heartbeat(anchor.wall); !written) return written;
    next_beat_ = anchor.now + kHeartbeat;
  }
  if (anchor.now >= *next_prune_) {
    if (auto written = journal_.prune(anchor.wall - kKept); !written) return written;
    next_prune_ = anchor.now + kPrune;
  }
  return {};
}

/// The boot comes last of the lines: a boot that is on record has its consequences on record.
Result<void> JournalKeeper::write_lines(const Anchor& anchor) {
  std::vector<Intent> intents;
  for (const VmUuid& uuid : intents_) {
    const auto line = history_.intents.find(uuid);
    if (line != history_.intents.end()) intents.push_back(line->second);
  }
  if (!intents.empty()) {
    if (auto written = journal_.save(intents); !written) return written;
  }
  intents_.clear();
  if (auto written = write_targets(anchor); !written) return written;
  if (auto written = write_resources(); !written) return written;
  return write_standings();
}

Result<void> JournalKeeper::write_targets(const Anchor& anchor) {
  if (!ends_.empty()) {
    std::vector<EndRecord> ends;
    for (const End& end : ends_) {
      ends.push_back({.id = end.id,
                      .outcome = end.outcome,
                      .at = end.at,
                      .after = record_of(end.target, anchor)});
    }
    if (auto written = journal_.end(ends); !written) return written;
  }
  for (const End& end : ends_) targets_.erase(end.target);
  ends_.clear();
  std::vector<TargetRecord> targets;
  for (const Target& target : targets_) targets.push_back(record_of(target, anchor));
  if (!targets.empty()) {
    if (auto written = journal_.save(targets); !written) return written;
  }
  targets_.clear();
  return {};
}

Result<void> JournalKeeper::write_resources() {
  if (!resources_due()) return {};
  std::map<ResourceName, ResourceHistory> resources;
  for (const ResourceName& resource : resources_) {
    const auto line = history_.resources.find(resource);
    if (line != history_.resources.end()) resources.insert(*line);
  }
  if (!resources.empty()) {
    if (auto written = journal_.save(history_.boot, resources); !written) return written;
  }
  resources_.clear();
  return {};
}

Result<void> JournalKeeper::write_standings() {
  while (!standings_.empty()) {
    const auto first = standings_.begin();
    const auto line = history_.standings.find(*first);
    auto written =
        line == history_.standings.end() ? journal_.forget(*first) : journal_.save(line->second);
    if (!written) return written;
    standings_.erase(first);
  }
  return {};
}

Result<void> JournalKeeper::write_alerts() {
  if (alerts_.empty()) return {};
  std::vector<AlertRecord> alerts;
  for (const auto& [key, alert] : alerts_) alerts.push_back(alert);
  if (auto written = journal_.save(alerts, alert_lines_); !written) return written;
  alerts_.clear();
  alert_lines_.clear();
  return {};
}

Result<void> JournalKeeper::write_story() {
  if (auto written = write_alerts(); !written) return written;
  for (; !boots_.empty(); boots_.pop_front()) {
    if (auto written = journal_.record_boot(boots_.front()); !written) return written;
  }
  while (!recoveries_.empty()) {
    const auto first = recoveries_.begin();
    if (auto written = journal_.save(first->second); !written) return written;
    recoveries_.erase(first);
  }
  if (notes_.empty()) return {};
  if (auto written = journal_.note(notes_); !written) return written;
  notes_.clear();
  return {};
}

Result<std::int64_t> JournalKeeper::begin(const ActionRecord& action, const TargetRecord& after,
                                          Tick now) {
  auto id = journal_.begin(action, after);
  if (!id) failed(id.error(), now);
  return id;
}

Result<void> JournalKeeper::save(const std::vector<AlertRecord>& alerts,
                                 const std::vector<HistoryEntry>& lines, Tick now) {
  if (alerts.empty() && lines.empty()) return {};
  auto written = journal_.save(alerts, lines);
  if (!written) failed(written.error(), now);
  return written;
}

Result<std::optional<AlertRecord>> JournalKeeper::alert(const AlertKey& key) const {
  const auto due = alerts_.find(key);
  return due == alerts_.end() ? journal_.alert(key) : due->second;
}

TargetRecord JournalKeeper::record_of(const Target& target, const Anchor& anchor) const {
  const auto line = history_.targets.find(target);
  return to_record(target, line == history_.targets.end() ? TargetHistory{} : line->second, anchor);
}

Tick JournalKeeper::next_flush(Tick now) const {
  if (!ok_) return retry_at_;
  return next_beat_.value_or(now);
}

void JournalKeeper::failed(const Error& error, Tick now) {
  ok_ = false;
  retry_at_ = now + kRetry;
  recorder_.journal_failed(error);
}

}  // namespace upkeep
