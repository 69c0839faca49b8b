#include "simulation/cluster.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace upkeep::simulation {
namespace {

/// From a wish to ask until the question: later than what it is to follow.
constexpr Duration kPoked = std::chrono::milliseconds(1);

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
      next_questions_(options_.nodes.size(), kBegin) {
  for (const NodeOptions& node : options_.nodes) {
    nodes_.push_back(std::make_unique<SimulatedNode>(nodes_.size(), node, now_, replication_));
  }
}

void Cluster::run_until(Tick end) {
  for (;;) {
    replication_.advance(
        now_, kBeginWall + std::chrono::duration_cast<WallTime::duration>(now_ - kBegin));
    ask_around();
    for (const auto& node : nodes_) {
      if (node->advance() && on_step) on_step(*node);
    }
    if (now_ >= end) return;
    now_ = std::min(std::max(next(), now_), end);
  }
}

Tick Cluster::next() const {
  Tick next = Tick::max();
  if (const auto synced = replication_.next_end()) next = std::min(next, *synced);
  for (const auto& node : nodes_) {
    next = std::min(next, node->next());
    if (!node->runs_daemon() || is_asking(*node)) continue;
    next = std::min(next, next_questions_[node->index()]);
    if (node->is_poked()) next = std::min(next, now_ + kPoked);
  }
  for (const Question& question : questions_) {
    const Tick answered = question.at + question.travel.there;
    next = std::min(next, question.reply ? answered + question.travel.back : answered);
  }
  return next;
}

void Cluster::ask_around() {
  move_questions();
  for (const auto& node : nodes_) {
    Tick& due = next_questions_[node->index()];
    // The next round begins after this one.
    if (!node->runs_daemon() || is_asking(*node)) continue;
    if (node->takes_a_poke()) due = std::min(due, now_);
    if (now_ < due) continue;
    due = now_ + options_.peers_every;
    ask_all(*node);
  }
  move_questions();
}

bool Cluster::is_asking(const SimulatedNode& node) const {
  return std::ranges::any_of(questions_, [&](const Question& question) {
    return question.asks == node.index() && question.daemon == node.daemons();
  });
}

void Cluster::ask_all(SimulatedNode& node) {
  for (const auto& other : nodes_) {
    if (other->index() == node.index()) continue;
    Question question{
        .asks = node.index(), .asked = other->index(), .daemon = node.daemons(), .at = now_};
    if (on_travel) question.travel = on_travel(question.asks, question.asked);
    questions_.push_back(std::move(question));
  }
}

void Cluster::move_questions() {
  std::erase_if(questions_, [&](Question& question) {
    const Tick answered = question.at + question.travel.there;
    if (now_ < answered) return false;
    if (!question.reply) question.reply = ask(question.asks, question.asked);
    if (now_ < answered + question.travel.back) return false;
    hear(question);
    return true;
  });
}

void Cluster::hear(const Question& question) {
  SimulatedNode& node = *nodes_.at(question.asks);
  if (!node.runs_daemon() || node.daemons() != question.daemon) return;
  const NodeName& name = nodes_.at(question.asked)->options().name;
  auto peer = std::ranges::find(node.peers, name, &Peer::name);
  if (peer == node.peers.end()) {
    node.peers.push_back(Peer{.name = name});
    peer = std::prev(node.peers.end());
  }
  const Reply& reply = *question.reply;
  if (reply.heard) peer->heard = question.at;
  if (reply.facts) {
    // One by one: g++ 12 warns of the whole at once, wrongly, when it optimises.
    peer->facts.reading = reply.facts;
    peer->facts.at = question.at;
    peer->error.reset();
    return;
  }
  peer->error = reply.facts.error();  // What it said last stays, and grows old.
  if (!peer->facts.reading) peer->facts.reading = std::unexpected(reply.facts.error());
}

Reply Cluster::ask(NodeIndex asks, NodeIndex asked) const {
  if (on_question) return on_question(asks, asked);
  const SimulatedNode& other = *nodes_.at(asked);
  return {.facts = other.facts(), .heard = other.powered()};
}

}  // namespace upkeep::simulation
