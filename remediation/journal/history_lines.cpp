#include "remediation/journal/history_lines.h"

#include <fmt/format.h>

#include <algorithm>

namespace upkeep {

std::string history_line(const BootRecord& boot) {
  std::string line = "node booted";
  if (boot.previous_shutdown != PreviousShutdown::unknown) {
    line += fmt::format("; the shutdown before it was {}", to_string(boot.previous_shutdown));
  }
  if (boot.downtime) line += fmt::format("; it was down for {:.0f} s", boot.downtime->count());
  return line;
}

std::string history_line(const Recovery& recovery) {
  if (!recovery.ended) {
    return fmt::format("recovery {} begins: {}", recovery.id, summary_of(recovery));
  }
  return fmt::format("recovery {} over after {:.0f} s: {}", recovery.id,
                     Seconds(*recovery.ended - recovery.opened).count(), summary_of(recovery));
}

std::optional<std::string> history_line(const Intent* before, const Intent& after) {
  if (before != nullptr && before->wanted == after.wanted && before->last_stop == after.last_stop) {
    return std::nullopt;
  }
  std::string line = after.wanted ? "wanted" : "not wanted";
  if (after.last_stop == StopCause::none) {
    line += ": it runs";
  } else {
    line += fmt::format(": {}", to_string(after.last_stop));
    if (!after.last_stop_detail.empty()) line += fmt::format(" ({})", after.last_stop_detail);
  }
  return line;
}

std::string begin_line(const ActionRecord& action) {
  return fmt::format("{} begins: attempt {}, for {} shown by {}", name_of(action.action),
                     action.attempt, action.rule, to_string(action.trigger));
}

std::string end_line(const ActionRecord& action, const Outcome& outcome, WallTime at) {
  // The wall clock may have stepped back in between.
  const Seconds took = std::max(Seconds{0}, Seconds{at - action.begun});
  std::string line = fmt::format("{} {}", name_of(action.action), to_string(outcome.kind));
  if (!outcome.reason.empty()) line += fmt::format(" ({})", outcome.reason);
  line += fmt::format(" after {:.1f} s", took.count());
  if (!outcome.detail.empty()) line += fmt::format(": {}", outcome.detail);
  return line;
}

}  // namespace upkeep
