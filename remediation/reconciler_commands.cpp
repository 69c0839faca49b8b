// What an operator's command does in the loop.

#include <fmt/format.h>

#include "remediation/reconciler.h"
#include "remediation/words.h"

namespace upkeep {
namespace {

Error not_kept(std::string_view what) {
  return {Errc::unavailable,
          fmt::format("{}: the journal can't be written, so it would not last: see the log", what)};
}

/// What follows from the mark, for the person who set it.
std::string_view consequence(Keep keep) {
  switch (keep) {
    case Keep::up: return "it is kept running";
    case Keep::down: return "it is left down when it stops";
    case Keep::ignore: return "upkeep leaves it alone";
    case Keep::automatic: return "how it was last stopped decides again";
  }
  return "";
}

}  // namespace

void Reconciler::carry_out(Inputs& inputs, const Step& step) {
  for (auto& [command, answer] : inputs.commands) {
    answer(std::visit([&](const auto& one) { return carry_out(one, step); }, command));
  }
}

Result<std::string> Reconciler::carry_out(const MarkVm& command, const Step& step) {
  const std::string& name = command.vm.value;
  Mark mark = command.mark;
  if (mark.at == WallTime{}) mark.at = step.wall;
  const auto marked = intents_.mark(command.vm, mark, step);
  if (!marked) return fail(Errc::not_found, fmt::format("no VM named '{}'", name));
  const std::string text =
      fmt::format("marked {}{}", to_string(mark.keep), by_whom(mark.by, mark.reason));
  journal_.flush({.now = step.now, .wall = step.wall});
  if (!journal_.ok()) {
    intents_.take_back(*marked);
    return std::unexpected(not_kept("mark " + name));
  }
  tell_wishes();  // Before the person is told.
  journal_.note({.at = step.wall,
                 .kind = "mark",
                 .target = to_string(target_of(command.vm)),
                 .text = text,
                 .action_id = std::nullopt});
  if (mark.keep == Keep::up) problems_.asked_for(target_of(command.vm), step.now);
  return fmt::format("{}: {}; {}", name, text, consequence(mark.keep));
}

Result<std::string> Reconciler::carry_out(const ReleaseTarget& command, const Step& step) {
  const Target& target = command.target;
  const bool seen = target.kind == Target::Kind::vm
                        ? find_vm(step.snapshot, VmName{target.name}) != nullptr
                        : find_resource(step.snapshot, ResourceName{target.name}) != nullptr;
  const auto line = history_.targets.find(target);
  if (line == history_.targets.end()) {
    if (seen) return fmt::format("{} was not held back by earlier attempts", to_string(target));
    return fail(Errc::not_found,
                fmt::format("no {} named '{}'", target.kind == Target::Kind::vm ? "VM" : "resource",
                            target.name));
  }
  const TargetHistory before = line->second;
  line->second = released(before);
  journal_.changed(target);
  journal_.flush({.now = step.now, .wall = step.wall});
  if (!journal_.ok()) {
    line->second = before;
    return std::unexpected(not_kept("release " + to_string(target)));
  }
  const std::string text = fmt::format("released{}", by_whom(command.by));
  journal_.note({.at = step.wall,
                 .kind = "release",
                 .target = to_string(target),
                 .text = text,
                 .action_id = std::nullopt});
  return fmt::format(
      "{}: {}; {}", to_string(target), text,
      before.in_flight ? "an action is under way and goes on" : "the next attempt is made at once");
}

Result<std::string> Reconciler::carry_out(const TakeAlerts& command, const Step& step) {
  return alerts_.take(command.delivery, step);
}

void Reconciler::decide_alerts(const std::vector<Decision>& decisions, const Step& step) {
  const World world{
      .snapshot = step.snapshot, .policy = step.policy, .history = history_, .now = step.now};
  if (alerts_.any()) {
    alerts_.decide({.world = world, .decisions = decisions, .begun = actions_.tickets()}, step);
  }
  if (alerts_.wants_readings(step.now) && parts_.reread) parts_.reread();
}

}  // namespace upkeep
