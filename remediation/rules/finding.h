#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remediation/rules/rule.h"
#include "remediation/sight.h"

namespace upkeep {

/// A finding of `rule` about `subject`, with what is on record of the problem: what showed it
/// first, since when, whether it is confirmed.
[[nodiscard]] Finding finding(std::string_view rule, Target subject, std::string detail,
                              const World& world);

/// What this boot has shown of the resource; nothing known is the default.
[[nodiscard]] ResourceHistory history_of(const ResourceName& resource, const World& world);

/// Why upkeep keeps its hands off the resource: it belongs to another manager.
[[nodiscard]] std::optional<Held> foreign_hold(const DrbdResource& resource, const World& world);

/// Why a resource that is half up is left alone for its first half minute: whoever brings it up (a
/// person's `drbdadm adjust`, the node's own boot) may still be at it, and would fail at a command
/// of ours in between. Nothing when it was connected since it came up, or when it is our own
/// bring-up that was cut short.
[[nodiscard]] std::optional<Held> half_up_hold(const Finding& found, const World& world);

/// The VM that the finding is about, or why nothing is done: libvirt does not list it.
[[nodiscard]] std::expected<const Vm*, Held> vm_of(const Finding& found, const World& world);

/// Why upkeep may not act on the VM: another manager's, or only alerts may ask for it.
[[nodiscard]] std::optional<Held> vm_authority_hold(const Vm& vm, const Finding& found,
                                                    const World& world);

/// One finding for each resource in sight that is in the kernel and about which `describe` has
/// something to say; an empty text is nothing to say.
template <class Describe>
[[nodiscard]] std::vector<Finding> findings_about(std::string_view rule, const World& world,
                                                  Describe describe) {
  std::vector<Finding> findings;
  const Drbd* drbd = drbd_in_sight(world);
  if (drbd == nullptr || !world.snapshot.drbd_in_use) return findings;
  for (const DrbdResource& resource : drbd->resources) {
    if (!resource.in_kernel) continue;
    std::string detail = describe(resource);
    if (detail.empty()) continue;
    findings.push_back(finding(rule, target_of(resource.name), std::move(detail), world));
  }
  return findings;
}

/// Evidence of split brain, in the reading or on record.
[[nodiscard]] std::optional<SplitBrainEvidence> split_brain_of(const DrbdResource& resource,
                                                               const World& world);

}  // namespace upkeep
