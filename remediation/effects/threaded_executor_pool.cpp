#include "remediation/effects/threaded_executor_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace upkeep {
namespace {

bool needs_replication(const Action& action) {
  if (const auto* start = std::get_if<StartVm>(&action)) return !start->promote.empty();
  return target_of(action).kind == Target::Kind::resource;
}

bool is_on_vm(const Action& action) { return target_of(action).kind == Target::Kind::vm; }

/// Nothing was sent: that costs no attempt.
Outcome unavailable(std::string why) {
  return {.kind = Outcome::Kind::refused,
          .reason = std::string(to_string(Errc::unavailable)),
          .detail = std::move(why)};
}

Outcome shutting_down() { return unavailable("upkeep is shutting down"); }

Completed not_begun(const Ticket& ticket, Outcome outcome, Tick now) {
  return {.id = ticket.id,
          .finding = ticket.finding,
          .action = ticket.action,
          .outcome = std::move(outcome),
          .times = {},
          .ended = true,
          .at = now};
}

Outcome outcome_at_deadline(bool sent, Duration deadline, std::string_view doing) {
  const double seconds = Seconds(deadline).count();
  return {
      .kind = sent ? Outcome::Kind::timed_out : Outcome::Kind::refused,
      .reason = std::string(to_string(Errc::timed_out)),
      .detail = sent ? fmt::format("it has not ended within {:.0f} s and may still happen ({})",
                                   seconds, doing)
                     : fmt::format("nothing could be sent within {:.0f} s ({})", seconds, doing)};
}

}  // namespace

void ThreadedExecutor::Pool::tell() {
  const std::scoped_lock lock(wake_mutex);
  if (wake) wake();
}

std::deque<Ticket>::iterator ThreadedExecutor::Pool::next_ticket() {
  const auto replicating = count([](const Running& one) {
    // What is stuck has had its turn; its target stays busy by itself.
    return !one.overdue && needs_replication(one.action);
  });
  const bool drbd_is_free = replicating < options.replication_actions;
  const bool room_for_vms =
      count([](const Running& one) { return is_on_vm(one.action); }) < most_on_vms();
  return std::ranges::find_if(queue, [&](const Ticket& ticket) {
    return (drbd_is_free || !needs_replication(ticket.action)) &&
           (room_for_vms || !is_on_vm(ticket.action));
  });
}

int ThreadedExecutor::Pool::count(const std::function<bool(const Running&)>& is_one) const {
  return static_cast<int>(
      std::ranges::count_if(running, [&](const auto& entry) { return is_one(entry.second); }));
}

bool ThreadedExecutor::Pool::is_hopeless(const Ticket& ticket) const {
  if (overdue >= threads) return true;
  return is_on_vm(ticket.action) && most_on_vms() <= count([](const Running& one) {
                                      return one.overdue && is_on_vm(one.action);
                                    });
}

Outcome ThreadedExecutor::Pool::hopeless() const {
  if (overdue >= threads && threads < most_threads()) {
    return unavailable("the system has no thread for it");
  }
  return unavailable(
      fmt::format("{} earlier commands have not ended, and no more are sent", overdue));
}

bool ThreadedExecutor::Pool::refuse_hopeless() {
  return 0 < std::erase_if(queue, [this](const Ticket& ticket) {
           if (!is_hopeless(ticket)) return false;
           news.push_back(not_begun(ticket, hopeless(), tools.clock->now()));
           return true;
         });
}

void ThreadedExecutor::Pool::refuse_for_shutdown(const Ticket& ticket) {
  news.push_back(not_begun(ticket, shutting_down(), tools.clock->now()));
}

void ThreadedExecutor::Pool::refuse_unsent() {
  for (const Ticket& ticket : queue) refuse_for_shutdown(ticket);
  queue.clear();
  for (auto& [id, one] : running) {
    if (one.sent || one.told) continue;
    one.told = true;
    news.push_back({.id = id,
                    .finding = one.finding,
                    .action = one.action,
                    .outcome = one.given_up.value_or(shutting_down()),
                    .times = {},
                    .ended = true,
                    .at = tools.clock->now()});
  }
}

int ThreadedExecutor::Pool::report_late() {
  const Tick now = tools.clock->now();
  int late = 0;
  for (auto& [id, one] : running) {
    if (one.overdue || one.told || now < one.ends_by) continue;
    one.overdue = true;
    const Outcome outcome = outcome_at_deadline(one.sent, one.deadline, one.doing);
    one.late = one.doing;
    if (!one.sent) one.given_up = outcome;
    ++late;
    ++overdue;
    news.push_back({.id = id,
                    .finding = one.finding,
                    .action = one.action,
                    .outcome = outcome,
                    .times = {},
                    .ended = false,
                    .at = now});
  }
  // A place for an action on DRBD may be free now.
  if (late > 0) work_changed.notify_all();
  return late;
}

void ThreadedExecutor::Pool::report_end(Completed completed) {
  const Running& own = running.at(completed.id);
  if (own.overdue) --overdue;
  Outcome& outcome = completed.outcome;
  // One that was given up says so itself, unless it found out what was in its way.
  if (own.overdue && outcome != own.given_up) {
    outcome.detail +=
        fmt::format("{}at its deadline of {:.0f} s it was still {}",
                    outcome.detail.empty() ? "" : "; ", Seconds(own.deadline).count(), own.late);
  }
  const bool told = own.told;
  running.erase(completed.id);
  if (!told) news.push_back(std::move(completed));
}

std::optional<Outcome> ThreadedExecutor::Pool::stop_of(const Running& one) const {
  if (one.given_up) return one.given_up;
  return stopping ? std::optional(shutting_down()) : std::nullopt;
}

std::optional<Outcome> ThreadedExecutor::Pool::stop(const Ticket& ticket) {
  const std::scoped_lock lock(mutex);
  return stop_of(running.at(ticket.id));
}

KnownWishes ThreadedExecutor::Pool::known_wishes(const Ticket& ticket) {
  const std::scoped_lock lock(mutex);
  return {.wishes = wishes ? *wishes : wishes_of(ticket), .edition = wishes_edition};
}

bool ThreadedExecutor::Pool::may_send(const Ticket& ticket, std::uint64_t edition) {
  const std::scoped_lock lock(mutex);
  Running& own = running.at(ticket.id);
  if (stop_of(own) || edition != wishes_edition) return false;
  own.sent = true;
  return true;
}

void ThreadedExecutor::Pool::note(const Ticket& ticket, std::string_view doing) {
  const std::scoped_lock lock(mutex);
  running.at(ticket.id).doing = doing;
}

Completed ThreadedExecutor::Pool::perform(const Ticket& ticket) {
  Completed completed{.id = ticket.id,
                      .finding = ticket.finding,
                      .action = ticket.action,
                      .outcome = {},
                      .times = {},
                      .ended = true,
                      .at = {}};
  ActionRun run(
      ticket, tools,
      {.stop = [this, &ticket] { return stop(ticket); },
       .wishes = [this, &ticket] { return known_wishes(ticket); },
       .may_send = [this, &ticket](std::uint64_t edition) { return may_send(ticket, edition); },
       .doing = [this, &ticket](std::string_view what) { note(ticket, what); }});
  try {
    completed.outcome = run.run();
  } catch (const std::exception& exception) {
    completed.outcome = run.thrown({Errc::failed, exception.what()});
  }
  completed.times = run.times();
  completed.at = tools.clock->now();
  return completed;
}

}  // namespace upkeep
