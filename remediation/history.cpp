#include "remediation/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace upkeep {
namespace {

constexpr Duration kHour = std::chrono::hours(1);
// After a refusal or a conflict the next look decides anew; this only keeps two disagreeing views
// of the world from filling the journal.
constexpr Duration kGapAfterRefusal = std::chrono::seconds(5);
// What can't be sent may come back at once, for hours: each time in a row the gap doubles, up to
// this.
constexpr Duration kLongestGapAfterRefusal = std::chrono::minutes(1);

/// FNV-1a, then a finalizer: the same on every machine, unlike std::hash.
std::uint64_t mix(std::uint64_t seed, const Target& target, int in_row) {
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ seed;
  const auto add = [&](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001b3ULL; };
  add(static_cast<std::uint64_t>(target.kind));
  for (const char c : target.name) add(static_cast<unsigned char>(c));
  add(static_cast<std::uint64_t>(in_row));
  hash ^= hash >> 33U;
  hash *= 0xff51afd7ed558ccdULL;
  hash ^= hash >> 33U;
  return hash;
}

/// Evenly spread over [0, 1).
double share(std::uint64_t hash) { return static_cast<double>(hash >> 11U) * 0x1.0p-53; }

std::size_t attempts_within_hour(const TargetHistory& target, Tick now) {
  return static_cast<std::size_t>(
      std::ranges::count_if(target.attempts, [&](Tick at) { return now - at < kHour; }));
}

void forget_old_attempts(TargetHistory& target, Tick now) {
  std::erase_if(target.attempts, [&](Tick at) { return now - at >= kHour; });
}

bool used_up(const TargetHistory& target, const BackOff& back_off, Tick now) {
  return attempts_within_hour(target, now) >=
         static_cast<std::size_t>(std::max(back_off.attempts_per_hour, 0));
}

bool was_free(const TargetHistory& target) {
  return target.last_outcome && !costs_attempt(*target.last_outcome);
}

/// When the last try that cost an attempt happened: what gaps count from.
std::optional<Tick> last_try(const TargetHistory& target) {
  std::optional<Tick> last;
  if (!target.attempts.empty()) last = target.attempts.back();
  if (!was_free(target) && target.last_end) {
    last = std::max(last.value_or(Tick::min()), *target.last_end);
  }
  return last;
}

std::optional<Held> latch_hold(const TargetHistory& tried, const BackOff& back_off,
                               const Target& target, bool never_gives_up, Tick now) {
  if (!tried.latched_since && !used_up(tried, back_off, now)) return std::nullopt;
  Held held{.reason = Hold::latched,
            .detail = fmt::format("{} attempts without lasting success", tried.in_row),
            .opens_with = "upkeep release " + to_string(target),
            .retry_at = std::nullopt};
  if (!never_gives_up) return held;
  const std::optional<Tick> since = last_try(tried) ? last_try(tried) : tried.latched_since;
  if (!since) return std::nullopt;
  const bool new_evidence = tried.unblocked && *tried.unblocked > *since;
  const Tick again =
      *since + (new_evidence ? std::min(back_off.cap, back_off.slow_retry) : back_off.slow_retry);
  if (now >= again) return std::nullopt;
  held.retry_at = again;
  return held;
}

Duration gap_after_refusal(const TargetHistory& target, const BackOff& back_off) {
  const Duration longest = std::min(kLongestGapAfterRefusal, back_off.cap);
  Duration gap = std::min(kGapAfterRefusal, back_off.first_gap);
  for (int i = 1; i < target.unsent_in_row && gap < longest; ++i) gap = std::min(gap * 2, longest);
  return gap;
}

std::optional<Held> gap_hold(const TargetHistory& tried, const BackOff& back_off, Duration gap,
                             Tick now) {
  Tick ready = Tick::min();
  std::string detail = fmt::format("{} attempts in a row", tried.in_row);
  if (was_free(tried) && tried.last_end) {
    ready = *tried.last_end + gap_after_refusal(tried, back_off);
    if (could_not_be_sent(*tried.last_outcome)) {
      detail = "nothing could be sent: " + tried.last_outcome->detail;
    }
  }
  const std::optional<Tick> from = last_try(tried);
  if (tried.in_row > 0 && from) ready = std::max(ready, *from + gap);
  if (now >= ready) return std::nullopt;
  return Held{.reason = Hold::backing_off,
              .detail = std::move(detail),
              .opens_with = "",
              .retry_at = ready};
}

/// Of a gate behind the one that asks storage, networks and peers: they were asked, and let it go.
bool comes_after_remedy(Hold hold) {
  switch (hold) {
    case Hold::risk_not_allowed:
    case Hold::latched:
    case Hold::backing_off:
    case Hold::storm:
    case Hold::waits_for_tier:
    case Hold::waits_for_vm:
    case Hold::no_start_slot:
    case Hold::budget_spent: return true;
    default: return false;
  }
}

bool has_connected_peer(const DrbdResource& resource) {
  return std::ranges::any_of(resource.peers, [](const DrbdPeer& peer) {
    return peer.connection == DrbdConnection::connected;
  });
}

/// Past the handshake, which 8.4 already calls Connected and in which split brain is found.
bool replicates(const DrbdPeer& peer) {
  return peer.connection == DrbdConnection::connected && !peer.devices.empty() &&
         std::ranges::none_of(peer.devices, [](const DrbdPeerDevice& device) {
           return device.replication == DrbdReplication::off ||
                  device.replication == DrbdReplication::other;
         });
}

}  // namespace

