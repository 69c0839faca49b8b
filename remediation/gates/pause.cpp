#include "remediation/gates/pause.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "remediation/sight.h"
#include "remediation/words.h"

namespace upkeep {
namespace {

constexpr std::string_view kNode = "node";
constexpr std::string_view kVm = "vm/";

std::optional<VmUuid> uuid_of(const VmName& name, const World& world) {
  if (const Vm* vm = find_vm(world.snapshot, name); vm != nullptr) return vm->uuid;
  const Intent* line = line_by_name(name, world.history);
  if (line == nullptr) return std::nullopt;
  return line->uuid;
}

bool is_known(const ResourceName& name, const World& world) {
  return find_resource(world.snapshot, name) != nullptr || world.history.resources.contains(name) ||
         world.history.targets.contains(target_of(name));
}

void add(std::vector<const Standing*>& pauses, const std::string& subject, const World& world) {
  const auto found = world.history.standings.find({Standing::Kind::paused, subject});
  if (found != world.history.standings.end()) pauses.push_back(&found->second);
}

}  // namespace

bool is_pause(const Standing& standing) {
  return standing.kind == Standing::Kind::paused || standing.kind == Standing::Kind::maintenance;
}

std::optional<std::string> pause_subject(const Target* target, const World& world) {
  if (target == nullptr) return std::string(kNode);
  if (target->kind == Target::Kind::vm) {
    const auto uuid = uuid_of(VmName{target->name}, world);
    if (!uuid) return std::nullopt;
    return std::string(kVm) + uuid->value;
  }
  if (!is_known(ResourceName{target->name}, world)) return std::nullopt;
  return to_string(*target);
}

std::string paused_target(const Standing& pause, const History& history) {
  if (pause.kind == Standing::Kind::maintenance || pause.subject == kNode) return {};
  if (!pause.subject.starts_with(kVm)) return pause.subject;
  const auto line = history.intents.find(VmUuid{pause.subject.substr(kVm.size())});
  return line == history.intents.end() ? pause.subject : to_string(target_of(line->second.name));
}

std::string_view pause_kind(const Standing& pause) {
  return pause.kind == Standing::Kind::maintenance ? "maintenance" : "pause";
}

std::string pause_text(const Standing& pause, const History& history) {
  if (pause.kind == Standing::Kind::maintenance) {
    return fmt::format("the node is in maintenance{}, until it boots again",
                       by_whom(pause.by, pause.reason));
  }
  const std::string target = paused_target(pause, history);
  return fmt::format("{} is paused{},{}", target.empty() ? "the node" : target,
                     by_whom(pause.by, pause.reason), until(pause.until));
}

std::string pause_ends_with(const Standing& pause, const History& history) {
  if (pause.kind == Standing::Kind::maintenance) return "upkeep maintenance --end";
  const std::string target = paused_target(pause, history);
  return target.empty() ? "upkeep resume" : "upkeep resume " + target;
}

std::vector<const Standing*> pauses_over(const Target& target, const World& world) {
  std::vector<const Standing*> pauses;
  for (const auto& [key, standing] : world.history.standings) {
    if (key.first == Standing::Kind::maintenance) pauses.push_back(&standing);
  }
  add(pauses, std::string(kNode), world);
  if (const auto subject = pause_subject(&target, world)) add(pauses, *subject, world);
  const Vm* vm =
      target.kind == Target::Kind::vm ? find_vm(world.snapshot, VmName{target.name}) : nullptr;
  if (vm == nullptr) return pauses;
  std::set<Target> under;
  for (const VmDisk& disk : vm->disks) {
    for (const DeviceMinor minor : disk.drbd) {
      const DrbdResource* resource = find_resource(world.snapshot, minor);
      if (resource != nullptr) under.insert(target_of(resource->name));
    }
  }
  for (const Target& resource : under) add(pauses, to_string(resource), world);
  return pauses;
}

std::optional<WallTime::duration> pause_left(const Standing& standing, WallTime now) {
  if (standing.kind != Standing::Kind::paused || !standing.until) return std::nullopt;
  return *standing.until - std::max(now, standing.at);
}

bool maintenance_is_over(const Standing& standing, const BootId& boot) {
  return standing.kind == Standing::Kind::maintenance && !boot.value.empty() &&
         boot.value != standing.subject;
}

std::optional<Held> pause_hold(const Target& target, const World& world) {
  const auto pauses = pauses_over(target, world);
  if (pauses.empty()) return std::nullopt;
  return hold(Hold::paused, pause_text(*pauses.front(), world.history),
              pause_ends_with(*pauses.front(), world.history));
}

}  // namespace upkeep
