// What a story begins with: nodes and what they are made of, guests and where they lie.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "tests/support/cluster_story.h"

namespace upkeep::test {
namespace {

using simulation::Guest;
using simulation::Replication;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kSideStream = 0x5ade;
constexpr std::size_t kMostGuests = 12;
constexpr std::size_t kFewGuests = 7;

/// Some bear any number of boots that a small cluster can begin at once, some have weak disks, and
/// some weak cores.
simulation::Hardware hardware_by(simulation::Random& random) {
  simulation::Hardware hardware;
  hardware.cores = static_cast<int>(1 + random.below(3));
  const auto tenths = [&](std::size_t least, std::size_t most) {
    return static_cast<double>(least + random.below(most - least + 1)) / 10;
  };
  const std::size_t dice = random.below(100);
  if (dice < 40) {
    hardware.knee = tenths(10, 40);
    hardware.decay = tenths(2, 10);
    hardware.boot_cpu = tenths(2, 20);
  } else if (dice < 60) {
    hardware.boot_cpu = tenths(20, 40);
  }
  return hardware;
}

simulation::ClusterOptions cluster_by(simulation::Random& random) {
  simulation::ClusterOptions options;
  const std::size_t nodes = 2 + random.below(2);
  const Duration longest = seconds(random.percent(30) ? 1 : 2);
  for (std::size_t i = 0; i < nodes; ++i) {
    options.nodes.push_back({.name = {fmt::format("node{}", i + 1)},
                             .boot = seconds(3 + random.below(10)),
                             .shortest_sleep = milliseconds(900),
                             .longest_sleep = longest});
    options.nodes.back().hardware = hardware_by(random);
  }
  options.drbd_version = random.percent(50) ? "8.4.11" : "9.2.18";
  options.resync = seconds(2 + random.below(10));
  return options;
}

/// Some guests have ranks, some wait for another one.
VmPolicy policy_of_guest(std::size_t number, bool checked, simulation::Random& random) {
  VmPolicy policy;
  policy.match = fmt::format("vm{}", number);
  if (checked) policy.health.kind = HealthCheck::Kind::agent;
  policy.priority = static_cast<int>(random.below(3));
  if (number > 1 && random.percent(30)) {
    policy.after.push_back({fmt::format("vm{}", 1 + random.below(number - 1))});
  }
  return policy;
}

std::shared_ptr<const Policy> policy_by(simulation::Random& random) {
  auto policy = std::make_shared<Policy>();
  policy->mode = Mode::act;
  policy->actions_per_hour = random.percent(30) ? 5 : 20;
  const bool checked = random.percent(50);
  const bool ranked = random.percent(50);
  if (ranked) {
    for (std::size_t i = 1; i <= kMostGuests; ++i) {
      VmPolicy block = policy_of_guest(i, checked, random);
      // The configuration refuses one that waits for a later rank.
      for (const VmName& name : block.after) {
        block.priority = std::max(block.priority, policy_for(*policy, name).priority);
      }
      policy->vms.push_back(std::move(block));
    }
  } else if (checked) {
    VmPolicy every;
    every.health.kind = HealthCheck::Kind::agent;
    policy->vms.push_back(every);
  }
  policy->pacing.slots = static_cast<int>(1 + random.below(4));
  policy->pacing.most = static_cast<int>(1 + random.below(6));
  return policy;
}

std::shared_ptr<const Policy> with_peers(Policy policy, const SimulatedNode& node,
                                         const std::vector<std::unique_ptr<SimulatedNode>>& all) {
  for (const auto& other : all) {
    if (other->index() != node.index()) policy.peers.push_back(other->options().name);
  }
  return std::make_shared<const Policy>(std::move(policy));
}

/// Where nearly nothing works upkeep gives up.
std::size_t obstructed_by(simulation::Random& random) {
  const std::size_t dice = random.below(100);
  if (dice < 50) return 0;
  return dice < 95 ? random.below(30) : 70 + random.below(31);
}

}  // namespace

ClusterStory::ClusterStory(std::uint64_t seed) : random_(seed), side_(seed ^ kSideStream) {
  shares_ = side_.percent(30);
  is_told_ = side_.percent(25);
  cluster_ = std::make_unique<simulation::Cluster>(cluster_by(random_));
  place_guests();
  books_ = std::make_unique<ClusterBooks>(*cluster_, [this](const auto& what) { tell(what); });
  listen();
  const auto policy = policy_by(random_);
  obstructed_ = obstructed_by(random_);
  for (const auto& node : cluster_->nodes()) {
    policies_.push_back(shares_ ? with_peers(*policy, *node, cluster_->nodes()) : policy);
    node->policy = policies_.back();
    node->power_on();
    node->start_daemon();
  }
  faults_ = false;
  run_for(seconds(20));
}

void ClusterStory::place_guests() {
  const std::size_t nodes = cluster_->nodes().size();
  const std::size_t most = random_.percent(15) ? kMostGuests : kFewGuests;
  const std::size_t count = 3 + random_.below(most - 2);
  for (std::size_t i = 0; i < count; ++i) {
    Guest guest;
    guest.name = {fmt::format("vm{}", i + 1)};
    guest.uuid = {guest.name.value};
    guest.boot = seconds(2 + random_.below(12));
    const NodeIndex home = i % nodes;
    const bool mirrored = random_.percent(80);
    const NodeIndex other = mirrored ? (home + 1 + random_.below(nodes - 1)) % nodes : home;
    if (shares_ && side_.percent(60)) {
      share(guest, home);
    } else if (mirrored) {
      mirror(guest, home, other, i + 1);
    }
    guest.state = VmState::running;
    guest.reason = VmReason::booted;
    guest.verified = simulation::kBegin;
    vms_.push_back(guest.uuid);
    cluster_->node(home).define(guest);
  }
}

void ClusterStory::mirror(Guest& guest, NodeIndex home, NodeIndex mirror, std::size_t number) {
  Replication& disks = cluster_->replication();
  guest.resource = ResourceName{"r" + std::to_string(number)};
  guest.minor = DeviceMinor{static_cast<std::uint32_t>(number)};
  disks.add(*guest.resource, *guest.minor, {home, mirror});
  static_cast<void>(disks.bring_up(home, *guest.resource));
  static_cast<void>(disks.bring_up(mirror, *guest.resource));
  static_cast<void>(disks.promote(home, *guest.resource));
  static_cast<void>(disks.open(home, *guest.resource));
  cluster_->node(mirror).define(guest);
}

/// Some are defined on other nodes too.
void ClusterStory::share(Guest& guest, NodeIndex home) {
  guest.shared = true;
  shared_vms_.push_back(guest.uuid);
  for (const auto& node : cluster_->nodes()) {
    if (node->index() != home && side_.percent(50)) node->define(guest);
  }
}

}  // namespace upkeep::test
