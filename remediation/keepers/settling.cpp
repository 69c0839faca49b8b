#include "remediation/keepers/settling.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "remediation/sight.h"

namespace upkeep {
namespace {

/// How long a list must stay as it is to be taken for whole. libvirtd answers nobody before it has
/// read its definitions, so that even the first list should be.
constexpr Duration kListLasts = std::chrono::milliseconds(250);

/// Answered, or silent for as long as it is waited for. One that says it runs a VM must be heard
/// before the VM is started here.
bool has_been_asked(const Peer& peer) { return peer.facts.reading || peer.error; }

}  // namespace

void Settling::Listing::take(std::set<std::string> listed, Tick at) {
  if (!any || listed != names) {
    names = std::move(listed);
    first = at;
  }
  last = at;
  any = true;
}

bool Settling::Listing::settled() const { return any && last - first >= kListLasts; }

void Settling::look(History& history, const Step& step) {
  if (history.settled_at) return;
  const World world{step.snapshot, step.policy, history, step.now};
  const Vms* vms = vms_in_sight(world);
  if (vms != nullptr && !inventory_lost(world)) {
    std::set<std::string> listed;
    for (const Vm& vm : *vms) listed.insert(vm.uuid.value);
    vms_.take(std::move(listed), step.snapshot.vms.at);
  }
  if (const Drbd* drbd = drbd_in_sight(world)) {
    std::set<std::string> listed;
    for (const DrbdResource& resource : drbd->resources) {
      listed.insert(resource.name.value + (resource.in_kernel ? "+" : "-"));
    }
    resources_.take(std::move(listed), step.snapshot.drbd.at);
  }
  const bool peers_asked = std::ranges::all_of(step.snapshot.peers, has_been_asked);
  const bool drbd_settled = !step.snapshot.drbd_in_use || resources_.settled();
  const bool grace_over = step.now - history.started >= step.policy.startup_grace;
  if ((vms_.settled() && drbd_settled && peers_asked) || grace_over) history.settled_at = step.now;
  const bool all_read = vms_.any && (!step.snapshot.drbd_in_use || resources_.any);
  if (history.settled_at) {
    second_look_.reset();
  } else if (all_read && !asked_ && !second_look_) {
    second_look_ = step.now + kListLasts;
  }
}

void Settling::asked() {
  second_look_.reset();
  asked_ = true;
}

}  // namespace upkeep
