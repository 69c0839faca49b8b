#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "remediation/gates/budget.h"
#include "remediation/journal.h"

namespace upkeep::simulation {

/// A journal in memory, which outlives the daemons that use it. While `failing`, every write fails
/// and changes nothing.
class MemoryJournal final : public Journal {
 public:
  bool failing = false;
  /// Fails the begin of actions only.
  bool failing_begin = false;
  /// Fails what is kept of who was Primary only.
  bool failing_primaries = false;
  int writes = 0;  ///< Tried, failed ones included.
  /// Called before each write; may throw, as if the daemon ended there.
  std::function<void()> on_write;
  std::map<std::int64_t, ActionRecord> actions;
  std::vector<HistoryEntry> story;  ///< Oldest first.
  std::map<std::int64_t, Recovery> recoveries;
  std::vector<WallTime> prunes;
  std::map<AlertKey, AlertRecord> alerts;

  [[nodiscard]] Result<JournalState> load() override {
    JournalState state = state_;
    for (const auto& [id, action] : actions) {
      if (!action.ended) state.unfinished.push_back(action);
      const bool counts = action.trigger != Trigger::manual &&
                          counts_against_budget(action.action) &&
                          (!action.outcome || costs_attempt(*action.outcome));
      const bool recent = actions.rbegin()->second.begun - action.begun <= std::chrono::hours(1);
      if (counts && recent) state.recent_actions[id] = action.begun;
    }
    for (const auto& [id, recovery] : recoveries) state.recoveries.push_back(recovery);
    for (const auto& [target, record] : targets_) state.targets.push_back(record);
    for (const auto& [key, alert] : alerts) {
      if (!alert.outcome) state.waiting_alerts.push_back(alert);
    }
    return state;
  }
  [[nodiscard]] Result<void> record_boot(const BootRecord& boot) override {
    if (auto fault = written()) return *fault;
    state_.boots.push_back(boot);
    ++state_.boot_counts[boot.previous_shutdown];
    return {};
  }
  [[nodiscard]] Result<void> heartbeat(WallTime at) override {
    if (auto fault = written()) return *fault;
    state_.last_heartbeat = at;
    return {};
  }
  [[nodiscard]] Result<void> save(const std::vector<Intent>& intents) override {
    if (auto fault = written()) return *fault;
    for (const Intent& intent : intents) state_.intents[intent.uuid] = intent;
    return {};
  }
  [[nodiscard]] Result<void> save(const std::vector<TargetRecord>& targets) override {
    if (auto fault = written()) return *fault;
    for (const TargetRecord& target : targets) targets_[target.target] = target;
    return {};
  }
  [[nodiscard]] Result<void> save(
      const BootId& boot, const std::map<ResourceName, ResourceHistory>& resources) override {
    if (auto fault = written()) return *fault;
    if (state_.resources_boot != boot) state_.resources.clear();
    state_.resources_boot = boot;
    for (const auto& [resource, line] : resources) state_.resources[resource] = line;
    return {};
  }
  [[nodiscard]] Result<void> save(const PrimaryKey& side, const LastPrimary& line) override {
    if (auto fault = written()) return *fault;
    if (failing_primaries) return fail(Errc::storage, "journal: I/O error");
    state_.last_primary[side] = line;
    return {};
  }
  [[nodiscard]] Result<void> save(const Standing& standing) override {
    if (auto fault = written()) return *fault;
    state_.standings[key_of(standing)] = standing;
    return {};
  }
  [[nodiscard]] Result<void> forget(const StandingKey& standing) override {
    if (auto fault = written()) return *fault;
    state_.standings.erase(standing);
    return {};
  }
  [[nodiscard]] Result<std::int64_t> begin(const ActionRecord& action,
                                           const TargetRecord& after) override {
    if (auto fault = written()) return std::unexpected(fault->error());
    if (failing_begin) return fail(Errc::exhausted, "journal: the disk is full");
    ActionRecord record = action;
    record.id = ++last_id_;
    actions[record.id] = record;
    targets_[after.target] = after;
    return record.id;
  }
  [[nodiscard]] Result<void> end(const std::vector<EndRecord>& ends) override {
    if (auto fault = written()) return *fault;
    for (const EndRecord& end : ends) {
      const auto action = actions.find(end.id);
      if (action == actions.end() || action->second.ended) continue;
      action->second.ended = end.at;
      action->second.outcome = end.outcome;
      targets_[end.after.target] = end.after;
    }
    return {};
  }
  [[nodiscard]] Result<std::optional<AlertRecord>> alert(const AlertKey& key) override {
    const auto found = alerts.find(key);
    return found == alerts.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] Result<void> save(const std::vector<AlertRecord>& records,
                                  const std::vector<HistoryEntry>& lines) override {
    if (auto fault = written()) return *fault;
    for (const AlertRecord& record : records) alerts[record.key] = record;
    story.insert(story.end(), lines.begin(), lines.end());
    return {};
  }
  [[nodiscard]] Result<void> note(const std::vector<HistoryEntry>& entries) override {
    if (auto fault = written()) return *fault;
    story.insert(story.end(), entries.begin(), entries.end());
    return {};
  }
  [[nodiscard]] Result<std::vector<HistoryEntry>> history(const HistoryQuery& query) override {
    std::vector<HistoryEntry> newest(story.rbegin(), story.rend());
    newest.resize(std::min(newest.size(), query.limit));
    return newest;
  }
  [[nodiscard]] Result<void> save(const Recovery& recovery) override {
    if (auto fault = written()) return *fault;
    recoveries[recovery.id] = recovery;
    return {};
  }
  [[nodiscard]] Result<std::optional<Recovery>> recovery(std::int64_t id) override {
    const auto found =
        id == 0 && !recoveries.empty() ? std::prev(recoveries.end()) : recoveries.find(id);
    if (found == recoveries.end()) return std::optional<Recovery>{};
    return found->second;
  }
  [[nodiscard]] Result<void> prune(WallTime before) override {
    if (auto fault = written()) return *fault;
    prunes.push_back(before);
    return {};
  }

  [[nodiscard]] JournalState& state() { return state_; }
  [[nodiscard]] TargetRecord& target(const Target& target) { return targets_[target]; }

 private:
  [[nodiscard]] std::optional<Result<void>> written() {
    ++writes;
    if (on_write) on_write();
    if (!failing) return std::nullopt;
    return fail(Errc::exhausted, "journal: the disk is full");
  }

  JournalState state_;
  std::map<Target, TargetRecord> targets_;
  std::int64_t last_id_ = 0;
};

}  // namespace upkeep::simulation