Duration gap_after(const BackOff& back_off, const Target& target, int in_row, std::uint64_t seed) {
  const double first = Seconds(back_off.first_gap).count();
  const double grown = first * std::pow(back_off.factor, std::max(in_row, 1) - 1);
  const double nominal = std::min(grown, Seconds(back_off.cap).count());
  const double spread = (2.0 * share(mix(seed, target, in_row))) - 1.0;
  return std::chrono::duration_cast<Duration>(
      Seconds(nominal * (1.0 + (back_off.jitter * spread))));
}

std::optional<Held> back_off_hold(const History& history, const BackOff& back_off,
                                  const Target& target, bool never_gives_up, Tick now) {
  const auto found = history.targets.find(target);
  if (found == history.targets.end()) return std::nullopt;
  const TargetHistory& tried = found->second;
  if (tried.stuck) {
    return Held{.reason = Hold::command_stuck,
                .detail = tried.last_outcome && could_not_be_sent(*tried.last_outcome)
                              ? "an earlier try has not ended: " + tried.last_outcome->detail
                              : "an earlier command has not ended",
                .opens_with = "",
                .retry_at = std::nullopt};
  }
  if (tried.in_flight) {
    return Held{.reason = Hold::in_flight,
                .detail = fmt::format("action {} has not ended", *tried.in_flight),
                .opens_with = "",
                .retry_at = std::nullopt};
  }
  if (auto latched = latch_hold(tried, back_off, target, never_gives_up, now)) return latched;
  const Duration gap = gap_after(back_off, target, tried.in_row, history.jitter_seed);
  return gap_hold(tried, back_off, gap, now);
}

TargetHistory after_begin(TargetHistory target, std::int64_t action_id, Tick now) {
  forget_old_attempts(target, now);
  target.attempts.push_back(now);
  ++target.in_row;
  target.in_flight = action_id;
  target.stuck = false;
  target.healthy_since.reset();
  return target;
}

TargetHistory after_deadline(TargetHistory target, const Outcome& outcome, Tick now) {
  target.stuck = true;
  target.last_outcome = outcome;
  target.last_end = now;
  return target;
}

TargetHistory after_end(TargetHistory target, const Outcome& outcome, const BackOff& back_off,
                        Tick now) {
  target.in_flight.reset();
  target.stuck = outcome.kind == Outcome::Kind::timed_out;
  target.last_end = now;
  target.last_outcome = outcome;
  target.unsent_in_row = could_not_be_sent(outcome) ? target.unsent_in_row + 1 : 0;
  if (!costs_attempt(outcome)) {
    if (!target.attempts.empty()) target.attempts.pop_back();
    target.in_row = std::max(target.in_row - 1, 0);
    return target;
  }
  forget_old_attempts(target, now);
  const bool lasting = outcome.kind == Outcome::Kind::succeeded;  // Perhaps; the next looks tell.
  if (!lasting && !target.latched_since && used_up(target, back_off, now)) {
    target.latched_since = now;
  }
  return target;
}

