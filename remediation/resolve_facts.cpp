#include "remediation/resolve_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "remediation/resolve.h"
#include "remediation/rules/finding.h"
#include "remediation/words.h"

namespace upkeep {
namespace {

std::string name_of(const DrbdPeer& peer) {
  return peer.name.value.empty() || peer.name.value == kPeerOf84 ? "the other node"
                                                                 : peer.name.value;
}

std::string evidence_fact(const DrbdResource& resource, const World& world) {
  const auto evidence = split_brain_of(resource, world);
  if (!evidence) return "no split brain is on record, only a link that stands alone";
  return fmt::format("split brain seen{} ({})", on(evidence->at), evidence->what);
}

std::string role_fact(const DrbdResource& resource, const World& world) {
  const std::string fact = fmt::format("this node is {}", resource.role.text);
  const bool crashed = std::ranges::any_of(resource.devices, [](const DrbdDevice& device) {
    return device.crashed_primary.value_or(false);
  });
  if (resource.role == DrbdRole::primary) return fact + ": something here is writing to it now";
  if (history_of(resource.name, world).primary_alone) {
    return fact + "; it was Primary in this boot while no peer was connected";
  }
  if (crashed) return fact + "; it was Primary when it went down hard";
  return fact + "; nothing on record says that it was Primary without its peer in this boot";
}

/// What was written here since the link to the peer was lost, and can't be asked from over there.
std::string written_fact(const DrbdPeer& peer) {
  std::optional<Bytes> missing;
  for (const DrbdPeerDevice& device : peer.devices) {
    if (!device.out_of_sync) continue;
    missing = Bytes{missing.value_or(Bytes{}).count + device.out_of_sync->count};
  }
  const std::string link = fmt::format(
      "the link to {} is {}{}", name_of(peer), peer.connection.text,
      peer.loss ? fmt::format(", given up{} ({})", on(peer.loss->at), to_string(peer.loss->cause))
                : "");
  if (!missing) return link + "; how much was written here since is not known";
  return fmt::format("{}; {} here differ from what it had, as far as this node knows", link,
                     bytes_text(static_cast<double>(missing->count)));
}

std::string vm_fact(const Vm& vm, const World& world) {
  std::string fact = fmt::format("{} has a disk on it and is {} here", vm.name.value, state_of(vm));
  const auto line = world.history.intents.find(vm.uuid);
  if (line == world.history.intents.end() || line->second.last_stop == StopCause::none) return fact;
  return fact + fmt::format("; last stop: {}{}", to_string(line->second.last_stop),
                            on(line->second.changed));
}

}  // namespace

std::vector<std::string> resolve_facts(const DrbdResource& resource, const World& world) {
  std::vector<std::string> facts{evidence_fact(resource, world), role_fact(resource, world)};
  for (const DrbdPeer& peer : resource.peers) facts.push_back(written_fact(peer));
  for (const Vm* vm : vms_on(resource, world.snapshot)) facts.push_back(vm_fact(*vm, world));
  if (!world.snapshot.vms.fresh(world.now, world.policy.freshness.vms)) {
    facts.emplace_back("libvirt does not answer, so that VMs may be missing or wrong here");
  }
  facts.emplace_back(
      "what the other side wrote, and whether it is Primary, can't be seen from here: look there "
      "with `upkeep drbd status` before you decide");
  return facts;
}

std::string other_sides_part(const ResolveSplitBrain& resolve, const Snapshot& snapshot) {
  std::string where = "the other node";
  if (const auto* resource = find_resource(snapshot, resolve.resource)) {
    const auto apart = std::ranges::find_if(resource->peers, [](const DrbdPeer& peer) {
      return peer.connection != DrbdConnection::connected;
    });
    if (apart != resource->peers.end()) where = name_of(*apart);
  }
  const bool discards = resolve.side == SplitBrainSide::discard_local;
  return fmt::format("on {}: upkeep drbd resolve {} {}", where, resolve.resource.value,
                     discards ? "--keep-local" : "--discard-local");
}

}  // namespace upkeep
