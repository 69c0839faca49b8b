#include <algorithm>

#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "vm_missing";

/// It moved while upkeep did not look, and is no loss. Also an old answer counts.
bool is_active_elsewhere(const VmUuid& uuid, const World& world) {
  return std::ranges::any_of(world.snapshot.peers, [&](const Peer& peer) {
    return peer.facts.reading && std::ranges::count(peer.facts.reading->active_vms, uuid) > 0;
  });
}

bool is_missing(const Intent& line, const World& world) {
  if (wish_for(line.uuid, line.name, world).keep != Keep::up) return false;
  // Of a name that is listed vm_down speaks: somebody defined the VM anew.
  if (find_vm(world.snapshot, line.uuid) != nullptr ||
      find_vm(world.snapshot, line.name) != nullptr) {
    return false;
  }
  return !is_gone(line, world) && !is_active_elsewhere(line.uuid, world);
}

std::vector<Finding> detect(const World& world) {
  if (vms_in_sight(world) == nullptr || inventory_lost(world)) return {};
  std::vector<Finding> findings;
  for (const auto& [uuid, line] : world.history.intents) {
    if (!is_missing(line, world)) continue;
    findings.push_back(finding(kName, target_of(line.name), "not listed by libvirt", world));
  }
  return findings;
}

std::expected<Action, Held> remedy(const Finding& found, const World& /*world*/) {
  return std::unexpected(hold(Hold::no_remedy,
                              "its definition is gone (a transient VM that stopped, a damaged or "
                              "removed file): define it again, or say that it is wanted no more",
                              "upkeep mark " + found.subject.name + " down"));
}

}  // namespace

const Rule& vm_missing_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = true, .drbd = false}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
