#include "remediation/rules/finding.h"

#include <utility>

namespace upkeep {

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
  return found;
}

Held hold(Hold reason, std::string detail, std::string opens_with) {
  return {.reason = reason,
          .detail = std::move(detail),
          .opens_with = std::move(opens_with),
          .retry_at = std::nullopt};
}

ResourceHistory history_of(const ResourceName& resource, const World& world) {
  const auto found = world.history.resources.find(resource);
  return found == world.history.resources.end() ? ResourceHistory{} : found->second;
}

std::optional<SplitBrainEvidence> split_brain_of(const DrbdResource& resource, const World& world) {
  return resource.split_brain ? resource.split_brain : history_of(resource.name, world).split_brain;
}

}  // namespace upkeep
