#include "remediation/policy.h"

#include <fnmatch.h>

#include <algorithm>

namespace upkeep {

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::observe: return "observe";
    case Mode::dry_run: return "dry-run";
    case Mode::act: return "act";
  }
  return "observe";
}

std::optional<Mode> to_mode(std::string_view word) {
  for (const Mode mode : kModes) {
    if (to_string(mode) == word) return mode;
  }
  return std::nullopt;
}

std::string_view to_string(Keep keep) {
  switch (keep) {
    case Keep::automatic: return "auto";
    case Keep::up: return "up";
    case Keep::down: return "down";
    case Keep::ignore: return "ignore";
  }
  return "auto";
}

std::optional<Keep> to_keep(std::string_view word) {
  for (const Keep keep : {Keep::automatic, Keep::up, Keep::down, Keep::ignore}) {
    if (to_string(keep) == word) return keep;
  }
  return std::nullopt;
}

const ActionLimit* limit_of(const Policy& policy, std::string_view action) {
  if (action == "reconnect_resource") return &policy.reconnect;
  if (action == "attach_device") return &policy.attach;
  if (action == "resume_vm") return &policy.resume;
  if (action == "reset_vm") return &policy.reset;
  if (action == "reattach_disk") return &policy.reattach;
  return nullptr;
}

VmPolicy policy_for(const Policy& policy, const VmName& vm) {
  const auto matches = [&](const VmPolicy& block) {
    return ::fnmatch(block.match.c_str(), vm.value.c_str(), 0) == 0;
  };
  const auto found = std::ranges::find_if(policy.vms, matches);
  if (found != policy.vms.end()) return *found;
  VmPolicy defaults;
  defaults.guest_shutdown = policy.guest_shutdown;
  return defaults;
}

}  // namespace upkeep
