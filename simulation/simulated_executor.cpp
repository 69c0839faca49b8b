#include "simulation/simulated_executor.h"

#include <algorithm>
#include <utility>

namespace upkeep::simulation {
namespace {

bool needs_replication(const Action& action) {
  if (const auto* start = std::get_if<StartVm>(&action)) return !start->promote.empty();
  return target_of(action).kind == Target::Kind::resource;
}

Outcome outcome(Outcome::Kind kind, Errc reason, const char* detail) {
  return {.kind = kind, .reason = std::string(to_string(reason)), .detail = detail};
}

}  // namespace

void SimulatedExecutor::submit(Ticket ticket) { queue_.push_back(std::move(ticket)); }

std::vector<Completed> SimulatedExecutor::drain() { return std::exchange(news_, {}); }

void SimulatedExecutor::stop_acting() {
  stopping_ = true;
  for (Ticket& ticket : queue_) {
    report({.ticket = std::move(ticket), .performed = {}},
           outcome(Outcome::Kind::refused, Errc::unavailable, "upkeep is shutting down"), true);
  }
  queue_.clear();
}

std::deque<Ticket>::iterator SimulatedExecutor::next_ticket() {
  const auto replicating = std::ranges::count_if(running_, [](const auto& entry) {
    return !entry.second.overdue && needs_replication(entry.second.ticket.action);
  });
  const bool free = replicating < options_.replication_actions;
  return std::ranges::find_if(
      queue_, [&](const Ticket& ticket) { return free || !needs_replication(ticket.action); });
}

bool SimulatedExecutor::is_free() const {
  // One that is overdue has been replaced, as long as there are replacements.
  const auto busy =
      std::ranges::count_if(running_, [](const auto& entry) { return !entry.second.overdue; });
  return busy < options_.workers;
}

bool SimulatedExecutor::advance() {
  const Tick now = clock_.now();
  for (auto entry = running_.begin(); entry != running_.end();) {
    Running& running = entry->second;
    if (running.taken + running.performed.took <= now) {
      report(running, running.performed.outcome, true);
      entry = running_.erase(entry);
      continue;
    }
    if (!running.overdue && running.taken + running.ticket.deadline <= now) {
      running.overdue = true;
      report(running, outcome(Outcome::Kind::timed_out, Errc::timed_out, "it has not ended"),
             false);
    }
    ++entry;
  }
  while (is_free() && !stopping_) {
    const auto next = next_ticket();
    if (next == queue_.end()) break;
    Running running{.ticket = std::move(*next), .performed = {}, .taken = now};
    queue_.erase(next);
    running.performed = perform_(running.ticket);
    running_.insert_or_assign(running.ticket.id, std::move(running));
  }
  return !news_.empty();
}

std::optional<Tick> SimulatedExecutor::next() const {
  std::optional<Tick> next;
  const auto no_later_than = [&](Tick at) { next = std::min(next.value_or(at), at); };
  for (const auto& [id, running] : running_) {
    no_later_than(running.taken + running.performed.took);
    if (!running.overdue) no_later_than(running.taken + running.ticket.deadline);
  }
  return next;
}

void SimulatedExecutor::report(const Running& running, Outcome outcome, bool ended) {
  news_.push_back({.id = running.ticket.id,
                   .finding = running.ticket.finding,
                   .action = running.ticket.action,
                   .outcome = std::move(outcome),
                   .times = ended ? running.performed.times : PhaseTimes{},
                   .ended = ended,
                   .at = clock_.now()});
}

}  // namespace upkeep::simulation
