#include "remediation/recovery.h"

#include <fmt/format.h>

#include <algorithm>

namespace upkeep {

std::string_view to_string(RecoveryCause cause) {
  switch (cause) {
    case RecoveryCause::node_boot: return "node_boot";
    case RecoveryCause::lost_vms: return "lost_vms";
  }
  return "lost_vms";
}

std::optional<RecoveryCause> to_recovery_cause(std::string_view word) {
  for (const RecoveryCause cause : kRecoveryCauses) {
    if (to_string(cause) == word) return cause;
  }
  return std::nullopt;
}

std::string_view to_string(MemberState state) {
  switch (state) {
    case MemberState::waiting: return "waiting";
    case MemberState::starting: return "starting";
    case MemberState::healthy: return "healthy";
    case MemberState::unverified: return "unverified";
    case MemberState::held: return "held";
    case MemberState::latched: return "latched";
    case MemberState::unwanted: return "unwanted";
  }
  return "waiting";
}

std::optional<MemberState> to_member_state(std::string_view word) {
  for (const MemberState state : kMemberStates) {
    if (to_string(state) == word) return state;
  }
  return std::nullopt;
}

std::size_t count_of(const Recovery& recovery, MemberState state) {
  return static_cast<std::size_t>(
      std::ranges::count(recovery.members, state, &RecoveryMember::state));
}

std::string summary_of(const Recovery& recovery) {
  std::string states;
  for (const MemberState state : kMemberStates) {
    const std::size_t count = count_of(recovery, state);
    if (count == 0) continue;
    states += fmt::format("{}{} {}", states.empty() ? ": " : ", ", count, to_string(state));
  }
  return fmt::format(
      "{} VM{} {}{}", recovery.members.size(), recovery.members.size() == 1 ? "" : "s",
      recovery.cause == RecoveryCause::node_boot ? std::string("after a boot of the node")
                                                 : "lost at once (" + recovery.detail + ")",
      states);
}

}  // namespace upkeep
