#include "remediation/gates/start_slots.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "remediation/sight.h"

namespace upkeep {
namespace {

// PSI's avg10 tells of the last ten seconds: what was done shows in it after about half of that.
constexpr Duration kPressureShows = std::chrono::seconds(5);
constexpr Duration kBetweenRaises = std::chrono::seconds(2);
constexpr double kFewer = 0.75;
// Between calm and strained nothing changes, so that the number settles.
constexpr double kCalm = 0.8;

const Node* node_in_sight(const World& world) {
  const auto& node = world.snapshot.node;
  return node.fresh(world.now, world.policy.freshness.node) ? &*node.reading : nullptr;
}

int floor_of(const World& world) {
  const Node* node = node_in_sight(world);
  return node == nullptr ? 1 : static_cast<int>(std::max(1U, node->cores));
}

int first_slots(const World& world) { return std::max(world.policy.pacing.slots, floor_of(world)); }

/// A resync writes to the same disks, and is what makes them safe again.
bool resync_runs(const World& world) {
  const Drbd* drbd = drbd_in_sight(world);
  if (drbd == nullptr) return false;
  return std::ranges::any_of(drbd->resources, [](const DrbdResource& resource) {
    return std::ranges::any_of(resource.peers, [](const DrbdPeer& peer) {
      return std::ranges::any_of(peer.devices, [](const DrbdPeerDevice& device) {
        return device.replication == DrbdReplication::sync_source ||
               device.replication == DrbdReplication::sync_target;
      });
    });
  });
}

int most_of(const World& world) {
  const int most = resync_runs(world) ? first_slots(world) : world.policy.pacing.most;
  return std::max(most, floor_of(world));
}

/// The pressure as a share of its target; above 1 the node is strained.
double strain_of(const Node& node, const StartPacing& pacing) {
  return std::max(node.pressure.cpu_some.value_or(0) / pacing.cpu_target,
                  node.pressure.io_full.value_or(0) / pacing.io_target);
}

bool disks_are_strained(const World& world) {
  const Node* node = node_in_sight(world);
  return node != nullptr && node->pressure.io_full.value_or(0) > world.policy.pacing.io_target;
}

/// Does the VM still hold the slot that our start took?
bool holds_slot(const Vm& vm, const TargetHistory& line, const World& world) {
  if (line.attempts.empty()) return false;
  const Duration age = world.now - line.attempts.back();
  if (age >= world.policy.pacing.slot_timeout) return false;
  if (is_healthy(vm, world)) {
    // It only runs, as far as anybody knows, and its boot reads from the same disks.
    const bool unchecked = policy_for(world.policy, vm.name).health.kind == HealthCheck::Kind::none;
    return unchecked && disks_are_strained(world) && age < 2 * kPressureShows;
  }
  return line.in_flight ? !line.stuck : is_up(vm.state);
}

}  // namespace

StartPace after_look(StartPace pace, const World& world) {
  if (pace.slots < 1) pace.slots = first_slots(world);
  const Node* node = node_in_sight(world);
  if (node == nullptr) return pace;
  const double strain = strain_of(*node, world.policy.pacing);
  const Tick seen = world.snapshot.node.at;
  if (strain > 1) {
    if (!pace.lowered || seen - *pace.lowered >= kPressureShows) {
      pace.slots *= kFewer;
      pace.lowered = seen;
    }
  } else if (strain < kCalm && (!pace.raised || seen - *pace.raised >= kBetweenRaises)) {
    const StartSlots slots(world);
    if (slots.taken() >= slots.all()) {
      pace.slots += std::max(1.0, floor_of(world) / 4.0);
      pace.raised = seen;
    } else if (slots.taken() == 0 && pace.raised &&
               seen - *pace.raised > std::chrono::minutes(10)) {
      pace = {.slots = static_cast<double>(first_slots(world)),
              .raised = std::nullopt,
              .lowered = std::nullopt};
    }
  }
  pace.slots = std::clamp(pace.slots, static_cast<double>(floor_of(world)),
                          static_cast<double>(most_of(world)));
  return pace;
}

StartSlots::StartSlots(const World& world) : world_(world) {
  const double known = world.history.pace.slots;
  all_ = known < 1 ? first_slots(world) : static_cast<int>(std::floor(known));
  const Vms* vms = vms_in_sight(world);
  if (vms == nullptr) return;
  for (const Vm& vm : *vms) {
    const auto line = world.history.targets.find(target_of(vm.name));
    if (line == world.history.targets.end() || !holds_slot(vm, line->second, world)) continue;
    taken_ += policy_for(world.policy, vm.name).weight;
  }
}

std::optional<Held> StartSlots::hold_for(const Action& action) const {
  const auto* start = std::get_if<StartVm>(&action);
  if (start == nullptr || taken_ == 0) return std::nullopt;
  const int weight = policy_for(world_.policy, start->vm).weight;
  if (taken_ + weight <= all_) return std::nullopt;
  return hold(Hold::no_start_slot, fmt::format("{} start slots", all_));
}

void StartSlots::take(const Action& action) {
  if (const auto* start = std::get_if<StartVm>(&action)) {
    taken_ += policy_for(world_.policy, start->vm).weight;
  }
}

}  // namespace upkeep
