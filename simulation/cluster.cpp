#include "simulation/cluster.h"

#include <algorithm>
#include <utility>

namespace upkeep::simulation {
namespace {

std::vector<NodeName> names_of(const std::vector<NodeOptions>& nodes) {
  std::vector<NodeName> names;
  names.reserve(nodes.size());
  for (const NodeOptions& node : nodes) names.push_back(node.name);
  return names;
}

}  // namespace

Cluster::Cluster(ClusterOptions options)
    : options_(std::move(options)),
      now_(kBegin),
      replication_({.nodes = names_of(options_.nodes),
                    .version = options_.drbd_version,
                    .resync = options_.resync}),
      next_question_(kBegin) {
  for (const NodeOptions& node : options_.nodes) {
    nodes_.push_back(std::make_unique<SimulatedNode>(nodes_.size(), node, now_, replication_));
  }
}

void Cluster::run_until(Tick end) {
  for (;;) {
    replication_.advance(
        now_, kBeginWall + std::chrono::duration_cast<WallTime::duration>(now_ - kBegin));
    if (now_ >= next_question_) {
      ask_around();
      next_question_ = now_ + options_.peers_every;
    }
    for (const auto& node : nodes_) {
      if (node->advance() && on_step) on_step(*node);
    }
    if (now_ >= end) return;
    now_ = std::min(std::max(next(), now_), end);
  }
}

Tick Cluster::next() const {
  Tick next = next_question_;
  if (const auto synced = replication_.next_end()) next = std::min(next, *synced);
  for (const auto& node : nodes_) next = std::min(next, node->next());
  return next;
}

void Cluster::ask_around() {
  for (const auto& node : nodes_) {
    std::vector<Peer> known = std::move(node->peers);
    node->peers.clear();
    for (const auto& other : nodes_) {
      if (other == node) continue;
      const auto before = std::ranges::find(known, other->options().name, &Peer::name);
      Peer peer = before == known.end() ? Peer{.name = other->options().name} : std::move(*before);
      Result<PeerFacts> answer = ask(node->index(), other->index());
      if (answer) {
        // One by one: g++ 12 warns of the whole at once, wrongly, when it optimises.
        peer.facts.reading = std::move(answer);
        peer.facts.at = now_;
        peer.error.reset();
      } else {
        peer.error = answer.error();  // What it said last stays, and grows old.
      }
      node->peers.push_back(std::move(peer));
    }
  }
}

Result<PeerFacts> Cluster::ask(NodeIndex asks, NodeIndex asked) const {
  if (on_question) return on_question(asks, asked);
  const SimulatedNode& other = *nodes_.at(asked);
  if (!other.runs_daemon()) return fail(Errc::unavailable, "connection refused");
  return other.facts();
}

}  // namespace upkeep::simulation
