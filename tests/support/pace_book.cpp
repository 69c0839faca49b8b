#include "tests/support/pace_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace upkeep::test {
namespace {

using simulation::Guest;
using simulation::NodeIndex;

constexpr Duration kHour = std::chrono::hours(1);
/// A change of the slots shows in the pressure after so long.
constexpr Duration kShows = std::chrono::seconds(5);
/// So long a boot that nobody checks counts as one on disks that are strained.
constexpr Duration kReads = std::chrono::seconds(10);

bool is_at_work(const Guest& guest, const Policy& policy) {
  const bool checked = policy_for(policy, guest.name).health.kind != HealthCheck::Kind::none;
  return is_up(guest.state) && (!checked || guest.verified);
}

const Pressure* pressure_seen(const PaceBook::Node& node, const Policy& policy, Tick now) {
  const auto snapshot = node.snapshot();
  if (snapshot == nullptr || !snapshot->node.fresh(now, policy.freshness.node)) return nullptr;
  return &snapshot->node.reading->pressure;
}

bool is_seen_up(const PaceBook::Node& node, const Guest& guest) {
  const auto snapshot = node.snapshot();
  if (snapshot == nullptr || !snapshot->vms.reading) return false;
  const auto vm = std::ranges::find((**snapshot->vms.reading), guest.uuid, &Vm::uuid);
  return vm != (**snapshot->vms.reading).end() && is_up(vm->state);
}

}  // namespace

void PaceBook::begun(const Node& node, const Ticket& ticket) {
  if (std::holds_alternative<StartVm>(ticket.action)) {
    judge_order(node, ticket);
    judge_slots(node, ticket);
  }
  const Target target = target_of(ticket.action);
  const auto [flight, is_new] = in_flight_.try_emplace(
      {node.index(), target}, Flight{.id = ticket.id, .begun = cluster_.now(), .overdue = false});
  if (!is_new) wrong_(node, to_string(target) + ": two actions at once");
  judge_gaps(node, ticket);
  judge_budget(node, ticket);
}

void PaceBook::ended(const Node& node, const Completed& completed) {
  const Spot spot{node.index(), target_of(completed.action)};
  if (!completed.ended) {
    const auto flight = in_flight_.find(spot);
    if (flight != in_flight_.end()) flight->second.overdue = true;
    return;
  }
  in_flight_.erase(spot);
  if (costs_attempt(completed.outcome)) return;
  Tried& tried = tried_[spot];
  if (!tried.attempts.empty()) tried.attempts.pop_back();
  spent_[node.index()].erase(completed.id);
}

/// Five an hour and then one each half hour; gaps that double from 10 s to 300 s.
void PaceBook::judge_gaps(const Node& node, const Ticket& ticket) {
  const Target target = target_of(ticket.action);
  Tried& tried = tried_[{node.index(), target}];
  std::vector<Tick>& attempts = tried.attempts;
  const BackOff& back_off = ticket.policy->back_off;
  if (!attempts.empty() && name_of(ticket.action) != "connect") {
    const Duration since = cluster_.now() - attempts.back();
    const auto hour =
        std::ranges::count_if(attempts, [&](Tick at) { return cluster_.now() - at < kHour; });
    const bool was_blocked = tried.blocked && *tried.blocked > attempts.back();
    const Duration slow = was_blocked ? back_off.cap : back_off.slow_retry;
    if (hour >= back_off.attempts_per_hour && since < slow) {
      wrong_(node, to_string(target) + ": too many attempts");
    }
    const auto* limit = limit_of(*ticket.policy, name_of(ticket.action));
    const Seconds first = limit == nullptr ? back_off.first_gap : limit->first_gap;
    const double grown =
        std::pow(back_off.factor, std::max<double>(0, static_cast<double>(hour) - 1));
    const Seconds gap = std::min<Seconds>(first * grown, back_off.cap);
    if (Seconds(since) < gap * (1 - back_off.jitter)) {
      wrong_(node, to_string(target) + ": tried again too soon");
    }
  }
  attempts.push_back(cluster_.now());
}

