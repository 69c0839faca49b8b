#include "simulation/power_cut.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "simulation/blame.h"
#include "simulation/cluster.h"
#include "simulation/random.h"

namespace upkeep::simulation {
namespace {

constexpr Duration kSample = std::chrono::seconds(1);
constexpr Duration kBefore = std::chrono::seconds(15);  ///< Until every wish is known.
constexpr Duration kDark = std::chrono::minutes(10);
constexpr Duration kLongest = std::chrono::hours(2);
constexpr std::uint32_t kFirstMinor = 10;

/// A share of the range from 0 to 1.
double drawn(Random& random) { return static_cast<double>(random.below(1'000'001)) / 1e6; }

ClusterOptions cluster_of(const PowerCutOptions& options) {
  ClusterOptions cluster;
  for (std::size_t i = 0; i < options.nodes; ++i) {
    cluster.nodes.push_back({.name = {fmt::format("node{}", i + 1)},
                             .hardware = options.hardware,
                             .boot = options.node_boot});
  }
  return cluster;
}

/// The scene, and what is written down of it.
class PowerCut {
 public:
  explicit PowerCut(const PowerCutOptions& options)
      : options_(options), cluster_(cluster_of(options)), random_(options.seed) {}

  PowerCutResult run();

 private:
  void give_policies();
  void place_guests();
  void run_guest(SimulatedNode& node, std::size_t number);
  void cut();
  void look();
  void write_down(SimulatedNode& node, PowerCutMoment& moment);
  [[nodiscard]] bool is_over();
  [[nodiscard]] VmReturn way_back(SimulatedNode& node, const Guest& guest) const;
  void add_up(PowerCutResult& result);

