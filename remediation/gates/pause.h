#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediation/standing.h"
#include "remediation/world.h"

// What a person paused (DESIGN §6 gate 2): the node, a VM, a DRBD resource, or a whole boot.

namespace upkeep {

/// How long a pause lasts when nobody says.
inline constexpr std::chrono::hours kPauseLasts{2};

[[nodiscard]] bool is_pause(const Standing& standing);

/// The subject of a pause of `target`; null is the node. A VM's is its UUID: a new name makes it no
/// other VM. Nothing when neither libvirt, DRBD nor the ledger knows it.
[[nodiscard]] std::optional<std::string> pause_subject(const Target* target, const World& world);

/// "vm/web1" or "resource/r0"; empty for the node. A VM that nobody knows any more by its UUID.
[[nodiscard]] std::string paused_target(const Standing& pause, const History& history);

/// "pause" or "maintenance": how a line of the history calls it.
[[nodiscard]] std::string_view pause_kind(const Standing& pause);

/// "vm/web1 is paused by anna: new disk, until 2026-11-22 05:12:04".
[[nodiscard]] std::string pause_text(const Standing& pause, const History& history);

/// "upkeep resume vm/web1"
[[nodiscard]] std::string pause_ends_with(const Standing& pause, const History& history);

/// Those that keep hands off the target, widest first. A VM opens the DRBD resources under
/// all of its disks, so theirs are among its own.
[[nodiscard]] std::vector<const Standing*> pauses_over(const Target& target, const World& world);

/// What is left of a pause by the wall clock, not above 0 when it is over; nothing for one without
/// an end, and for what is no pause. A clock that was set back makes none longer.
[[nodiscard]] std::optional<WallTime::duration> pause_left(const Standing& standing, WallTime now);

/// Whether the node booted since a maintenance began; false for all else, and while it isn't known
/// which boot this is.
[[nodiscard]] bool maintenance_is_over(const Standing& standing, const BootId& boot);

/// Why nothing is done about the target, if it is paused.
[[nodiscard]] std::optional<Held> pause_hold(const Target& target, const World& world);

}  // namespace upkeep
