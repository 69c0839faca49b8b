#include "simulation/simulated_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "remediation/sight.h"
#include "simulation/hands.h"

namespace upkeep::simulation {
namespace {

/// Between two steps, whatever happens: the loop's own.
constexpr Duration kShortestGap = std::chrono::milliseconds(5);
/// Between two checks of a guest that has not answered yet.
constexpr Duration kHealthCheck = std::chrono::seconds(2);
/// The shortest that any action takes, so that time goes on.
constexpr Duration kShortestAction = std::chrono::milliseconds(1);

/// The first check after the boot; they begin with the start.
Tick first_check(Tick started, Tick booted) {
  const auto rounds = (booted - started + kHealthCheck - Duration(1)) / kHealthCheck;
  return started + (kHealthCheck * std::max<Duration::rep>(rounds, 1));
}

}  // namespace

SimulatedNode::SimulatedNode(NodeIndex index, NodeOptions options, const Tick& now,
                             Replication& replication)
    : index_(index),
      options_(std::move(options)),
      clock_(now),
      replication_(replication),
      load_(options_.hardware, now) {}

void SimulatedNode::define(Guest guest) {
  const VmUuid uuid = guest.uuid;
  guests_.insert_or_assign(uuid, std::move(guest));
  vms_changed_ = true;
}

void SimulatedNode::undefine(const VmUuid& uuid) {
  tell(uuid, VmEventKind::undefined);
  load_.drop(uuid);
  guests_.erase(uuid);
}

void SimulatedNode::power_on() {
  if (powered_) return;
  powered_ = true;
  ++boots_;
  booted_ = clock_.wall();
  daemon_starts_ = clock_.now() + options_.boot;
}

void SimulatedNode::power_off() {
  kill_daemon();
  powered_ = false;
  daemon_starts_.reset();
  snapshot_.reset();
  load_.clear();
  for (auto& [uuid, guest] : guests_) {
    guest.state = VmState::shut_off;
    guest.reason = VmReason::unknown;
    guest.verified.reset();
    guest.job = false;
  }
  replication_.node_down(index_);
}

void SimulatedNode::start_daemon() {
  daemon_starts_.reset();
  if (!powered_ || daemon_) return;
  ++daemons_;
  poked_ = true;
  executor_ =
      std::make_unique<SimulatedExecutor>(clock_, SimulatedExecutor::Options{},
                                          [this](const Ticket& ticket) { return perform(ticket); });
  daemon_ = std::make_unique<Reconciler>(
      Reconciler::Parts{.clock = clock_,
                        .journal = journal_,
                        .executor = *executor_,
                        .recorder = recorder == nullptr ? silent_ : *recorder,
                        .reread = [this] { asked_ = poked_ = true; }},
      policy, journal_.load().value_or(JournalState{}));
  snapshot_.reset();
  next_step_ = clock_.now();
}

void SimulatedNode::kill_daemon() {
  daemon_.reset();
  executor_.reset();
  inputs_ = {};
  peers.clear();
}

Result<void> SimulatedNode::start(const VmUuid& uuid) {
  const auto found = guests_.find(uuid);
  if (found == guests_.end()) return fail(Errc::not_found, "no such domain");
  Guest& guest = found->second;
  if (!is_down(guest.state)) return fail(Errc::conflict, "it runs already");
  if (guest.resource) {
    if (auto opened = replication_.open(index_, *guest.resource); !opened) return opened;
  }
  guest.state = VmState::running;
  guest.reason = VmReason::booted;
  guest.started = clock_.now();
  guest.started_wall = clock_.wall();
  guest.verified.reset();
  load_.begin(uuid, guest.boot);
  tell(uuid, VmEventKind::started);
  return {};
}

Result<void> SimulatedNode::resume(const VmUuid& uuid) {
  const auto found = guests_.find(uuid);
  if (found == guests_.end()) return fail(Errc::not_found, "no such domain");
  Guest& guest = found->second;
  if (guest.state != VmState::paused || guest.reason != VmReason::io_error) {
    return fail(Errc::conflict, "no I/O error paused it");
  }
  guest.state = VmState::running;
  guest.reason = VmReason::unpaused;
  tell(uuid, VmEventKind::resumed);
  return {};
}

Result<void> SimulatedNode::reset(const VmUuid& uuid) {
  const auto found = guests_.find(uuid);
  if (found == guests_.end()) return fail(Errc::not_found, "no such domain");
  Guest& guest = found->second;
  if (!is_up(guest.state)) return fail(Errc::conflict, "it isn't running");
  guest.verified.reset();
  load_.begin(uuid, guest.boot);
  tell(uuid, VmEventKind::rebooted);
  return {};
}

void SimulatedNode::stop(const VmUuid& uuid, VmReason reason,
                         const std::vector<VmEventKind>& events) {
  Guest& guest = guests_.at(uuid);
  guest.state = reason == VmReason::panicked ? VmState::crashed : VmState::shut_off;
  guest.reason = reason;
  guest.verified.reset();
  guest.job = false;
  load_.drop(uuid);
  if (guest.resource && guest.state == VmState::shut_off) {
    replication_.close(index_, *guest.resource);
  }
  for (const VmEventKind kind : events) tell(uuid, kind);
  vms_changed_ = true;
}

void SimulatedNode::tell(const VmUuid& uuid, VmEventKind kind) {
  vms_changed_ = true;
  if (!daemon_ || answers.libvirt != Answer::right) return;
  inputs_.vm_events.push_back({.uuid = uuid,
                               .name = guests_.at(uuid).name,
                               .kind = kind,
                               .detail = "",
                               .at = clock_.now(),
                               .wall = clock_.wall()});
}

void SimulatedNode::order(Command command, std::function<void(const Result<std::string>&)> answer) {
  if (!answer) answer = [](const Result<std::string>& /*answer*/) {};
  inputs_.commands.emplace_back(std::move(command), std::move(answer));
  woken_ = true;
}

void SimulatedNode::use(std::shared_ptr<const Policy> reloaded) {
  policy = std::move(reloaded);
  if (daemon_) daemon_->use(policy);
  woken_ = true;
}

bool SimulatedNode::advance() {
  if (!powered_) return false;
  boot_guests();
  if (daemon_starts_ && *daemon_starts_ <= clock_.now()) start_daemon();
  if (!daemon_) return false;
  if (executor_->advance()) woken_ = true;
  if (!is_due()) return false;
  read();
  woken_ = false;
  last_step_ = clock_.now();
  const Tick next = daemon_->step(snapshot_, std::exchange(inputs_, {}));
  next_step_ =
      std::clamp(next, last_step_ + options_.shortest_sleep, last_step_ + options_.longest_sleep);
  if (executor_->advance()) woken_ = true;
  return true;
}

bool SimulatedNode::has_news() const {
  return woken_ || asked_ || vms_changed_ || drbd_seen_ != replication_.generation(index_);
}

bool SimulatedNode::is_due() const {
  const Tick now = clock_.now();
  if (now >= next_step_) return true;
  return has_news() && now - last_step_ >= kShortestGap;
}

Tick SimulatedNode::next() const {
  if (!powered_) return Tick::max();
  Tick next = load_.next_end().value_or(Tick::max());
  if (daemon_starts_) next = std::min(next, *daemon_starts_);
  if (!daemon_) return next;
  next = std::min(next, next_step_);
  if (const auto ends = executor_->next()) next = std::min(next, *ends);
  if (has_news()) next = std::min(next, last_step_ + kShortestGap);
  return std::max(next, clock_.now());
}

void SimulatedNode::boot_guests() {
  for (const VmUuid& uuid : load_.advance(clock_.now())) {
    Guest& guest = guests_.at(uuid);
    if (guest.boots_well) guest.verified = first_check(guest.started, clock_.now());
  }
}

SimulatedExecutor::Performed SimulatedNode::perform(const Ticket& ticket) {
  const auto clock = std::make_shared<ActionClock>(clock_);
  const ActionTools tools = hands_on(*this, clock);
  ActionRun run(ticket, tools,
                {.stop = [] { return std::nullopt; },
                 .wishes = [&]() -> KnownWishes {
                   return {.wishes = executor_->wishes().value_or(wishes_of(ticket))};
                 },
                 .may_send = [](std::uint64_t /*edition*/) { return true; },
                 .doing = [](std::string_view /*what*/) {}});
  Outcome outcome = run.run();
  return {.outcome = std::move(outcome),
          .times = run.times(),
          .took = std::max(clock->spent(), kShortestAction)};
}

BootId SimulatedNode::boot_id() const {
  return {fmt::format("{}-boot-{}", options_.name.value, boots_)};
}

Result<PeerFacts> SimulatedNode::facts() const {
  if (!daemon_) return fail(Errc::unavailable, "connection refused");
  if (snapshot_ == nullptr || !snapshot_->node.reading) {
    return fail(Errc::invalid, "boot_id is no text");
  }
  PeerFacts facts;
  facts.node = options_.name;
  facts.boot_id = boot_id();
  facts.boot_time = booted_;
  const auto seen = view();
  const History no_history;
  auto active = active_vms({.snapshot = *snapshot_,
                            .policy = seen ? *seen->policy : *policy,
                            .history = seen ? seen->history : no_history,
                            .now = clock_.now()});
  if (!active) return fail(Errc::invalid, "active_vms is no list");
  facts.active_vms = std::move(*active);
  if (seen != nullptr && seen->history.wanted_told) {
    std::vector<VmUuid> wanted;
    for (const auto& [uuid, since] : *seen->history.wanted_told) wanted.push_back(uuid);
    facts.wanted_vms = std::move(wanted);
  }
  return facts;
}

std::shared_ptr<const RemediationView> SimulatedNode::view() const {
  return daemon_ ? daemon_->view() : nullptr;
}

}  // namespace upkeep::simulation
