// What `upkeep drbd resolve` does in the loop: the action is begun here and carried out like every
// other one.

#include <fmt/format.h>

#include "remediation/reconciler.h"
#include "remediation/resolve.h"

namespace upkeep {
namespace {

/// The rule that sees a split brain; its own name, whose storage lives for ever.
constexpr std::string_view kRule = "drbd_split_brain";

std::string decision_of(const ResolveResource& command) {
  const bool discards = command.resolve.side == SplitBrainSide::discard_local;
  return fmt::format("{} decides that this node's changes are {}{}",
                     command.by.empty() ? "somebody" : command.by, discards ? "given up" : "kept",
                     command.reason.empty() ? "" : ": " + command.reason);
}

}  // namespace

Result<std::string> Reconciler::carry_out(const ResolveResource& command, const Step& step) {
  const std::string& name = command.resolve.resource.value;
  const World world{
      .snapshot = step.snapshot, .policy = step.policy, .history = history_, .now = step.now};
  if (const auto held = resolve_hold(command.resolve, world)) {
    return fail(Errc::conflict, held->detail);
  }
  const std::string decided = decision_of(command);
  journal_.note({.at = step.wall,
                 .kind = "resolve",
                 .target = to_string(target_of(command.resolve.resource)),
                 .text = decided,
                 .action_id = std::nullopt});
  // Who said so is on the disk before anything is done.
  journal_.flush({.now = step.now, .wall = step.wall});
  if (!actions_.begin_ordered({.action = command.resolve, .rule = kRule, .why = decided}, step,
                              policy_)) {
    return fail(Errc::unavailable,
                fmt::format("resolve {}: the journal can't be written, so nothing is done: see the "
                            "log",
                            name));
  }
  return fmt::format("{}: {}", name, decided);
}

}  // namespace upkeep
