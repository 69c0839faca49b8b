#include "remediation/keepers/problem_watch.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#include "remediation/rules/rule.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

/// A problem that shows later than this after an event has another cause.
constexpr Duration kCauseHolds = std::chrono::seconds(10);

/// A poll may see a death right before its event arrives; so close together they tell of the same.
constexpr Duration kSameMoment = std::chrono::seconds(1);

struct Shown {
  bool definite = false;
};

/// What a VM's event says about a problem to come; nothing for events that show none.
std::optional<Shown> shown_by(VmEventKind kind) {
  switch (kind) {
    case VmEventKind::stopped_crashed:
    case VmEventKind::stopped_failed:
    case VmEventKind::crashed: return Shown{.definite = true};
    case VmEventKind::suspended_io_error:
    case VmEventKind::disk_changed:
    case VmEventKind::stopped_shutdown:
    case VmEventKind::stopped_destroyed:
    case VmEventKind::stopped_saved:
    case VmEventKind::stopped_migrated:
    case VmEventKind::stopped_other: return Shown{.definite = false};
    case VmEventKind::defined:
    case VmEventKind::undefined:
    case VmEventKind::started:
    case VmEventKind::resumed:
    case VmEventKind::suspended:
    case VmEventKind::suspended_migrated:
    case VmEventKind::shutdown_guest:
    case VmEventKind::shutdown_host:
    case VmEventKind::rebooted:
    case VmEventKind::io_error:
    case VmEventKind::watchdog: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

void ProblemWatch::take(const VmEvent& event) {
  const Target target = target_of(event.name);
  if (event.kind == VmEventKind::started || event.kind == VmEventKind::resumed) {
    causes_.erase(target);
    return;
  }
  if (const auto shown = shown_by(event.kind)) {
    remember(target, {.trigger = Trigger::event, .definite = shown->definite, .at = event.at});
  }
}

void ProblemWatch::take(const DrbdEvent& event) {
  if (event.initial) return;
  remember(target_of(event.resource),
           {.trigger = Trigger::event, .definite = false, .at = event.at});
}

void ProblemWatch::peer_booted(const Target& target, Tick at) {
  remember(target, {.trigger = Trigger::event, .definite = false, .at = at});
}

void ProblemWatch::asked_for(const Target& target, Tick at) {
  causes_[target] = {.trigger = Trigger::manual, .definite = false, .at = at};
}

/// The first event of a story says since when; a later one may say for certain.
void ProblemWatch::remember(const Target& target, const Cause& cause) {
  const auto [line, is_new] = causes_.try_emplace(target, cause);
  if (is_new) return;
  if (cause.at - line->second.at > kCauseHolds) {
    line->second = cause;
  } else {
    line->second.definite = line->second.definite || cause.definite;
  }
}

std::vector<ProblemWatch::Key> ProblemWatch::look(const World& world) {
  std::erase_if(causes_,
                [&](const auto& line) { return world.now - line.second.at > kCauseHolds; });
  std::set<Key> seen;
  std::set<std::string_view> blind;
  for (const Rule& rule : all_rules()) {
    if (blindness(rule.needs, world)) {
      blind.insert(rule.name);
      continue;
    }
    for (const Finding& finding : rule.detect(world)) {
      const Key key{std::string(rule.name), finding.subject};
      sight(key, seen_at(rule.needs, world.snapshot), world.now);
      seen.insert(key);
    }
  }
  std::vector<Key> gone;
  for (auto& [key, problem] : history_.problems) {
    if (blind.contains(key.first)) {
      problem.observations = 0;
      problem.definite = false;
    } else if (!seen.contains(key)) {
      gone.push_back(key);
    }
  }
  for (const Key& key : gone) history_.problems.erase(key);
  return gone;
}

void ProblemWatch::sight(const Key& key, Tick reading_at, Tick now) {
  const auto known = history_.problems.find(key);
  const bool is_new = known == history_.problems.end();
  OpenProblem problem = after_sighting(is_new ? nullptr : &known->second, reading_at, now);
  const auto cause = causes_.find(key.second);
  if (cause != causes_.end()) {
    const bool overtaken = problem.trigger == Trigger::poll &&
                           cause->second.trigger == Trigger::event &&
                           cause->second.at - problem.since < kSameMoment;
    if (is_new || overtaken) {
      problem.trigger = cause->second.trigger;
      problem.since = std::min(cause->second.at, problem.since);
    }
    // An event that was known before the reading proves what the reading shows.
    if (cause->second.at <= reading_at) problem.definite |= cause->second.definite;
  }
  history_.problems[key] = problem;
}

}  // namespace upkeep