/// All actions of one recovery are one.
void PaceBook::judge_budget(const Node& node, const Ticket& ticket) {
  if (std::holds_alternative<BringUpResource>(ticket.action)) return;  // Isn't counted.
  if (ticket.finding.trigger == Trigger::manual) {
    // What a person asked for isn't either.
    const auto* start = std::get_if<StartVm>(&ticket.action);
    const bool asked = start != nullptr && marks_.was_up(node.index(), start->uuid);
    if (!asked) wrong_(node, "calls what it does a person's wish");
    return;
  }
  auto& spent = spent_[node.index()];
  std::erase_if(spent, [&](const auto& one) { return cluster_.now() - one.second.at >= kHour; });
  spent[ticket.id] = {.at = cluster_.now(), .recovery = ticket.history->recovery};
  std::size_t actions = 0;
  std::set<std::int64_t> recoveries;
  for (const auto& [id, one] : spent) {
    if (!one.recovery || recoveries.insert(*one.recovery).second) ++actions;
  }
  if (actions > static_cast<std::size_t>(ticket.policy->actions_per_hour)) {
    wrong_(node, "acts beyond its budget");
  }
}

/// What was begun since it began belongs to it.
void PaceBook::recovery_opened(Node& node, const Recovery& recovery) {
  const auto age = std::chrono::duration_cast<Duration>(node.clock().wall() - recovery.opened);
  for (auto& [id, one] : spent_[node.index()]) {
    if (one.at >= cluster_.now() - age) one.recovery = recovery.id;
  }
}

/// One that is down again was stopped or has failed, and nobody waits for it.
bool PaceBook::is_starting(const Node& node, const Guest& guest, const Policy& policy) const {
  const auto flight = in_flight_.find({node.index(), target_of(guest.name)});
  if (flight == in_flight_.end() || flight->second.overdue) return false;
  const bool comes = !is_down(guest.state) || flight->second.begun == cluster_.now();
  return comes && !is_at_work(guest, policy);
}

bool PaceBook::reads_still(const Node& node, const Guest& guest, const Policy& policy) const {
  if (policy_for(policy, guest.name).health.kind != HealthCheck::Kind::none) return false;
  const Pressure* pressure = pressure_seen(node, policy, cluster_.now());
  const bool strained =
      pressure != nullptr && pressure->io_full.value_or(0) > policy.pacing.io_target;
  if (!strained || !is_up(guest.state) || !is_seen_up(node, guest)) return false;
  const auto tried = tried_.find({node.index(), target_of(guest.name)});
  return tried != tried_.end() && !tried->second.attempts.empty() &&
         cluster_.now() - tried->second.attempts.back() < kReads;
}

/// A slot each, of which there are as many as the node's pressure allows; one VM may always start.
void PaceBook::judge_slots(const Node& node, const Ticket& ticket) {
  int taken = 0;
  for (const auto& [uuid, guest] : node.guests()) {
    if (reads_still(node, guest, *ticket.policy)) {
      ++taken;
      ++counts_["unchecked boot on strained disks"];
    }
    if (!is_starting(node, guest, *ticket.policy)) continue;
    const Tick begun = in_flight_.at({node.index(), target_of(guest.name)}).begun;
    if (cluster_.now() - begun < ticket.policy->pacing.slot_timeout) ++taken;
  }
  const double slots = ticket.history->pace.slots;
  const int floor = std::max(1, node.options().hardware.cores);
  const int most = std::max({floor, ticket.policy->pacing.most, ticket.policy->pacing.slots});
  if (slots > most) wrong_(node, fmt::format("{} start slots are more than allowed", slots));
  if (taken > 0 && taken + 1 > static_cast<int>(slots)) {
    wrong_(node, fmt::format("starts {} VMs at once in {} slots", taken + 1, slots));
  }
}

bool PaceBook::is_let_go(const Node& node, const Guest& guest, const Policy& policy) const {
  const Keep keep = policy_for(policy, guest.name).keep;
  return keep == Keep::down || keep == Keep::ignore ||
         marks_.may_be(node.index(), guest.uuid, Keep::down) ||
         marks_.may_be(node.index(), guest.uuid, Keep::ignore);
}

