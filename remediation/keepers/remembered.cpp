#include "remediation/keepers/remembered.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace upkeep {
namespace {

constexpr Duration kOldest = std::chrono::hours(24 * 365);

template <class From, class Convert>
auto converted(const std::optional<From>& from, Convert convert) {
  using To = decltype(convert(*from));
  return from ? std::optional<To>(convert(*from)) : std::nullopt;
}

/// The recovery that an action begun then belonged to.
std::optional<std::int64_t> recovery_at(const std::vector<Recovery>& recoveries, WallTime begun) {
  const auto found = std::ranges::find_if(recoveries, [&](const Recovery& one) {
    return one.opened <= begun && (!one.ended || begun <= *one.ended);
  });
  return found == recoveries.end() ? std::nullopt : std::optional(found->id);
}

}  // namespace

Tick to_tick(WallTime at, const Anchor& anchor) {
  // Compared before it is subtracted: a garbled time must not overflow.
  if (at >= anchor.wall) return anchor.now;
  if (at <= anchor.wall - kOldest) return anchor.now - kOldest;
  return anchor.now - std::chrono::duration_cast<Duration>(anchor.wall - at);
}

WallTime to_wall(Tick at, const Anchor& anchor) {
  return anchor.wall -
         std::chrono::duration_cast<WallTime::duration>(std::min(anchor.now - at, kOldest));
}

TargetRecord to_record(const Target& target, const TargetHistory& history, const Anchor& anchor) {
  const auto wall = [&](Tick at) { return to_wall(at, anchor); };
  TargetRecord record{.target = target,
                      .attempts = {},
                      .in_row = history.in_row,
                      .stuck = history.stuck,
                      .last_end = converted(history.last_end, wall),
                      .last_outcome = history.last_outcome,
                      .latched_since = converted(history.latched_since, wall)};
  for (const auto& [action, tries] : history.tries) {
    TriesRecord& line = record.tries[action];
    line.latched_since = converted(tries.latched_since, wall);
    std::ranges::transform(tries.at, std::back_inserter(line.at), wall);
  }
  std::ranges::transform(history.attempts, std::back_inserter(record.attempts), wall);
  return record;
}

TargetHistory to_history(const TargetRecord& record, const Anchor& anchor) {
  const auto tick = [&](WallTime at) { return to_tick(at, anchor); };
  TargetHistory history{.attempts = {},
                        .in_row = record.in_row,
                        .last_end = converted(record.last_end, tick),
                        .last_outcome = record.last_outcome,
                        .in_flight = std::nullopt,
                        .stuck = record.stuck,
                        .latched_since = converted(record.latched_since, tick),
                        .healthy_since = std::nullopt,
                        .is_blocked = false,
                        .unblocked = std::nullopt,
                        .unsent_in_row = 0,
                        .tries = {}};
  for (const auto& [action, line] : record.tries) {
    Tries& tries = history.tries[action];
    tries.latched_since = converted(line.latched_since, tick);
    std::ranges::transform(line.at, std::back_inserter(tries.at), tick);
    std::ranges::sort(tries.at);
  }
  std::ranges::transform(record.attempts, std::back_inserter(history.attempts), tick);
  std::ranges::sort(history.attempts);
  return history;
}

bool same_record(const TargetHistory& a, const TargetHistory& b) {
  return a.attempts == b.attempts && a.in_row == b.in_row && a.stuck == b.stuck &&
         a.last_end == b.last_end && a.last_outcome == b.last_outcome &&
         a.latched_since == b.latched_since && a.tries == b.tries;
}

History remembered(const JournalState& state, const Anchor& anchor) {
  History history;
  // Differs from node to node, so that they don't all retry at once.
  history.jitter_seed = static_cast<std::uint64_t>(anchor.wall.time_since_epoch().count());
  history.started = anchor.now;
  history.intents = state.intents;
  history.standings = state.standings;
  history.last_primary = state.last_primary;
  for (const TargetRecord& record : state.targets) {
    history.targets[record.target] = to_history(record, anchor);
  }
  for (const auto& [id, begun] : state.recent_actions) {
    history.budget.spent[id] = {.begun = to_tick(begun, anchor),
                                .recovery = recovery_at(state.recoveries, begun)};
  }
  for (const ActionRecord& action : state.unfinished) {
    history.targets[target_of(action.action)].in_flight = action.id;
  }
  return history;
}

}  // namespace upkeep
