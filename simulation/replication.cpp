#include "simulation/replication.h"

#include <algorithm>
#include <utility>

namespace upkeep::simulation {
namespace {

bool usable(const Replication::Side& side) { return side.disk == DrbdDisk::up_to_date; }

}  // namespace

void Replication::add(const ResourceName& name, DeviceMinor minor, std::array<NodeIndex, 2> nodes) {
  resources_.push_back(
      {.name = name, .minor = minor, .sides = {Side{.node = nodes[0]}, Side{.node = nodes[1]}}});
}

Replication::Place Replication::place(NodeIndex node, const ResourceName& name) {
  const auto found = std::ranges::find(resources_, name, &Resource::name);
  if (found == resources_.end()) return {};
  auto& [first, second] = found->sides;
  if (first.node == node) return {.resource = &*found, .here = &first, .there = &second};
  if (second.node == node) return {.resource = &*found, .here = &second, .there = &first};
  return {};
}

const Replication::Side* Replication::side(NodeIndex node, const ResourceName& name) const {
  const auto found = std::ranges::find(resources_, name, &Resource::name);
  if (found == resources_.end()) return nullptr;
  const auto* const here = std::ranges::find(found->sides, node, &Side::node);
  return here == found->sides.end() ? nullptr : here;
}

const Replication::Side* Replication::other_side(NodeIndex node, const ResourceName& name) const {
  const Side* here = side(node, name);
  if (here == nullptr) return nullptr;
  const auto found = std::ranges::find(resources_, name, &Resource::name);
  return here == found->sides.data() ? &found->sides.back() : found->sides.data();
}

void Replication::node_down(NodeIndex node) {
  for (Resource& resource : resources_) {
    for (Side& one : resource.sides) {
      if (one.node != node || !one.in_kernel) continue;
      note_writing(resource);
      // What the metadata keep, and nothing else.
      one = {.node = node,
             .wrote_alone = one.wrote_alone,
             .wrote = one.wrote,
             .crashed_primary = one.crashed_primary || one.primary,
             .disk = one.disk};
      settle(resource);
    }
  }
}

void Replication::cut(const ResourceName& name, bool cut) {
  const auto found = std::ranges::find(resources_, name, &Resource::name);
  if (found == resources_.end() || found->cut == cut) return;
  found->cut = cut;
  settle(*found);
}

void Replication::advance(Tick now, WallTime wall) {
  now_ = now;
  wall_ = wall;
  for (Resource& resource : resources_) {
    if (!resource.sync_target || resource.synced > now) continue;
    resource.sync_target.reset();
    for (Side& one : resource.sides) {
      one.disk = DrbdDisk::up_to_date;
      one.wrote_alone = false;
      one.crashed_primary = false;
    }
    settle(resource);
  }
}

std::optional<Tick> Replication::next_end() const {
  std::optional<Tick> next;
  for (const Resource& resource : resources_) {
    if (resource.sync_target) next = std::min(next.value_or(resource.synced), resource.synced);
  }
  return next;
}

/// Brings the link in order with what the two sides are, and tells both that something changed.
void Replication::settle(Resource& resource) {
  auto& [first, second] = resource.sides;
  const bool can_link = first.in_kernel && second.in_kernel && !resource.cut &&
                        !first.stand_alone && !second.stand_alone;
  if (can_link && !resource.linked) shake_hands(resource);
  if (!can_link && resource.linked) part(resource);
  note_writing(resource);
  for (const Side& one : resource.sides) ++generations_[one.node];
}

void Replication::note_writing(Resource& resource) const {
  for (Side& one : resource.sides) {
    if (!one.open || resource.linked) continue;
    one.wrote_alone = true;
    one.wrote = now_;
  }
}

void Replication::part(Resource& resource) {
  resource.linked = false;
  resource.sync_target.reset();  // What was half done stays Inconsistent.
}

void Replication::shake_hands(Resource& resource) {
  auto& [first, second] = resource.sides;
  if ((first.wrote_alone && second.wrote_alone) || (first.primary && second.primary)) {
    for (Side& one : resource.sides) {
      one.stand_alone = true;
      one.evidence = SplitBrainEvidence{.what = "helper split-brain", .at = wall_};
      one.loss = LinkLoss{.cause = LinkLossCause::split_brain, .what = "split brain", .at = wall_};
    }
    return;
  }
  const bool second_is_newer =
      second.wrote_alone || (!first.wrote_alone && (second.crashed_primary || !usable(first)));
  Side& source = second_is_newer ? second : first;
  Side& target = second_is_newer ? first : second;
  const bool same = !source.wrote_alone && !source.crashed_primary && usable(target);
  if (!same && target.primary) {  // "I shall become SyncTarget, but I am primary!"
    target.stand_alone = true;
    target.loss = LinkLoss{
        .cause = LinkLossCause::role_conflict, .what = "sync target, but primary", .at = wall_};
    return;
  }
  resource.linked = true;
  if (!same) sync(resource, source, target);
}

void Replication::sync(Resource& resource, Side& source, Side& target) {
  source.disk = DrbdDisk::up_to_date;
  target.disk = DrbdDisk::inconsistent;
  resource.sync_target = target.node;
  resource.synced = now_ + options_.resync;
}

Result<void> Replication::bring_up(NodeIndex node, const ResourceName& name) {
  const Place at = place(node, name);
  if (at.here == nullptr) return fail(Errc::not_found, "not defined in your config");
  at.here->in_kernel = true;
  settle(*at.resource);
  return {};
}

Result<void> Replication::connect(NodeIndex node, const ResourceName& name) {
  const Place at = place(node, name);
  if (at.here == nullptr || !at.here->in_kernel) return fail(Errc::not_found, "unknown resource");
  if (!at.here->stand_alone) return fail(Errc::conflict, "it is on its way already");
  at.here->stand_alone = false;
  at.here->loss.reset();
  settle(*at.resource);
  return {};
}

Result<void> Replication::take_down(NodeIndex node, const ResourceName& name) {
  const Place at = place(node, name);
  if (at.here == nullptr || !at.here->in_kernel) return fail(Errc::not_found, "unknown resource");
  if (at.here->open) return fail(Errc::conflict, "Device is held open by someone");
  *at.here = {.node = node,
              .wrote_alone = at.here->wrote_alone,
              .crashed_primary = at.here->crashed_primary,
              .disk = at.here->disk};
  settle(*at.resource);
  return {};
}

Result<void> Replication::promote(NodeIndex node, const ResourceName& name) {
  const Place at = place(node, name);
  if (at.here == nullptr || !at.here->in_kernel) return fail(Errc::not_found, "unknown resource");
  if (at.resource->linked && at.there->primary) {
    return fail(Errc::conflict, "Multiple primaries not allowed by config");
  }
  if (!usable(*at.here) && !(at.resource->linked && usable(*at.there))) {
    return fail(Errc::storage, "Need access to UpToDate data");
  }
  at.here->primary = true;
  settle(*at.resource);
  return {};
}

Result<void> Replication::demote(NodeIndex node, const ResourceName& name) {
  const Place at = place(node, name);
  if (at.here == nullptr || !at.here->in_kernel) return fail(Errc::not_found, "unknown resource");
  if (at.here->open) return fail(Errc::conflict, "Device is held open by someone");
  at.here->primary = false;
  settle(*at.resource);
  return {};
}

Result<void> Replication::open(NodeIndex node, const ResourceName& name) {
  const Place at = place(node, name);
  if (at.here == nullptr || !at.here->in_kernel) return fail(Errc::storage, "no such device");
  if (!at.here->primary) {
    if (is_84()) return fail(Errc::storage, "the device is not Primary");
    if (auto done = promote(node, name); !done) return fail(Errc::storage, done.error().message);
  }
  at.here->open = true;
  settle(*at.resource);
  return {};
}

void Replication::close(NodeIndex node, const ResourceName& name) {
  const Place at = place(node, name);
  if (at.here == nullptr) return;
  note_writing(*at.resource);
  at.here->open = false;
  if (!is_84()) at.here->primary = false;
  settle(*at.resource);
}

void Replication::resolve(const ResourceName& name, NodeIndex loser) {
  const Place at = place(loser, name);
  if (at.here == nullptr) return;
  at.here->wrote_alone = false;
  for (Side& one : at.resource->sides) {
    one.stand_alone = false;
    one.evidence.reset();
    one.loss.reset();
  }
  settle(*at.resource);
}

std::uint64_t Replication::generation(NodeIndex node) const {
  const auto found = generations_.find(node);
  return found == generations_.end() ? 0 : found->second;
}

}  // namespace upkeep::simulation
