#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "remediation/journal.h"
#include "remediation/keepers/remembered.h"
#include "remediation/recorder.h"

namespace upkeep {

/// The journal as the loop uses it: changed lines are written together at the end of a part of a
/// step, and what could not be written stays due and is tried again. Owned by the loop's thread.
class JournalKeeper {
 public:
  JournalKeeper(Journal& journal, Recorder& recorder, const History& history);

  /// False from a failed write until one succeeds; nothing may be done meanwhile.
  [[nodiscard]] bool ok() const { return ok_; }

  // What is due. The lines themselves are taken from History when they are written.
  void changed(const VmUuid& intent) { intents_.insert(intent); }
  void changed(const Target& target) { targets_.insert(target); }
  void changed(const ResourceName& resource) { resources_.insert(resource); }
  void changed(const StandingKey& standing) { standings_.insert(standing); }
  void changed(const PrimaryKey& side) { sides_.insert(side); }
  void changed(const Recovery& recovery) { recoveries_[recovery.id] = recovery; }
  void booted(const BootRecord& boot) { boots_.push_back(boot); }
  void note(HistoryEntry entry);
  void decided(const AlertRecord& alert, std::optional<HistoryEntry> line = std::nullopt);
  void ended(std::int64_t id, const Target& target, Outcome outcome, WallTime at);

  /// Writes what is due, the heartbeat included. After a failure it tries again only after a
  /// while, so that a full disk is not hammered.
  void flush(const Anchor& anchor);
  /// Writes now. Nothing is begun that isn't on the disk.
  [[nodiscard]] Result<std::int64_t> begin(const ActionRecord& action, const TargetRecord& after,
                                           Tick now);
  /// Writes now, all or none: what was answered for is on the disk.
  [[nodiscard]] Result<void> save(const std::vector<AlertRecord>& alerts,
                                  const std::vector<HistoryEntry>& lines, Tick now);
  /// The alert's line, also one that is due.
  [[nodiscard]] Result<std::optional<AlertRecord>> alert(const AlertKey& key) const;
  /// When `flush` wants to be called again.
  [[nodiscard]] Tick next_flush(Tick now) const;
  /// The next flush writes a heartbeat whether it is time or not: the last word of a daemon.
  void beat_now() { next_beat_.reset(); }

 private:
  struct End {
    std::int64_t id = 0;
    Target target;
    Outcome outcome;
    WallTime at{};
  };

  void write_all(const Anchor& anchor);
  void write_sides(Tick now);
  [[nodiscard]] Result<void> write_due(const Anchor& anchor);
  [[nodiscard]] Result<void> write_lines(const Anchor& anchor);
  [[nodiscard]] Result<void> write_targets(const Anchor& anchor);
  [[nodiscard]] Result<void> write_resources();
  [[nodiscard]] Result<void> write_standings();
  [[nodiscard]] Result<void> write_story();
  [[nodiscard]] Result<void> write_alerts();
  [[nodiscard]] TargetRecord record_of(const Target& target, const Anchor& anchor) const;
  [[nodiscard]] bool anything_due(const Anchor& anchor) const;
  /// Their lines are of one boot. While nobody knows which it is they wait: written without it they
  /// would take the place of what the journal knows of this boot.
  [[nodiscard]] bool resources_due() const;
  void failed(const Error& error, Tick now);

  Journal& journal_;
  Recorder& recorder_;
  const History& history_;
  bool ok_ = true;
  Tick retry_at_{};
  Tick retry_sides_at_{};
  std::optional<Tick> next_beat_;
  std::optional<Tick> next_prune_;
  std::set<VmUuid> intents_;
  std::set<Target> targets_;
  std::set<ResourceName> resources_;
  std::set<StandingKey> standings_;
  std::set<PrimaryKey> sides_;
  std::map<std::int64_t, Recovery> recoveries_;
  std::deque<BootRecord> boots_;
  std::vector<End> ends_;
  std::vector<HistoryEntry> notes_;
  std::map<AlertKey, AlertRecord> alerts_;
  std::vector<HistoryEntry> alert_lines_;
};

}  // namespace upkeep
