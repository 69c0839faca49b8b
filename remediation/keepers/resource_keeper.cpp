#include "remediation/keepers/resource_keeper.h"

namespace upkeep {

void ResourceKeeper::take(const DrbdEvent& event) {
  const auto known = history_.resources.find(event.resource);
  put(event.resource,
      after_event(known == history_.resources.end() ? ResourceHistory{} : known->second, event));
}

void ResourceKeeper::take_reading(const Step& step) {
  const auto& drbd = step.snapshot.drbd;
  if (!drbd.fresh(step.now, step.policy.freshness.drbd)) return;
  if (last_reading_ && drbd.at <= *last_reading_) return;
  // A peer may have come, written and gone while nobody looked.
  if (last_reading_ && drbd.at - *last_reading_ > step.policy.freshness.drbd) forget_being_alone();
  last_reading_ = drbd.at;
  for (const DrbdResource& resource : (*drbd.reading)->resources) {
    const auto known = history_.resources.find(resource.name);
    put(resource.name,
        after_look(known == history_.resources.end() ? ResourceHistory{} : known->second,
                   resource));
  }
}

void ResourceKeeper::begin_boot(const std::map<ResourceName, ResourceHistory>& known) {
  for (const auto& [name, before] : known) {
    ResourceHistory& line = history_.resources[name];
    line.seen_up = line.seen_up || before.seen_up;
    line.primary_alone = line.primary_alone || before.primary_alone;
    line.ever_connected = line.ever_connected || before.ever_connected;
    if (!line.split_brain) line.split_brain = before.split_brain;
  }
  forget_being_alone();
}

void ResourceKeeper::forget_being_alone() {
  for (auto& [name, line] : history_.resources) {
    if (!line.primary_alone) continue;
    line.primary_alone = false;
    journal_.changed(name);
  }
}

void ResourceKeeper::put(const ResourceName& name, const ResourceHistory& after) {
  const auto known = history_.resources.find(name);
  if (known != history_.resources.end() && known->second == after) return;
  history_.resources[name] = after;
  journal_.changed(name);
}

}  // namespace upkeep
