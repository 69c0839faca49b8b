// The last look, the last word, and what an error makes of an action.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "remediation/effects/action_run.h"
#include "remediation/plan.h"
#include "remediation/resolve.h"

namespace upkeep {
namespace {

Outcome judged(const Held& held) {
  Outcome outcome{.kind = Outcome::Kind::refused,
                  .reason = std::string(to_string(held.reason)),
                  .detail = held.detail};
  // Somebody else did it, or undid the need for it.
  if (held.reason == Hold::facts_changed) outcome.kind = Outcome::Kind::conflict;
  return outcome;
}

/// What can't be seen isn't touched, and what can't be sent isn't tried. That costs no attempt.
Outcome untried(const Error& error) {
  const bool changed = error.code == Errc::not_found || error.code == Errc::conflict;
  return {.kind = changed ? Outcome::Kind::conflict : Outcome::Kind::refused,
          .reason = std::string(to_string(error.code)),
          .detail = error.message};
}

/// An answer to what was asked, which the next try would get as well.
bool is_final(Errc code) { return code == Errc::denied || code == Errc::invalid; }

constexpr std::string_view kWaits = "waiting for its turn among other commands";

}  // namespace

std::optional<Outcome> ActionRun::look() {
  if (auto stop = out_of_time()) return stop;
  conditions_.doing("reading the facts once more");
  auto facts = tools_.facts->reread(target_of(ticket_.action), remaining());
  const Tick now = tools_.clock->now();
  if (!judged_) {
    judged_ = now;
    times_.queue = now - ticket_.submitted;
  }
  if (!facts) {
    Outcome outcome = untried(facts.error());
    // What went before was sent: five of those are enough.
    if (sent_ && outcome.kind == Outcome::Kind::refused) outcome.kind = Outcome::Kind::failed;
    return outcome;
  }
  facts_ = std::move(*facts);
  return judge();
}

std::optional<Outcome> ActionRun::judge() {
  // A pause, a mark or another configuration that came while the action waited holds it still.
  KnownWishes known = conditions_.wishes();
  edition_ = known.edition;
  Wishes wishes = std::move(known.wishes);
  History history = *ticket_.history;
  history.intents = std::move(wishes.intents);
  history.standings = std::move(wishes.standings);
  const World world{.snapshot = *facts_,
                    .policy = *wishes.policy,
                    .history = history,
                    .now = tools_.clock->now()};
  const auto* resolve = std::get_if<ResolveSplitBrain>(&ticket_.action);
  const auto held = resolve != nullptr ? resolve_hold(*resolve, world)
                                       : judge_again(ticket_.finding, ticket_.action, world);
  if (held) return judged(*held);
  return std::nullopt;
}

std::optional<Outcome> ActionRun::before_command() {
  for (;;) {
    if (auto stop = out_of_time()) return stop;
    if (conditions_.may_send(edition_)) break;
    // What is wanted has changed since the look; or there is a stop now.
    if (auto stop = judge()) return stop;
  }
  sent_ = true;
  conditions_.doing("waiting for its command to return");
  return std::nullopt;
}

std::optional<Outcome> ActionRun::go() {
  if (auto stop = before_command()) return stop;
  command_sent_ = tools_.clock->now();
  if (times_.command_sent == Tick{}) times_.command_sent = *command_sent_;
  return std::nullopt;
}

std::optional<Outcome> ActionRun::judge_and_go() {
  if (auto stop = out_of_time()) return stop;
  if (auto stop = judge()) return stop;
  return go();
}

std::optional<Outcome> ActionRun::look_and_ask() {
  if (auto stop = look()) return stop;
  return before_command();
}

std::optional<Outcome> ActionRun::look_and_probe() {
  if (auto stop = look()) return stop;
  conditions_.doing("reading the backing device");
  return std::nullopt;
}

std::optional<Outcome> ActionRun::look_and_go() {
  if (auto stop = look()) return stop;
  return go();
}

Terms ActionRun::terms(std::optional<Outcome> (ActionRun::*word)()) {
  conditions_.doing(kWaits);
  return {remaining(), [this, word] { return unless((this->*word)()); }};
}

Result<void> ActionRun::unless(std::optional<Outcome> stop) {
  stopped_ = std::move(stop);
  if (!stopped_) return {};
  return fail(Errc::unavailable, stopped_->detail);
}

Outcome ActionRun::ended_by(const Error& error) {
  return stopped_ ? *std::exchange(stopped_, std::nullopt) : outcome_of(error);
}

std::optional<Outcome> ActionRun::out_of_time() const {
  if (auto stop = conditions_.stop()) return stop;
  if (remaining() > Duration::zero()) return std::nullopt;
  // Nothing is under way any more that could still happen.
  return Outcome{
      .kind = sent_ ? Outcome::Kind::failed : Outcome::Kind::refused,
      .reason = std::string(to_string(Errc::timed_out)),
      .detail = fmt::format("its time was over before its {} command", sent_ ? "next" : "first")};
}

Duration ActionRun::since_first_look() const {
  const Tick now = tools_.clock->now();
  return now - judged_.value_or(now);
}

Duration ActionRun::remaining() const { return taken_ + ticket_.deadline - tools_.clock->now(); }

Outcome ActionRun::outcome_of(const Error& error) const {
  // An earlier command to the resource may still be running: that is the outcome of this one, too.
  // A VM is stuck only by what was sent for it.
  const bool may_happen =
      error.code == Errc::timed_out &&
      (command_sent_.has_value() || target_of(ticket_.action).kind == Target::Kind::resource);
  if (!sent_ && !is_final(error.code) && !may_happen) return untried(error);
  Outcome outcome{.kind = Outcome::Kind::failed,
                  .reason = std::string(to_string(error.code)),
                  .detail = error.message};
  if (error.code == Errc::conflict) outcome.kind = Outcome::Kind::conflict;
  if (may_happen) outcome.kind = Outcome::Kind::timed_out;
  return outcome;
}

Outcome ActionRun::with_steps(Outcome outcome) const {
  if (steps_.empty()) return outcome;
  const std::string steps = fmt::format("{}", fmt::join(steps_, ", "));
  outcome.detail = outcome.detail.empty() ? steps : outcome.detail + " (" + steps + ")";
  return outcome;
}

}  // namespace upkeep
