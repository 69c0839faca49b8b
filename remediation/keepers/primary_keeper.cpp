#include "remediation/keepers/primary_keeper.h"

#include <chrono>

namespace upkeep {

PrimaryKeeper::PrimaryKeeper(History& history, JournalKeeper& journal,
                             std::optional<WallTime> last_heartbeat)
    : history_(history), journal_(journal) {
  lose_sight(last_heartbeat);
}

void PrimaryKeeper::take_reading(const Step& step) {
  const auto& drbd = step.snapshot.drbd;
  if (!drbd.fresh(step.now, step.policy.freshness.drbd)) return;
  if (last_reading_ && drbd.at <= *last_reading_) return;
  // Who was Primary may have changed, and changed back, while nobody looked.
  if (last_reading_ && drbd.at - *last_reading_ > step.policy.freshness.drbd) {
    lose_sight(last_look_);
  }
  const WallTime look =
      step.wall - std::chrono::duration_cast<WallTime::duration>(step.now - drbd.at);
  const auto sides = sides_in(**drbd.reading);
  for (auto& [key, line] : history_.last_primary) {
    if (line.end != PrimaryEnd::still) continue;
    const auto side = sides.find(key);
    const PrimaryEnd now = side == sides.end() ? PrimaryEnd::out_of_sight : side->second;
    if (now == PrimaryEnd::still) continue;
    line = ended(line, now, last_look_.value_or(look));
    journal_.changed(key);
  }
  for (const auto& [key, side] : sides) {
    if (side != PrimaryEnd::still) continue;
    const auto [line, is_new] = history_.last_primary.try_emplace(key);
    if (!is_new && line->second.end == PrimaryEnd::still) continue;
    line->second = LastPrimary{.since = look, .until = std::nullopt, .end = PrimaryEnd::still};
    journal_.changed(key);
  }
  last_reading_ = drbd.at;
  last_look_ = look;
}

void PrimaryKeeper::lose_sight(std::optional<WallTime> last_seen) {
  for (auto& [key, line] : history_.last_primary) {
    if (line.end != PrimaryEnd::still) continue;
    line = ended(line, PrimaryEnd::out_of_sight, last_seen.value_or(line.since));
    journal_.changed(key);
  }
}

}  // namespace upkeep
