#include "simulation/blame.h"

#include <algorithm>
#include <set>

namespace upkeep::simulation {
namespace {

/// So near to its target pressure keeps the slots from growing: the control law's own measure.
constexpr double kCalm = 0.8;

std::set<Hold> holds_of_starts(const RemediationView& view) {
  std::set<Hold> holds;
  for (const Decision& decision : view.decisions) {
    if (decision.finding.rule != "vm_down") continue;
    if (const auto hold = hold_of(decision)) holds.insert(*hold);
  }
  return holds;
}

bool any(const std::set<Hold>& holds, std::initializer_list<Hold> of) {
  return std::ranges::any_of(of, [&](Hold hold) { return holds.contains(hold); });
}

Bottleneck slots_or_what_limits_them(const Pressure& pressure, const StartPacing& pacing) {
  const double io = pressure.io_full.value_or(0) / pacing.io_target;
  const double cpu = pressure.cpu_some.value_or(0) / pacing.cpu_target;
  if (std::max(io, cpu) < kCalm) return Bottleneck::slots;
  return io >= cpu ? Bottleneck::disks : Bottleneck::processors;
}

}  // namespace

std::string_view to_string(Bottleneck bottleneck) {
  switch (bottleneck) {
    case Bottleneck::node_boot: return "node_boot";
    case Bottleneck::look: return "look";
    case Bottleneck::drbd: return "drbd";
    case Bottleneck::disks: return "disks";
    case Bottleneck::processors: return "processors";
    case Bottleneck::slots: return "slots";
    case Bottleneck::order: return "order";
    case Bottleneck::guests: return "guests";
    case Bottleneck::other: return "other";
  }
  return "other";
}

Bottleneck blame(const SimulatedNode& node) {
  if (!node.runs_daemon()) return Bottleneck::node_boot;
  const auto view = node.view();
  if (view == nullptr) return Bottleneck::look;
  const std::set<Hold> holds = holds_of_starts(*view);
  if (holds.contains(Hold::no_start_slot)) {
    return slots_or_what_limits_them(node.load().pressure(), view->policy->pacing);
  }
  if (any(holds, {Hold::waits_for_tier, Hold::waits_for_vm})) return Bottleneck::order;
  if (node.load().boots() > 0) {
    const Strain strain = strain_of(node.load().boots(), node.options().hardware);
    if (strain.speed > kCalm) return Bottleneck::guests;
    return strain.cpu_some > strain.io_full ? Bottleneck::processors : Bottleneck::disks;
  }
  if (any(holds, {Hold::storage_unknown, Hold::peer_not_connected, Hold::stale_drbd})) {
    return Bottleneck::drbd;
  }
  if (any(holds, {Hold::starting_up, Hold::unconfirmed, Hold::stale_libvirt, Hold::in_flight})) {
    return Bottleneck::look;
  }
  return Bottleneck::other;
}

}  // namespace upkeep::simulation