  const PowerCutOptions& options_;
  Cluster cluster_;
  Random random_;
  Tick back_{};  ///< When the power came back.
  std::vector<PowerCutMoment> timeline_;
  std::map<NodeIndex, std::map<Bottleneck, Seconds>> shares_;
};

void PowerCut::give_policies() {
  for (const auto& node : cluster_.nodes()) {
    auto policy = std::make_shared<Policy>(options_.policy);
    policy->mode = Mode::act;
    policy->peers.clear();
    for (const auto& other : cluster_.nodes()) {
      if (other != node) policy->peers.push_back(other->options().name);
    }
    node->policy = std::move(policy);
  }
}

void PowerCut::place_guests() {
  for (std::size_t i = 0; i < options_.vms.size(); ++i) {
    run_guest(cluster_.node(i % options_.nodes), i);
  }
}

void PowerCut::run_guest(SimulatedNode& node, std::size_t number) {
  Guest guest;
  guest.name = {options_.vms.at(number)};
  guest.uuid = {fmt::format("00000000-0000-4000-8000-{:012}", number)};
  guest.boot = boots_of(options_).at(number);
  guest.boots_well = number >= options_.broken;
  guest.state = VmState::running;
  guest.reason = VmReason::booted;
  guest.verified = kBegin;
  if (options_.drbd && options_.nodes > 1) {
    const DeviceMinor minor{kFirstMinor + static_cast<std::uint32_t>(number)};
    const ResourceName name{guest.name.value};
    // The copies of a node's disks are spread over all the others.
    const std::size_t away = 1 + (number / options_.nodes % (options_.nodes - 1));
    const NodeIndex mirror = (node.index() + away) % options_.nodes;
    Replication& disks = cluster_.replication();
    disks.add(name, minor, {node.index(), mirror});
    static_cast<void>(disks.bring_up(node.index(), name));
    static_cast<void>(disks.bring_up(mirror, name));
    static_cast<void>(disks.open(node.index(), name));
    guest.resource = name;
    guest.minor = minor;
  }
  node.define(std::move(guest));
}

void PowerCut::cut() {
  for (const auto& node : cluster_.nodes()) node->power_off();
  cluster_.run_for(kDark);
  back_ = cluster_.now();
  std::vector<std::pair<Tick, NodeIndex>> begins;
  for (NodeIndex i = 0; i < options_.nodes; ++i) {
    double share = 0;
    if (i > 0) share = i + 1 == options_.nodes ? 1 : drawn(random_);
    begins.emplace_back(
        back_ + std::chrono::duration_cast<Duration>(Seconds(options_.node_spread) * share), i);
  }
  std::ranges::sort(begins);
  for (const auto& [at, index] : begins) {
    while (cluster_.now() < at) {
      cluster_.run_until(std::min(at, cluster_.now() + kSample));
      look();
    }
    cluster_.node(index).power_on();
  }
}

PowerCutResult PowerCut::run() {
  give_policies();
  place_guests();
  for (const auto& node : cluster_.nodes()) {
    node->power_on();
    node->start_daemon();
  }
  cluster_.run_for(kBefore);
  cut();
  while (!is_over() && cluster_.now() - back_ < kLongest) {
    cluster_.run_for(kSample);
    look();
  }
  PowerCutResult result;
  result.timeline = std::move(timeline_);
  for (const auto& node : cluster_.nodes()) {
    for (const auto& [uuid, guest] : node->guests()) {
      result.vms.push_back(way_back(*node, guest));
    }
  }
  std::ranges::sort(result.vms, {}, &VmReturn::name);
  add_up(result);
  return result;
}

/// Each node's own recovery says when it is over; without a health check it can't tell when the
/// guests have booted.
bool PowerCut::is_over() {
  return std::ranges::all_of(cluster_.nodes(), [&](const auto& node) {
    if (node->guests().empty()) return true;
    const auto view = node->view();
    const bool told = view != nullptr && (view->recovery == nullptr || view->recovery->ended);
    return told && view->history.settled_at && node->load().boots() == 0 &&
           std::ranges::all_of(node->guests(), [&](const auto& entry) {
             return !entry.second.verified || *entry.second.verified <= cluster_.now();
           });
  });
}

void PowerCut::look() {
  PowerCutMoment moment{.at = cluster_.now() - back_};
  for (const auto& node : cluster_.nodes()) write_down(*node, moment);
  timeline_.push_back(moment);
}

void PowerCut::write_down(SimulatedNode& node, PowerCutMoment& moment) {
  bool waits = false;
  for (const auto& [uuid, guest] : node.guests()) {
    const bool healthy = guest.verified && *guest.verified <= cluster_.now();
    if (is_down(guest.state)) {
      ++moment.down;
    } else {
      ++(healthy ? moment.healthy : moment.booting);
    }
    waits = waits || (!healthy && guest.boots_well);
  }
  const auto view = node.view();
  if (view != nullptr) moment.slots += static_cast<int>(view->history.pace.slots);
  moment.io_full = std::max(moment.io_full, node.load().pressure().io_full.value_or(0));
  moment.cpu_some = std::max(moment.cpu_some, node.load().pressure().cpu_some.value_or(0));
  if (waits) shares_[node.index()][blame(node)] += Seconds(kSample);
}

VmReturn PowerCut::way_back(SimulatedNode& node, const Guest& guest) const {
  VmReturn vm;
  vm.name = guest.name.value;
  vm.node = node.options().name.value;
  if (is_up(guest.state)) vm.started = guest.started - back_;
  if (guest.verified) vm.healthy = *guest.verified - back_;
  const auto view = node.view();
  if (view == nullptr) return vm;
  for (const Decision& decision : view->decisions) {
    if (decision.finding.subject != target_of(guest.name)) continue;
    vm.findings.emplace_back(decision.finding.rule);
  }
  if (view->recovery == nullptr) return vm;
  const auto& members = view->recovery->members;
  const auto member = std::ranges::find(members, guest.uuid, &RecoveryMember::uuid);
  vm.state = MemberState::unwanted;
  if (member == members.end()) return vm;
  vm.state = member->state;
  vm.why = member->why;
  vm.phases = member->phases;
  return vm;
}

void PowerCut::add_up(PowerCutResult& result) {
  bool all = true;
  for (const VmReturn& vm : result.vms) {
    // Nobody waits for those.
    const bool gives_up = vm.state == MemberState::unverified || vm.state == MemberState::unwanted;
    if (!vm.healthy) all = all && gives_up;
    if (!vm.healthy || (result.total && *vm.healthy <= *result.total)) continue;
    result.total = vm.healthy;
    result.last_node = vm.node;
  }
  if (!all) result.total.reset();
  for (const auto& node : cluster_.nodes()) {
    if (node->options().name.value == result.last_node) result.shares = shares_[node->index()];
  }
  const auto most =
      std::ranges::max_element(result.shares, {}, [](const auto& entry) { return entry.second; });
  if (most != result.shares.end()) result.bottleneck = most->first;
}

}  // namespace

std::vector<Duration> boots_of(const PowerCutOptions& options) {
  Random random(options.seed);
  std::vector<Duration> boots;
  for (std::size_t i = 0; i < options.vms.size(); ++i) {
    const double share = 1 + (options.boot_spread * ((2 * drawn(random)) - 1));
    boots.push_back(std::chrono::duration_cast<Duration>(Seconds(options.boot) * share));
  }
  return boots;
}

PowerCutResult cut_power(const PowerCutOptions& options) { return PowerCut(options).run(); }

std::vector<PhaseSpread> spreads_of(const PowerCutResult& result) {
  std::map<std::string_view, std::vector<Seconds>> took;
  for (const VmReturn& vm : result.vms) {
    if (!vm.healthy || vm.phases.empty()) continue;
    // Its start is the command's moment: everything of its outage before that is upkeep's.
    Seconds before = vm.started.value_or(Seconds::zero());
    for (const char* phase : {"detect", "gate", "queue", "storage"}) {
      const auto part = vm.phases.find(phase);
      if (part != vm.phases.end()) before -= part->second;
    }
    took["node"].push_back(std::max(before, Seconds::zero()));
    for (const std::string_view phase : kOutagePhases) {
      const auto part = vm.phases.find(phase);
      if (part != vm.phases.end()) took[phase].push_back(part->second);
    }
  }
  std::vector<PhaseSpread> spreads;
  const auto add = [&](std::string_view phase) {
    auto& all = took[phase];
    if (all.empty()) return;
    std::ranges::sort(all);
    spreads.push_back(
        {.name = std::string(phase), .median = all[(all.size() - 1) / 2], .worst = all.back()});
  };
  add("node");
  for (const std::string_view phase : kOutagePhases) add(phase);
  return spreads;
}

SerialResult start_serially(const PowerCutOptions& options, Duration cron_every) {
  const double speed = strain_of(1, options.hardware).speed;
  std::vector<Seconds> of_node(options.nodes, Seconds::zero());
  const std::vector<Duration> boots = boots_of(options);
  for (std::size_t i = 0; i < boots.size(); ++i) of_node.at(i % options.nodes) += boots[i] / speed;
  // When the power comes back has nothing to do with cron: half its interval on average.
  const Seconds cron = Seconds(cron_every) / 2;
  const Seconds begin = Seconds(options.node_boot + options.node_spread) + cron;
  return {.cron = cron,
          .total = begin + std::accumulate(of_node.begin(), of_node.end(), Seconds::zero()),
          .total_per_node = begin + *std::ranges::max_element(of_node)};
}

}  // namespace upkeep::simulation
