#include "tests/support/cluster_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "tests/support/book_recorder.h"

namespace upkeep::test {
namespace {

using simulation::Guest;
using simulation::Order;
using simulation::Replication;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kPatience = minutes(100);  ///< Three of the slowest tries, and some.
constexpr int kWellMinutes = 2;
constexpr int kMendingMinutes = 3;
constexpr std::size_t kMostGuests = 12;
constexpr std::size_t kFewGuests = 7;

/// Thrown out of the middle of a step.
struct Killed {
  NodeIndex node = 0;
};

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
      policy->vms.push_back(policy_of_guest(i, checked, random));
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

/// Where nearly nothing works upkeep gives up.
std::size_t obstructed_by(simulation::Random& random) {
  const std::size_t dice = random.below(100);
  if (dice < 50) return 0;
  return dice < 95 ? random.below(30) : 70 + random.below(31);
}

}  // namespace

ClusterStory::ClusterStory(std::uint64_t seed) : random_(seed) {
  cluster_ = std::make_unique<simulation::Cluster>(cluster_by(random_));
  place_guests();
  books_ = std::make_unique<ClusterBooks>(*cluster_, [this](const auto& what) { tell(what); });
  listen();
  const auto policy = policy_by(random_);
  obstructed_ = obstructed_by(random_);
  for (const auto& node : cluster_->nodes()) {
    node->policy = policy;
    node->power_on();
    node->start_daemon();
  }
  faults_ = false;
  run_for(seconds(20));
}

void ClusterStory::place_guests() {
  const std::size_t nodes = cluster_->nodes().size();
  Replication& disks = cluster_->replication();
  const std::size_t most = random_.percent(15) ? kMostGuests : kFewGuests;
  const std::size_t count = 3 + random_.below(most - 2);
  for (std::size_t i = 0; i < count; ++i) {
    Guest guest;
    guest.name = {fmt::format("vm{}", i + 1)};
    guest.uuid = {guest.name.value};
    guest.boot = seconds(2 + random_.below(12));
    const NodeIndex home = i % nodes;
    const bool mirrored = random_.percent(80);
    if (mirrored) {
      const NodeIndex mirror = (home + 1 + random_.below(nodes - 1)) % nodes;
      guest.resource = ResourceName{"r" + std::to_string(i + 1)};
      guest.minor = DeviceMinor{static_cast<std::uint32_t>(i + 1)};
      disks.add(*guest.resource, *guest.minor, {home, mirror});
      static_cast<void>(disks.bring_up(home, *guest.resource));
      static_cast<void>(disks.bring_up(mirror, *guest.resource));
      static_cast<void>(disks.promote(home, *guest.resource));
      static_cast<void>(disks.open(home, *guest.resource));
      cluster_->node(mirror).define(guest);
    }
    guest.state = VmState::running;
    guest.reason = VmReason::booted;
    guest.verified = simulation::kBegin;
    vms_.push_back(guest.uuid);
    cluster_->node(home).define(guest);
  }
}

void ClusterStory::listen() {
  for (const auto& node : cluster_->nodes()) {
    SimulatedNode& one = *node;
    recorders_.push_back(std::make_unique<BookRecorder>(*books_, one));
    one.recorder = recorders_.back().get();
    one.on_order = [this, &one](const Order& order) { return obstruct(one, order); };
    one.journal().on_write = [this, index = one.index()] {
      const auto line = dies_after_.find(index);
      if (line == dies_after_.end() || --line->second > 0) return;
      dies_after_.erase(line);
      ++counts()["kill in a write"];
      throw Killed{index};
    };
  }
  cluster_->on_step = [this](SimulatedNode& node) { books_->judge_step(node); };
  cluster_->on_question = [this](NodeIndex asks, NodeIndex asked) { return answer(asks, asked); };
}

void ClusterStory::tell(const std::string& what) {
  const Seconds at = cluster_->now() - simulation::kBegin;
  trace_.push_back(fmt::format("{:9.2f} {}", at.count(), what));
}

SimulatedNode& ClusterStory::any_node() {
  return cluster_->node(random_.below(cluster_->nodes().size()));
}

void ClusterStory::run_for(Duration time) {
  const Tick end = cluster_->now() + time;
  while (cluster_->now() < end && wrongs().empty()) {
    try {
      cluster_->run_until(end);
    } catch (const Killed& killed) {
      kill(cluster_->node(killed.node));
    }
  }
}

void ClusterStory::live() {
  faults_ = true;
  const std::size_t happenings = 10 + random_.below(50);
  for (std::size_t i = 0; i < happenings && wrongs().empty(); ++i) {
    happen();
    run_for(milliseconds(50 + random_.below(random_.percent(30) ? 60'000 : 6'000)));
  }
  faults_ = false;
  heal();
  run_until_well();
  if (wrongs().empty()) books_->judge_end();
}

/// Where all is well early, most stories end early.
void ClusterStory::run_until_well() {
  const Tick patience = cluster_->now() + kPatience;
  const bool to_the_end = random_.percent(3);
  int well = 0;
  for (int minute = 1; cluster_->now() < patience && wrongs().empty(); ++minute) {
    run_for(minutes(1));
    well = books_->is_well() ? well + 1 : 0;
    if (well >= kWellMinutes && !to_the_end) return;
    // What a person takes in hand needs a while to be seen.
    if (well == 0 && minute <= kMendingMinutes) mend();
  }
}

void ClusterStory::happen() {
  const std::size_t dice = random_.below(100);
  if (dice < 45) {
    happen_to_a_guest();
  } else if (dice < 65) {
    happen_to_a_node();
  } else if (dice < 85) {
    happen_to_a_source();
  } else if (dice < 94) {
    happen_to_a_link();
  } else {
    pause_something();
  }
}

void ClusterStory::heal() {
  tell("everything is put in order");
  dies_after_.clear();
  for (const auto& node : cluster_->nodes()) {
    node->answers = {};
    node->journal().failing = false;
    if (!node->powered()) {
      node->power_on();
    } else if (!node->runs_daemon()) {
      tell(node->options().name.value + ": upkeep is started");
      node->start_daemon();
    }
  }
  mend();
}

/// What a person does when upkeep says that it takes one.
void ClusterStory::mend() {
  mend_disks();
  for (const auto& node : cluster_->nodes()) {
    const auto view = node->view();
    if (view == nullptr) continue;
    end_pauses(*node, view->history.standings);
    for (const auto& [target, line] : view->history.targets) {
      if (!line.latched_since && !line.stuck) continue;
      node->order(ReleaseTarget{.target = target, .by = "root"});
      books_->released(node->index(), target);
    }
  }
}

void ClusterStory::mend_disks() {
  Replication& disks = cluster_->replication();
  const std::vector<Replication::Resource> all = disks.resources();
  for (const Replication::Resource& resource : all) {
    disks.cut(resource.name, false);
    const Replication::Side& first = resource.sides[0];
    const Replication::Side& second = resource.sides[1];
    if (first.stand_alone || second.stand_alone) {
      const VmUuid vm{"vm" + resource.name.value.substr(1)};
      const NodeIndex home = books_->place_of(vm).value_or(books_->home(vm));
      disks.resolve(resource.name, first.node == home ? second.node : first.node);
    }
    for (const Replication::Side& side : resource.sides) {
      const bool on = cluster_->node(side.node).runs_daemon();
      if (on && !side.in_kernel) static_cast<void>(disks.bring_up(side.node, resource.name));
    }
  }
}

}  // namespace upkeep::test
