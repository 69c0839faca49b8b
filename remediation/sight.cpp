#include "remediation/sight.h"

#include <algorithm>
#include <string>
#include <utility>

namespace upkeep {
namespace {

/// Says why without saying how long: a detail that ticks would make each look a new decision.
template <class T>
Held stale(Hold hold, std::string_view source, const Observed<T>& observed) {
  std::string detail = observed.reading
                           ? std::string(source) + " has not answered in time"
                           : std::string(source) + ": " + observed.reading.error().message;
  return {.reason = hold, .detail = std::move(detail), .opens_with = "", .retry_at = std::nullopt};
}

}  // namespace

const Vms* vms_in_sight(const World& world) {
  const auto& vms = world.snapshot.vms;
  if (!vms.fresh(world.now, world.policy.freshness.vms)) return nullptr;
  return vms.reading->get();
}

const Drbd* drbd_in_sight(const World& world) {
  const auto& drbd = world.snapshot.drbd;
  if (!drbd.fresh(world.now, world.policy.freshness.drbd)) return nullptr;
  return drbd.reading->get();
}

bool inventory_lost(const World& world) {
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr || !vms->empty()) return false;
  return std::ranges::any_of(world.history.intents, [&](const auto& line) {
    return wish_for(&line.second, policy_for(world.policy, line.second.name)).keep == Keep::up;
  });
}

std::optional<std::vector<VmUuid>> active_vms(const World& world) {
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr) return std::nullopt;
  std::vector<VmUuid> active;
  for (const Vm& vm : *vms) {
    // A state that libvirt could not tell may hide a running guest.
    if (!is_down(vm.state)) active.push_back(vm.uuid);
  }
  if (!vms->empty()) return active;
  if (world.history.boot.value.empty()) return std::nullopt;
  for (const auto& [uuid, line] : world.history.intents) {
    const bool ended_with_its_boot = !line.boot.value.empty() && line.boot != world.history.boot;
    if (line.last_stop == StopCause::none && !ended_with_its_boot) active.push_back(uuid);
  }
  return active;
}

std::optional<Held> blindness(const Needs& needs, const World& world) {
  if (needs.vms && vms_in_sight(world) == nullptr) {
    return stale(Hold::stale_libvirt, "libvirt", world.snapshot.vms);
  }
  if (needs.drbd && world.snapshot.drbd_in_use && drbd_in_sight(world) == nullptr) {
    return stale(Hold::stale_drbd, "DRBD", world.snapshot.drbd);
  }
  if (needs.vms && inventory_lost(world)) {
    return Held{.reason = Hold::inventory_empty,
                .detail = "libvirt lists no VM",
                .opens_with = "",
                .retry_at = std::nullopt};
  }
  return std::nullopt;
}

std::optional<Held> node_hold(const World& world) {
  const auto& node = world.snapshot.node;
  if (!node.fresh(world.now, world.policy.freshness.node)) {
    return stale(Hold::stale_node, "the node's own state", node);
  }
  if (!node.reading->shutting_down) return std::nullopt;
  return Held{
      .reason = Hold::host_shutting_down, .detail = "", .opens_with = "", .retry_at = std::nullopt};
}

Tick seen_at(const Needs& needs, const Snapshot& snapshot) {
  Tick oldest = Tick::max();
  if (needs.vms) oldest = std::min(oldest, snapshot.vms.at);
  if (needs.drbd) oldest = std::min(oldest, snapshot.drbd.at);
  return oldest;
}

Wish wish_for(const VmUuid& uuid, const VmName& name, const World& world) {
  const auto line = world.history.intents.find(uuid);
  const Intent* intent = line == world.history.intents.end() ? nullptr : &line->second;
  return wish_for(intent, policy_for(world.policy, name));
}

bool is_gone(const Intent& line, const World& world) {
  const bool left =
      line.last_stop == StopCause::moved_away || line.last_stop == StopCause::undefined_vm;
  return left && vms_in_sight(world) != nullptr && find_vm(world.snapshot, line.uuid) == nullptr;
}

bool belongs_elsewhere(const Intent& line, const Wish& wish) {
  if (line.last_stop != StopCause::moved_away) return false;
  const bool marked = wish.authority == Wish::Authority::mark && line.mark.has_value();
  return !marked || line.mark->at < line.changed;
}

const Intent* line_by_name(const VmName& name, const History& history) {
  const auto found = std::ranges::find_if(
      history.intents, [&](const auto& line) { return line.second.name == name; });
  return found == history.intents.end() ? nullptr : &found->second;
}

bool is_healthy(const Vm& vm, const World& world) {
  if (!is_up(vm.state)) return false;
  if (policy_for(world.policy, vm.name).health.kind == HealthCheck::Kind::none) return true;
  if (world.snapshot.health == nullptr) return false;
  const auto checked = world.snapshot.health->find(vm.uuid);
  if (checked == world.snapshot.health->end() || !checked->second.verified) return false;
  const auto line = world.history.targets.find(target_of(vm.name));
  // What it answered before our action says nothing of what came of that: a start is another run,
  // a reset another boot in the same one.
  return line == world.history.targets.end() || line->second.attempts.empty() ||
         *checked->second.verified >= line->second.attempts.back();
}

bool stopped_on_purpose_since(const Vm& vm, const World& world) {
  const auto line = world.history.intents.find(vm.uuid);
  if (line == world.history.intents.end()) return false;
  const VmPolicy policy = policy_for(world.policy, vm.name);
  const Wish wish = wish_for(&line->second, policy);
  if (wish.authority != Wish::Authority::automatic || wish.keep != Keep::up) return false;
  IntentContext context;
  context.boot = world.history.boot;
  context.guest_shutdown = policy.guest_shutdown;
  return !after_observation(&line->second, vm, true, context).wanted;
}

}  // namespace upkeep
