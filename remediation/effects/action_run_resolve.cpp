// A person's decision about a split brain, carried out.

#include <fmt/format.h>

#include "remediation/effects/action_run.h"
#include "remediation/resolve.h"

namespace upkeep {

Outcome ActionRun::resolve(const ResolveSplitBrain& resolve) {
  return resolve.side == SplitBrainSide::discard_local ? discard_local(resolve.resource)
                                                       : keep_local(resolve.resource);
}

Outcome ActionRun::discard_local(const ResourceName& resource) {
  if (auto stop = look()) return *stop;
  // A link that still tries would meet its peer without saying that it gives up its data.
  const DrbdResource* seen = find_resource(*facts_, resource);
  if (seen != nullptr && peers_given_up(*seen).size() < seen->peers.size()) {
    const auto failed = order(
        [&] { return tools_.replication->disconnect(resource, terms(&ActionRun::look_and_go)); });
    if (failed) return *failed;
    steps_.emplace_back("disconnected it");
  }
  // The evidence stays until the sides are one again: this copy is stale, and no guest may start
  // on it meanwhile.
  return send([&] {
    return tools_.replication->connect_discarding_local(resource, terms(&ActionRun::look_and_go));
  });
}

Outcome ActionRun::keep_local(const ResourceName& resource) {
  // Before the look and the command: what they bring is new.
  const auto settle = tools_.facts->split_brain_settler(resource);
  if (auto stop = look()) return *stop;
  const DrbdResource* seen = find_resource(*facts_, resource);
  const auto peers = seen == nullptr ? std::vector<NodeName>{} : peers_given_up(*seen);
  const bool only_link = seen != nullptr && seen->peers.size() == 1;
  for (const NodeName& peer : peers) {
    // What the first of them brought about is no reason not to send the others.
    const Terms asked = terms(peer == peers.front() ? &ActionRun::look_and_go : &ActionRun::go);
    const auto failed = order([&] {
      return only_link
                 ? tools_.replication->connect(resource, asked)
                 : tools_.replication->connect_link({.resource = resource, .peer = peer}, asked);
    });
    if (failed) return *failed;
    steps_.push_back(fmt::format("told it to connect to {}", peer.value));
  }
  if (peers.empty()) steps_.emplace_back("nothing to send: no link stands alone");
  settle();
  return {.kind = Outcome::Kind::succeeded, .reason = "", .detail = ""};
}

}  // namespace upkeep
