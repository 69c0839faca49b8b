#include "remediation/rules/finding.h"

#include <chrono>
#include <utility>

namespace upkeep {
namespace {

/// `drbdadm adjust all` attaches all disks before it connects the first link.
constexpr Duration kOthersBringUp = std::chrono::seconds(30);

bool is_our_bring_up(const Target& subject, const ResourceHistory& known, const World& world) {
  const auto tried = world.history.targets.find(subject);
  return !known.seen_up && tried != world.history.targets.end() && tried->second.in_row > 0;
}

/// Did an alert in force show the problem first, or is it the only thing that may have it mended?
bool alert_goes_first(std::string_view rule, const Finding& found, const World& world) {
  if (found.trigger == Trigger::manual) return false;
  const auto asked = world.history.asked_by_alert.find({std::string(rule), found.subject});
  if (asked == world.history.asked_by_alert.end()) return false;
  if (found.subject.kind == Target::Kind::resource) return asked->second <= found.since;
  const ActOn act_on = policy_for(world.policy, VmName{found.subject.name}).act_on;
  return act_on == ActOn::alerts || (act_on == ActOn::both && asked->second <= found.since);
}

}  // namespace

Finding finding(std::string_view rule, Target subject, std::string detail, const World& world) {
  Finding found{.rule = rule,
                .subject = std::move(subject),
                .trigger = Trigger::poll,
                .confirmed = false,
                .since = world.now,
                .detail = std::move(detail)};
  const auto problem = world.history.problems.find({std::string(rule), found.subject});
  if (problem != world.history.problems.end()) {
    found.trigger = problem->second.trigger;
    found.since = problem->second.since;
    found.confirmed = is_confirmed(problem->second);
  }
  if (alert_goes_first(rule, found, world)) found.trigger = Trigger::webhook;
  return found;
}

ResourceHistory history_of(const ResourceName& resource, const World& world) {
  const auto found = world.history.resources.find(resource);
  return found == world.history.resources.end() ? ResourceHistory{} : found->second;
}

std::optional<Held> foreign_hold(const DrbdResource& resource, const World& world) {
  if (!resource.other_manager.empty()) {
    return hold(Hold::other_manager, "it belongs to " + resource.other_manager);
  }
  if (world.policy.foreign_cluster_manager) {
    return hold(Hold::other_manager, "a cluster manager is configured on this node");
  }
  return std::nullopt;
}

std::optional<Held> half_up_hold(const Finding& found, const World& world) {
  const ResourceHistory known = history_of(ResourceName{found.subject.name}, world);
  if (known.ever_connected || is_our_bring_up(found.subject, known, world)) return std::nullopt;
  const Tick over = found.since + kOthersBringUp;
  if (world.now >= over) return std::nullopt;
  Held held = hold(Hold::unconfirmed, "whoever brings it up may still be at it");
  held.retry_at = over;
  return held;
}

std::expected<const Vm*, Held> vm_of(const Finding& found, const World& world) {
  const Vm* vm = find_vm(world.snapshot, VmName{found.subject.name});
  if (vm != nullptr) return vm;
  return std::unexpected(hold(Hold::inventory_empty, "libvirt does not list it"));
}

std::optional<Held> vm_authority_hold(const Vm& vm, const Finding& found, const World& world) {
  const std::string mark_up = "upkeep mark " + vm.name.value + " up";
  const bool marked = wish_for(vm.uuid, vm.name, world).authority == Wish::Authority::mark;
  if (!vm.other_manager.empty() && !marked) {
    return hold(Hold::other_manager, "it belongs to " + vm.other_manager, mark_up);
  }
  if (world.policy.foreign_cluster_manager && !marked) {
    return hold(Hold::other_manager, "a cluster manager is configured on this node", mark_up);
  }
  const bool only_alerts = policy_for(world.policy, vm.name).act_on == ActOn::alerts;
  const bool asked = found.trigger == Trigger::webhook || found.trigger == Trigger::manual;
  if (only_alerts && !asked) return hold(Hold::not_allowed_to_act, "act_on = \"alerts\"");
  return std::nullopt;
}

std::optional<SplitBrainEvidence> split_brain_of(const DrbdResource& resource, const World& world) {
  return resource.split_brain ? resource.split_brain : history_of(resource.name, world).split_brain;
}

}  // namespace upkeep
