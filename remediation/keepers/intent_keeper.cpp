#include "remediation/keepers/intent_keeper.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace upkeep {
namespace {

/// A reading may be a moment older than an event that came before it; two of them this far apart
/// can't both be.
constexpr Duration kSettling = std::chrono::seconds(1);

/// A peer holds the VM or one of its disks. Only what was said just now counts, and by a peer only
/// since `off_since`: it ends a wish for good.
bool active_elsewhere(const VmUuid& uuid, Tick off_since, const Step& step) {
  for (const Peer& peer : step.snapshot.peers) {
    if (!peer.facts.fresh(step.now, step.policy.freshness.peers)) continue;
    if (peer.facts.at < off_since) continue;
    if (std::ranges::count(peer.facts.reading->active_vms, uuid) > 0) return true;
  }
  const Vm* vm = find_vm(step.snapshot, uuid);
  if (vm == nullptr || !step.snapshot.drbd.fresh(step.now, step.policy.freshness.drbd)) {
    return false;
  }
  return std::ranges::any_of(vm->disks, [&](const VmDisk& disk) {
    return std::ranges::any_of(disk.drbd, [&](DeviceMinor minor) {
      const DrbdResource* resource = find_resource(step.snapshot, minor);
      return resource != nullptr && std::ranges::any_of(resource->peers, [](const DrbdPeer& peer) {
               return peer.connection == DrbdConnection::connected &&
                      peer.role == DrbdRole::primary;
             });
    });
  });
}

/// A change that a person would call one.
bool notable(const Intent& before, const Intent& after) {
  return before.wanted != after.wanted || before.last_stop != after.last_stop ||
         before.mark != after.mark;
}

}  // namespace

IntentContext IntentKeeper::context_of(const VmUuid& uuid, const VmName& name,
                                       const Step& step) const {
  const auto& node = step.snapshot.node.reading;
  const auto tried = history_.targets.find(target_of(name));
  return {.boot = history_.boot,
          .wall = step.wall,
          .host_shutting_down = node && node->shutting_down,
          .own_action = tried != history_.targets.end() && tried->second.in_flight.has_value(),
          .active_elsewhere = active_elsewhere(uuid, off_since(uuid), step),
          .guest_shutdown = policy_for(step.policy, name).guest_shutdown};
}

/// What a peer said before the VM went off, of a migration that failed or of another run, is no
/// word on where it is now.
Tick IntentKeeper::off_since(const VmUuid& uuid) const {
  const auto sighting = sightings_.find(uuid);
  const bool off = sighting != sightings_.end() && is_down(sighting->second.state);
  return off ? sighting->second.first : Tick::min();
}

void IntentKeeper::take(const VmEvent& event, bool own_action, const Step& step) {
  sightings_.erase(event.uuid);
  last_event_[event.uuid] = event.at;
  IntentContext context = context_of(event.uuid, event.name, step);
  context.own_action = own_action;
  const auto known = history_.intents.find(event.uuid);
  if (known != history_.intents.end()) {
    const Intent before = known->second;
    put(&before, after_event(before, event, context));
    return;
  }
  const Intent fresh{.uuid = event.uuid,
                     .name = event.name,
                     .last_stop_detail = "",
                     .changed = event.wall,
                     .boot = context.boot,
                     .mark = std::nullopt,
                     .shutdown_seen = std::nullopt};
  put(nullptr, after_event(fresh, event, context));
}

void IntentKeeper::take_reading(const Step& step) {
  const auto& vms = step.snapshot.vms;
  if (!vms.fresh(step.now, step.policy.freshness.vms)) {
    sightings_.clear();  // Nobody looked for a while: what was seen before proves nothing.
    return;
  }
  if (last_reading_ && vms.at <= *last_reading_) return;
  last_reading_ = vms.at;
  for (const Vm& vm : **vms.reading) {
    const bool is_settled = settled(vm, vms.at);
    const auto known = history_.intents.find(vm.uuid);
    const IntentContext context = context_of(vm.uuid, vm.name, step);
    if (known == history_.intents.end()) {
      put(nullptr, after_observation(nullptr, vm, is_settled, context));
    } else {
      const Intent before = known->second;
      const bool believed = is_settled || shows_the_boot(before, vm, context);
      put(&before, after_observation(&before, vm, believed, context));
    }
  }
}

/// Off, in a boot that its line does not know of yet. The boot is a definite event; one look tells
/// the rest, if nothing has happened to the VM since that could be newer than the look. That it is
/// elsewhere now ends a wish for good, which takes two.
bool IntentKeeper::shows_the_boot(const Intent& line, const Vm& vm,
                                  const IntentContext& context) const {
  return is_down(vm.state) && !context.boot.value.empty() && !line.boot.value.empty() &&
         context.boot != line.boot && !context.active_elsewhere && !last_event_.contains(vm.uuid);
}

bool IntentKeeper::settled(const Vm& vm, Tick at) {
  const auto event = last_event_.find(vm.uuid);
  if (event != last_event_.end() && at <= event->second) return false;
  const auto [line, is_new] =
      sightings_.try_emplace(vm.uuid, Sighting{vm.state, vm.reason, at, false});
  Sighting& sighting = line->second;
  if (sighting.state != vm.state || sighting.reason != vm.reason) {
    sighting = {vm.state, vm.reason, at, false};
  }
  sighting.settled = sighting.settled || at - sighting.first >= kSettling;
  return sighting.settled;
}

std::optional<IntentKeeper::Marked> IntentKeeper::mark(const VmName& name, const Mark& mark,
                                                       const Step& step) {
  // The live VM goes first: a name may have been given to another one since.
  const Vm* vm = find_vm(step.snapshot, name);
  std::optional<Intent> before;
  for (const auto& [uuid, line] : history_.intents) {
    if (vm != nullptr ? uuid == vm->uuid : line.name == name) before = line;
  }
  if (vm == nullptr && !before) return std::nullopt;
  Intent after =
      before ? *before : after_observation(nullptr, *vm, false, context_of(vm->uuid, name, step));
  after.mark = mark.keep == Keep::automatic ? std::nullopt : std::optional(mark);
  Marked marked{.uuid = after.uuid, .before = before ? before->mark : std::nullopt};
  put(before ? &*before : nullptr, std::move(after));
  return marked;
}

void IntentKeeper::take_back(const Marked& marked) {
  const Intent before = history_.intents.at(marked.uuid);
  Intent after = before;
  after.mark = marked.before;
  put(&before, std::move(after));
}

void IntentKeeper::put(const Intent* before, Intent after) {
  if (before != nullptr && *before == after) return;
  journal_.changed(after.uuid);
  if (before == nullptr || notable(*before, after)) recorder_.intent_changed(before, after);
  const VmUuid uuid = after.uuid;
  history_.intents[uuid] = std::move(after);
}

}  // namespace upkeep
