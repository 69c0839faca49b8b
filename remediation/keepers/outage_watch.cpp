#include "remediation/keepers/outage_watch.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "remediation/sight.h"

namespace upkeep {
namespace {

/// The problems that mean "not there"; the others are troubles of something that runs.
constexpr std::array<std::string_view, 2> kOutages{"vm_down", "drbd_down"};

std::string_view kind_of(const Target& target) {
  return target.kind == Target::Kind::vm ? "vm" : "resource";
}

bool is_in_flight(const Target& target, const World& world) {
  const auto line = world.history.targets.find(target);
  return line != world.history.targets.end() && line->second.in_flight && !line->second.stuck;
}

/// Parts are measured by different threads; none is negative.
Duration span(Tick from, Tick to) { return std::max(Duration::zero(), to - from); }

}  // namespace

void OutageWatch::take(const Decision& decision, Tick now) {
  const Finding& finding = decision.finding;
  if (std::ranges::find(kOutages, finding.rule) == kOutages.end()) return;
  Outage& outage = outages_[{std::string(finding.rule), finding.subject}];
  if (outage.since == Tick{}) outage.since = finding.since;
  if (finding.confirmed && !outage.confirmed) outage.confirmed = now;
}

void OutageWatch::begun(const ProblemWatch::Key& key, Tick now) {
  const auto outage = outages_.find(key);
  if (outage != outages_.end()) outage->second.chosen = now;
}

void OutageWatch::succeeded(const ProblemWatch::Key& key, const PhaseTimes& times, Tick at) {
  const auto outage = outages_.find(key);
  if (outage == outages_.end()) return;
  outage->second.times = times;
  outage->second.ended = at;
}

void OutageWatch::boots(const ProblemWatch::Key& key) {
  const auto outage = outages_.find(key);
  if (outage != outages_.end()) outage->second.boots = true;
}

std::vector<std::pair<ProblemWatch::Key, bool>> OutageWatch::booted(const World& world) {
  std::vector<std::pair<ProblemWatch::Key, bool>> over;
  if (vms_in_sight(world) == nullptr) return over;
  for (auto& [key, outage] : outages_) {
    if (!outage.boots) continue;
    if (world.history.problems.contains(key)) {
      outage.boots = false;  // Down again, and the same outage.
      outage.well.reset();
      continue;
    }
    const Vm* vm = find_vm(world.snapshot, VmName{key.second.name});
    const bool well = vm != nullptr && is_healthy(*vm, world);
    if (well && !outage.well) outage.well = world.now;
    // libvirt tells that it runs before the start's own word comes, which has the parts.
    if (well && !outage.times && is_in_flight(key.second, world)) continue;
    if (well || vm == nullptr || is_down(vm->state)) over.emplace_back(key, well);
  }
  return over;
}

std::optional<OutagePhases> OutageWatch::gone(const ProblemWatch::Key& key, bool well, Tick now) {
  const auto found = outages_.find(key);
  if (found == outages_.end()) return std::nullopt;
  const Outage outage = found->second;
  outages_.erase(found);
  if (!well) return std::nullopt;
  const std::string_view kind = kind_of(key.second);
  const Tick over = outage.well.value_or(now);
  recorder_.outage_ended(kind, key.second, span(outage.since, over));
  if (!outage.times) return std::nullopt;
  return tell_phases(kind, outage, over);
}

OutagePhases OutageWatch::tell_phases(std::string_view kind, const Outage& outage, Tick now) {
  const Tick chosen = outage.chosen.value_or(outage.since);
  const Tick confirmed = outage.confirmed.value_or(chosen);
  OutagePhases phases;
  const auto tell = [&](std::string_view phase, Duration took) {
    recorder_.outage_phase(kind, phase, took);
    phases.emplace(phase, took);
  };
  tell("detect", span(outage.since, confirmed));
  tell("gate", span(confirmed, chosen));
  tell("queue", outage.times->queue);
  tell("storage", outage.times->storage);
  tell("start", outage.times->start);
  tell("verify", span(outage.ended, now));
  return phases;
}

}  // namespace upkeep
