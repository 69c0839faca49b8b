// What a person's word about pauses and maintenance does in the loop.

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "remediation/gates/pause.h"
#include "remediation/reconciler.h"
#include "remediation/words.h"

namespace upkeep {
namespace {

std::unexpected<Error> no_such(const Target& target) {
  return fail(Errc::not_found,
              fmt::format("no {} named '{}'",
                          target.kind == Target::Kind::vm ? "VM" : "DRBD resource", target.name));
}

std::string name_of(const Target* target) {
  return target == nullptr ? "the node" : to_string(*target);
}

/// What else is paused and by what it ends, for one who ended another pause or none.
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
  if (command.take_back) return resume(command, step);
  const World world{step.snapshot, step.policy, history_, step.now};
  const Target* target = command.target ? &*command.target : nullptr;
  const auto subject = pause_subject(target, world);
  if (!subject) return no_such(*target);
  Standing word{.kind = Standing::Kind::paused,
                .subject = *subject,
                .by = command.by,
                .reason = command.reason,
                .at = step.wall};
  if (command.lasts) word.until = step.wall + *command.lasts;
  if (const auto kept = keep_word(word, false, step); !kept) return std::unexpected(kept.error());
  const std::string text =
      fmt::format("paused{},{}", by_whom(command.by, command.reason), until(word.until));
  note_pause(word, text, step);
  return fmt::format("{}: {}; what was begun goes on", name_of(target), text);
}

Result<std::string> Reconciler::resume(const PauseTarget& command, const Step& step) {
  const Target* target = command.target ? &*command.target : nullptr;
  // Also those of VMs that had the name before, and of what nobody lists any more.
  std::vector<Standing> pauses;
  for (const auto& [key, standing] : history_.standings) {
    if (key.first != Standing::Kind::paused) continue;
    const std::string paused = paused_target(standing, history_);
    if (paused == (target == nullptr ? "" : to_string(*target))) pauses.push_back(standing);
  }
  if (pauses.empty())
    return fmt::format("{} was not paused{}", name_of(target), also_paused(history_));
  const std::string text = "resumed" + by_whom(command.by);
  for (const Standing& pause : pauses) {
    if (const auto kept = keep_word(pause, true, step); !kept) return std::unexpected(kept.error());
    note_pause(pause, text, step);
  }
  return fmt::format("{}: {}{}", name_of(target), text, also_paused(history_));
}

void Reconciler::note_pause(const Standing& pause, const std::string& text, const Step& step) {
  journal_.note({.at = step.wall,
                 .kind = std::string(pause_kind(pause)),
                 .target = paused_target(pause, history_),
                 .text = text,
                 .action_id = std::nullopt});
}

Result<std::string> Reconciler::carry_out(const MaintainNode& command, const Step& step) {
  if (command.take_back) return end_maintenance(command, step);
  if (history_.boot.value.empty()) {
    return fail(Errc::unavailable,
                "which boot this is could not be read, so its end can't be seen");
  }
  const Standing word{.kind = Standing::Kind::maintenance,
                      .subject = history_.boot.value,
                      .by = command.by,
                      .reason = command.reason,
                      .at = step.wall};
  if (const auto kept = keep_word(word, false, step); !kept) return std::unexpected(kept.error());
  const std::string text =
      "in maintenance until the next boot" + by_whom(command.by, command.reason);
  note_pause(word, text, step);
  return fmt::format("the node: {}; what was begun goes on", text);
}

Result<std::string> Reconciler::end_maintenance(const MaintainNode& command, const Step& step) {
  const auto found = std::ranges::find_if(history_.standings, [](const auto& line) {
    return line.first.first == Standing::Kind::maintenance;
  });
  if (found == history_.standings.end()) {
    return fmt::format("the node was not in maintenance{}", also_paused(history_));
  }
  const Standing word = found->second;
  if (const auto kept = keep_word(word, true, step); !kept) return std::unexpected(kept.error());
  const std::string text = "maintenance ended" + by_whom(command.by);
  note_pause(word, text, step);
  return fmt::format("the node: {}{}", text, also_paused(history_));
}

}  // namespace upkeep
