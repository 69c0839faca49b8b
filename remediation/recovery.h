#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"

namespace upkeep {

/// What took the VMs down together.
enum class RecoveryCause {
  node_boot,  ///< The node booted; nothing of before it runs any more.
  lost_vms,   ///< More than half of the wanted VMs went down for the same reason.
};

inline constexpr std::array kRecoveryCauses{RecoveryCause::node_boot, RecoveryCause::lost_vms};

/// Journal word and metric label; never rename.
[[nodiscard]] std::string_view to_string(RecoveryCause cause);
[[nodiscard]] std::optional<RecoveryCause> to_recovery_cause(std::string_view word);

/// How far a VM of a recovery has come.
enum class MemberState {
  waiting,     ///< Down, and nothing but time keeps it so: a look, a turn, a slot, a gap.
  starting,    ///< Being started, or booting.
  healthy,     ///< Up, and its check, if it has one, passed.
  unverified,  ///< Up, and its check did not pass within boot_timeout.
  held,        ///< Down, and something other than time must change first.
  latched,     ///< Tried too often.
  unwanted,    ///< Nobody wants it here any more.
};

inline constexpr std::array kMemberStates{
    MemberState::waiting, MemberState::starting, MemberState::healthy, MemberState::unverified,
    MemberState::held,    MemberState::latched,  MemberState::unwanted};

/// Journal word and metric label; never rename.
[[nodiscard]] std::string_view to_string(MemberState state);
[[nodiscard]] std::optional<MemberState> to_member_state(std::string_view word);

/// The parts of an outage, in their order: journal words and metric labels.
inline constexpr std::array<std::string_view, 6> kOutagePhases{"detect",  "gate",  "queue",
                                                               "storage", "start", "verify"};
using OutagePhases = std::map<std::string, Seconds, std::less<>>;

struct RecoveryMember {
  VmUuid uuid;
  VmName name;
  MemberState state = MemberState::waiting;
  std::string why;                  ///< The hold, while held; else empty.
  std::optional<WallTime> back_at;  ///< When it was healthy again.
  OutagePhases phases;              ///< Of the outage that ended; empty while it is down.

  friend bool operator==(const RecoveryMember&, const RecoveryMember&) = default;
};

/// One outage of many VMs, from its cause until each of them is back or can't come back by itself.
struct Recovery {
  std::int64_t id = 0;  ///< From 1.
  RecoveryCause cause = RecoveryCause::node_boot;
  std::string detail;  ///< The boot id; the reason that the VMs share.
  WallTime opened{};   ///< The boot, or the first failure.
  std::optional<WallTime> ended;
  std::vector<RecoveryMember> members;  ///< By name.

  friend bool operator==(const Recovery&, const Recovery&) = default;
};

/// How many members are in a state.
[[nodiscard]] std::size_t count_of(const Recovery& recovery, MemberState state);

/// "62 VMs after a boot: 58 healthy, 3 starting, 1 latched": for people.
[[nodiscard]] std::string summary_of(const Recovery& recovery);

}  // namespace upkeep
