#include "tests/support/cluster_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "tests/support/book_recorder.h"

namespace upkeep::test {
namespace {

using simulation::Order;
using simulation::Replication;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr Duration kPatience = minutes(100);  ///< Three of the slowest tries, and some.
constexpr int kWellMinutes = 2;
constexpr int kMendingMinutes = 3;

/// Thrown out of the middle of a step.
struct Killed {
  NodeIndex node = 0;
};

}  // namespace

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
  if (!shares_) return;
  cluster_->on_travel = [this](NodeIndex /*asks*/, NodeIndex /*asked*/) { return travel(); };
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
  finish_migrations(false);
  if (shares_ && side_.percent(35)) {
    happen_to_shared();
    return;
  }
  if (is_told_ && side_.percent(25)) {
    happen_to_words();
    return;
  }
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
    if (node->policy != policies_.at(node->index())) node->use(policies_.at(node->index()));
    node->journal().failing = false;
    if (!node->powered()) {
      node->power_on();
    } else if (!node->runs_daemon()) {
      tell(node->options().name.value + ": upkeep is started");
      node->start_daemon();
    }
  }
  heal_shared();
  mend();
}

/// What a person does when upkeep says that it takes one.
void ClusterStory::mend() {
  mend_disks();
  take_marks_back();
  mend_shared();
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
