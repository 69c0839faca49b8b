// What a person's word about pauses and maintenance does in the loop.

#include <fmt/format.h>

#include "remediation/pause.h"
#include "remediation/reconciler.h"
#include "remediation/words.h"

namespace upkeep {
namespace {

std::unexpected<Error> no_such(const Target& target) {
  return fail(Errc::not_found,
              fmt::format("no {} named '{}'",
                          target.kind == Target::Kind::vm ? "VM" : "DRBD resource", target.name));
}

/// What else is paused, for one who ended another pause or none: "; paused is also: vm/web1".
std::string also_paused(const History& history) {
  std::string list;
  for (const auto& [key, standing] : history.standings) {
    if (!is_pause(standing)) continue;
    list += fmt::format("; {} (`{}`)", pause_text(standing, history),
                        pause_ends_with(standing, history));
  }
  return list;
}

}  // namespace

Result<std::string> Reconciler::carry_out(const PauseTarget& command, const Step& step) {
  const World world{step.snapshot, step.policy, history_, step.now};
  const Target* target = command.target ? &*command.target : nullptr;
  const auto subject = pause_subject(target, world);
  if (!subject) return no_such(*target);
  const std::string name = target == nullptr ? "the node" : to_string(*target);
  Standing word{.kind = Standing::Kind::paused,
                .subject = *subject,
                .by = command.by,
                .reason = command.reason,
                .at = step.wall};
  if (command.lasts) word.until = step.wall + *command.lasts;
  const bool was_said = history_.standings.contains(key_of(word));
  if (command.take_back && !was_said) {
    return fmt::format("{} was not paused{}", name, also_paused(history_));
  }
  if (const auto kept = keep_word(word, command.take_back, step); !kept) {
    return std::unexpected(kept.error());
  }
  const std::string text =
      command.take_back
          ? "resumed" + by_whom(command.by)
          : fmt::format("paused{},{}", by_whom(command.by, command.reason), until(word.until));
  journal_.note({.at = step.wall,
                 .kind = "pause",
                 .target = target == nullptr ? "" : to_string(*target),
                 .text = text,
                 .action_id = std::nullopt});
  if (command.take_back) return fmt::format("{}: {}{}", name, text, also_paused(history_));
  return fmt::format("{}: {}; what was begun goes on", name, text);
}

Result<std::string> Reconciler::carry_out(const MaintainNode& command, const Step& step) {
  if (history_.boot.value.empty()) {
    return fail(Errc::unavailable,
                "which boot this is could not be read, so its end can't be seen");
  }
  const Standing word{.kind = Standing::Kind::maintenance,
                      .subject = history_.boot.value,
                      .by = command.by,
                      .reason = command.reason,
                      .at = step.wall};
  const bool was_said = history_.standings.contains(key_of(word));
  if (command.take_back && !was_said) {
    return fmt::format("the node was not in maintenance{}", also_paused(history_));
  }
  if (const auto kept = keep_word(word, command.take_back, step); !kept) {
    return std::unexpected(kept.error());
  }
  const std::string text = command.take_back ? "maintenance ended" + by_whom(command.by)
                                             : "in maintenance until the next boot" +
                                                   by_whom(command.by, command.reason);
  journal_.note({.at = step.wall,
                 .kind = "maintenance",
                 .target = "",
                 .text = text,
                 .action_id = std::nullopt});
  if (command.take_back) return fmt::format("the node: {}{}", text, also_paused(history_));
  return fmt::format("the node: {}; what was begun goes on", text);
}

}  // namespace upkeep
