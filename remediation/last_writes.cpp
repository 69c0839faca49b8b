#include "remediation/last_writes.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include "exporter/model/node_names.h"
#include "remediation/drbd_peer.h"
#include "remediation/resolve.h"
#include "remediation/rules/finding.h"
#include "remediation/words.h"

namespace upkeep {
namespace {

constexpr std::string_view kNameless = "the other node";

std::string name_of(const DrbdPeer& peer) {
  return peer.name.value.empty() || peer.name.value == kPeerOf84 ? std::string(kNameless)
                                                                 : peer.name.value;
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

/// "; its upkeep says that web1 is active there". Also an old answer tells something.
std::string active_there(const DrbdPeer& peer, const DrbdResource& resource, const World& world) {
  std::vector<NodeName> names;
  for (const Peer& node : world.snapshot.peers) names.push_back(node.name);
  const auto& drbd = world.snapshot.drbd.reading;
  const std::set<NodeName> peers = drbd ? drbd_peers(**drbd) : std::set<NodeName>{};
  const NodeName* name = counterpart(peer.name, names, peers);
  if (name == nullptr) return "";
  const auto said = std::ranges::find(world.snapshot.peers, *name, &Peer::name);
  if (!said->facts.reading) return "";
  std::string active;
  for (const Vm* vm : vms_on(resource, world.snapshot)) {
    if (std::ranges::count(said->facts.reading->active_vms, vm->uuid) == 0) continue;
    active += (active.empty() ? "" : ", ") + vm->name.value;
  }
  if (active.empty()) return "";
  const bool fresh = said->facts.fresh(world.now, world.policy.freshness.peers);
  const std::string when =
      fresh ? "says" : fmt::format("said {} ago", span(world.now - said->facts.at));
  return fmt::format("; its upkeep {} that there is active: {}", when, active);
}

std::string there_fact(const DrbdPeer& peer, const DrbdResource& resource, const World& world) {
  const std::string name = name_of(peer);
  const bool seen = peer.connection == DrbdConnection::connected && peer.role != DrbdRole::unknown;
  std::string fact =
      seen ? fmt::format("{} is {}", name, peer.role.text)
           : fmt::format("whether {} is Primary, and what it wrote, can't be seen from here", name);
  fact += active_there(peer, resource, world);
  if (seen) return fact;
  return fact + fmt::format("; look there: upkeep why {} on {}",
                            to_string(target_of(resource.name)), name);
}

/// What came before and between the looks nobody here knows, and it isn't claimed.
std::string primary_fact(const ResourceName& resource, const NodeName& node, const World& world) {
  const auto found = world.history.last_primary.find({resource, node});
  const bool here = node.value.empty();
  if (found == world.history.last_primary.end()) {
    return here ? "no time on record when this node was seen Primary"
                : "no time on record when it was seen Primary from here";
  }
  const LastPrimary& last = found->second;
  if (!last.until) {
    return fmt::format("seen Primary {}, first{}, and still at the last look",
                       here ? "here" : "from here", on(last.since));
  }
  const std::string span =
      fmt::format("last seen Primary {}{}, first{}", here ? "here" : "from here", on(*last.until),
                  on(last.since));
  switch (last.end) {
    case PrimaryEnd::demoted: return span + "; then Secondary, while both sides were connected";
    case PrimaryEnd::demoted_alone: return span + "; then Secondary, with no peer connected";
    case PrimaryEnd::still:
    case PrimaryEnd::out_of_sight: break;
  }
  return span + "; what it was right after that, nobody here saw";
}

}  // namespace

std::vector<std::string> primaries_there(const DrbdResource& resource, const World& world) {
  std::vector<std::string> facts;
  for (const DrbdPeer& peer : resource.peers) {
    facts.push_back(name_of(peer) + ": " + primary_fact(resource.name, peer.name, world));
  }
  return facts;
}

std::string role_fact(const DrbdResource& resource, const World& world) {
  const std::string fact = resource.in_kernel ? fmt::format("this node is {}", resource.role.text)
                                              : "the resource is down";
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

std::vector<std::string> writes_here(const DrbdResource& resource, const World& world) {
  std::vector<std::string> facts{role_fact(resource, world),
                                 primary_fact(resource.name, NodeName{}, world)};
  for (const DrbdPeer& peer : resource.peers) facts.push_back(written_fact(peer));
  for (const Vm* vm : vms_on(resource, world.snapshot)) facts.push_back(vm_fact(*vm, world));
  if (!world.snapshot.vms.fresh(world.now, world.policy.freshness.vms)) {
    facts.emplace_back("libvirt does not answer, so that VMs may be missing or wrong here");
  }
  return facts;
}

std::vector<std::string> writes_there(const DrbdResource& resource, const World& world) {
  std::vector<std::string> facts;
  for (const DrbdPeer& peer : resource.peers) facts.push_back(there_fact(peer, resource, world));
  std::ranges::move(primaries_there(resource, world), std::back_inserter(facts));
  return facts;
}

std::string other_side(const DrbdResource& resource) {
  std::optional<std::string> first;
  for (const DrbdPeer& peer : resource.peers) {
    if (peer.connection == DrbdConnection::connected) continue;
    if (!first || name_of(peer) < *first) first = name_of(peer);
  }
  return first.value_or(std::string(kNameless));
}

}  // namespace upkeep