/// Not before those that go first are at work, as long as it has patience with them.
void PaceBook::judge_order(const Node& node, const Ticket& ticket) {
  const auto& start = std::get<StartVm>(ticket.action);
  const Policy& policy = *ticket.policy;
  const VmPolicy own = policy_for(policy, start.vm);
  if (cluster_.now() >= ticket.finding.since + policy.tier_timeout) return;
  for (const auto& [uuid, guest] : node.guests()) {
    const bool first = policy_for(policy, guest.name).priority < own.priority ||
                       std::ranges::count(own.after, guest.name) > 0;
    if (!first || !is_starting(node, guest, policy) || is_let_go(node, guest, policy)) continue;
    wrong_(node, fmt::format("{} starts before {} is at work", start.vm.value, guest.name.value));
  }
}

/// Never fewer than cores; while the node is strained they fall, and never rise.
void PaceBook::judge_number(const Node& node) {
  const auto view = node.view();
  if (view == nullptr) return;
  Slots& slots = slots_[node.index()];
  const double now = view->history.pace.slots;
  const Pressure* pressure = pressure_seen(node, *view->policy, cluster_.now());
  if (pressure == nullptr) {
    slots.strained.reset();
  } else {
    if (now < node.options().hardware.cores) wrong_(node, "has fewer start slots than cores");
    judge_strain(node, *pressure, slots, now);
  }
  slots.last = now;
}

void PaceBook::judge_strain(const Node& node, const Pressure& pressure, Slots& slots, double now) {
  const StartPacing& pacing = node.view()->policy->pacing;
  const bool disks = pressure.io_full.value_or(0) > pacing.io_target;
  const bool cores = pressure.cpu_some.value_or(0) > pacing.cpu_target;
  if (!disks && !cores) {
    slots.strained.reset();
    return;
  }
  const double floor = node.options().hardware.cores;
  if (slots.last > 0 && now > std::max(slots.last, floor)) {
    wrong_(node, fmt::format("{} start slots after {} under strain", now, slots.last));
  }
  if (now < slots.last) ++counts_[disks ? "slots fell for disks" : "slots fell for cores"];
  const Tick seen = node.snapshot()->node.at;
  if (slots.strained && seen - *slots.strained < kShows) return;
  const bool due = slots.strained.has_value();
  if (due && now > floor && now >= slots.before) {
    wrong_(node, fmt::format("still {} start slots under strain", now));
  }
  slots.before = due ? now : std::max(slots.last, now);
  slots.strained = seen;
}

/// Up for ten minutes is well for good.
void PaceBook::note_blocked(const Node& node) {
  const auto view = node.view();
  if (view == nullptr) return;
  static const std::set<std::string_view> outside{
      "network_missing",        "disk_missing",      "disk_unknown",  "storage_unknown",
      "storage_not_up_to_date", "split_brain",       "quorum_lost",   "peer_primary",
      "peer_not_connected",     "may_run_elsewhere", "runs_elsewhere"};
  for (const Decision& decision : view->decisions) {
    const auto hold = hold_of(decision);
    if (decision.finding.rule != "vm_down" || !hold || !outside.contains(to_string(*hold)))
      continue;
    tried_[{node.index(), decision.finding.subject}].blocked = cluster_.now();
  }
}

void PaceBook::judge_step(const Node& node) {
  judge_number(node);
  note_blocked(node);
  for (const auto& [uuid, guest] : node.guests()) {
    Tried& tried = tried_[{node.index(), target_of(guest.name)}];
    if (!is_up(guest.state)) {
      tried.up_since.reset();
    } else if (!tried.up_since) {
      tried.up_since = cluster_.now();
    } else if (cluster_.now() - *tried.up_since > std::chrono::seconds(600)) {
      tried.attempts.clear();
    }
  }
}

void PaceBook::started_by_hand(const VmUuid& vm) {
  for (auto& [spot, tried] : tried_) {
    if (spot.second.name == vm.value) tried = {};
  }
}

void PaceBook::forget_tries(NodeIndex node) {
  std::erase_if(tried_, [&](const auto& entry) { return entry.first.first == node; });
}

void PaceBook::lost_daemon(NodeIndex node) {
  std::erase_if(in_flight_, [&](const auto& entry) { return entry.first.first == node; });
  slots_.erase(node);
  // The journal knows when something was done by the wall only.
  if (stepped_.erase(node) == 0) return;
  spent_.erase(node);
  forget_tries(node);
}

void PaceBook::lost_power(NodeIndex node) {
  lost_daemon(node);
  forget_tries(node);
}

}  // namespace upkeep::test