TargetHistory after_look(TargetHistory target, bool healthy, const BackOff& back_off, Tick now) {
  if (!healthy) {
    target.healthy_since.reset();
    const bool busy = target.in_flight || target.stuck;
    if (!busy && !target.latched_since && used_up(target, back_off, now)) {
      target.latched_since = now;
    }
    return target;
  }
  if (!target.in_flight) target.stuck = false;
  if (!target.healthy_since) target.healthy_since = now;
  if (now - *target.healthy_since < back_off.stable_window) return target;
  target.attempts.clear();
  target.in_row = 0;
  target.unsent_in_row = 0;
  target.latched_since.reset();
  return target;
}

TargetHistory after_verdict(TargetHistory target, std::optional<Hold> hold, Tick now) {
  if (hold && stands_in_the_way(*hold)) {
    target.is_blocked = true;
  } else if (target.is_blocked && (!hold || comes_after_remedy(*hold))) {
    target.is_blocked = false;
    target.unblocked = now;
  }
  return target;
}

TargetHistory released(TargetHistory target) {
  target.attempts.clear();
  target.in_row = 0;
  target.unsent_in_row = 0;
  target.latched_since.reset();
  target.tries.clear();
  // What it waited for is over; the outcome itself stays on record for people.
  target.last_end.reset();
  if (!target.in_flight) target.stuck = false;
  return target;
}

OpenProblem after_sighting(const OpenProblem* known, Tick reading_at, Tick now) {
  if (known == nullptr) {
    return {.trigger = Trigger::poll,
            .since = now,
            .observations = 1,
            .last_reading = reading_at,
            .definite = false};
  }
  OpenProblem problem = *known;
  if (problem.observations > 0 && reading_at <= problem.last_reading) return problem;
  ++problem.observations;
  problem.last_reading = reading_at;
  return problem;
}

bool is_confirmed(const OpenProblem& problem) {
  return problem.definite || problem.observations >= 2;
}

bool is_brought_up(const DrbdResource& resource) {
  if (!resource.in_kernel) return false;
  const bool attached = std::ranges::any_of(resource.devices, [](const DrbdDevice& device) {
    return device.disk.kind != DrbdDisk::diskless;
  });
  const bool linked = std::ranges::any_of(resource.peers, [](const DrbdPeer& peer) {
    return peer.connection.kind != DrbdConnection::stand_alone;
  });
  return attached || linked;
}

ResourceHistory after_look(ResourceHistory known, const DrbdResource& now_seen) {
  if (is_brought_up(now_seen)) known.seen_up = true;
  if (!now_seen.in_kernel) known.ever_connected = false;
  if (has_connected_peer(now_seen)) {
    known.ever_connected = true;
    known.primary_alone = false;
  } else if (now_seen.in_kernel && now_seen.role == DrbdRole::primary) {
    known.primary_alone = true;
  }
  if (now_seen.split_brain) {
    known.split_brain = now_seen.split_brain;
  } else if (!now_seen.peers.empty() && std::ranges::all_of(now_seen.peers, replicates)) {
    known.split_brain.reset();  // Sides that diverged can't connect: somebody resolved it.
  }
  return known;
}

ResourceHistory after_event(ResourceHistory known, const DrbdEvent& event) {
  switch (event.kind) {
    case DrbdEvent::Kind::connection_changed:
      if (event.to == "Connected") {
        known.ever_connected = true;
        known.primary_alone = false;
      }
      return known;
    case DrbdEvent::Kind::helper:
      // "initial-split-brain" alone may still be resolved by the after-sb policies.
      if (event.to == "split-brain") {
        known.split_brain = SplitBrainEvidence{.what = "helper split-brain", .at = event.wall};
      }
      return known;
    case DrbdEvent::Kind::resource_destroyed: known.ever_connected = false; return known;
    case DrbdEvent::Kind::role_changed:
    case DrbdEvent::Kind::disk_changed: return known;
  }
  return known;
}

}  // namespace upkeep
