#include <fmt/format.h>

#include "remediation/last_writes.h"
#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "drbd_split_brain";

std::vector<Finding> detect(const World& world) {
  const Drbd* drbd = drbd_in_sight(world);
  if (drbd == nullptr || !world.snapshot.drbd_in_use) return {};
  std::vector<Finding> findings;
  for (const DrbdResource& resource : drbd->resources) {
    const auto evidence = split_brain_of(resource, world);
    if (!evidence) continue;
    findings.push_back(finding(kName, target_of(resource.name),
                               fmt::format("in split brain ({})", evidence->what), world));
  }
  return findings;
}

/// Nothing in it changes with each write, so that it isn't a new word every time.
std::string last_words(const ResourceName& name, const World& world) {
  const DrbdResource* resource = find_resource(world.snapshot, name);
  if (resource == nullptr) return "";
  return fmt::format(" Here: {}. There: upkeep why {} on {}.", role_fact(*resource, world),
                     to_string(target_of(name)), other_side(*resource));
}

/// Whose changes to give up is for a person: each way loses writes.
std::expected<Action, Held> remedy(const Finding& found, const World& world) {
  const std::string& name = found.subject.name;
  return std::unexpected(hold(
      Hold::no_remedy,
      fmt::format("both sides have writes of their own.{1} Choose the node whose writes are given "
                  "up; there, with its VM off: upkeep drbd resolve {0} --discard-local. Then on "
                  "the other: upkeep drbd resolve {0} --keep-local. By hand, on the first: drbdadm "
                  "secondary {0}; drbdadm disconnect {0}; drbdadm connect --discard-my-data {0}. "
                  "On the other, if it is StandAlone: drbdadm connect {0}",
                  name, last_words(ResourceName{name}, world)),
      // Without a side, which a person must add: nothing that loses data is there to be copied.
      "upkeep drbd resolve " + name));
}

}  // namespace

const Rule& drbd_split_brain_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
