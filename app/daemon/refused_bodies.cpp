#include "app/daemon/refused_bodies.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <utility>

namespace upkeep {
namespace {

constexpr Duration kSayAgain = std::chrono::minutes(1);

std::string line_of(const RefusedBody& body, std::uint64_t count) {
  const std::string line = fmt::format("a POST to the webhook was refused ({}): {}",
                                       to_string(body.reason), body.message);
  return count == 1 ? line : fmt::format("{}; {} since the last such line", line, count);
}

/// In the loop's thread.
void note(const RefusedBodies::Parts& parts, const HistoryEntry& line) {
  const auto noted = parts.journal.note({line});
  if (noted) return;
  parts.instruments.journal_failed();
  parts.log.error("a line of the history is lost", {{"error", noted.error().message}});
}

}  // namespace

void RefusedBodies::refused(const RefusedBody& body) {
  parts_.instruments.webhook_refused(to_string(body.reason));
  const auto count = may_say(body.reason);
  if (!count) return;
  parts_.log.warn("webhook refused a body",
                  {{"reason", to_string(body.reason)}, {"why", body.message}, {"count", *count}});
  const WallTime at = parts_.clock.wall();
  // Nothing of this object: the task may outlive it.
  parts_.inbox.run_in_loop([parts = parts_, line = line_of(body, *count), at] {
    note(parts, {.at = at, .kind = "note", .target = "", .text = line, .action_id = {}});
  });
}

std::optional<std::uint64_t> RefusedBodies::may_say(BodyRefusal reason) {
  const Tick now = parts_.clock.now();
  const std::scoped_lock lock(mutex_);
  Said& said = said_.at(static_cast<std::size_t>(reason));
  ++said.unsaid;
  if (said.at && now - *said.at < kSayAgain) return std::nullopt;
  said.at = now;
  return std::exchange(said.unsaid, 0);
}

}  // namespace upkeep
