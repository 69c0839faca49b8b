#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/drbd.h"
#include "exporter/sources/replication/link_story.h"

namespace upkeep {

/// What one line of the kernel log tells of a DRBD link.
struct DrbdLogLine {
  enum class Kind {
    created,  ///< A resource was brought up.
    refused,  ///< The handshake was refused, or the link given up, and this is why.
    moved,    ///< The connection changed its state.
  };

  Kind kind = Kind::moved;
  std::string resource;              ///< Empty when the line names only the device (8.4).
  std::optional<DeviceMinor> minor;  ///< Of `block drbdN: …` (8.4).
  std::string peer;                  ///< DRBD 9 only; empty: the whole resource.
  LinkLossCause cause = LinkLossCause::unknown;  ///< Of `refused`.
  bool only_in_handshake = false;  ///< Of `refused`: elsewhere it only tells of a failed command.
  LinkPhase from = LinkPhase::trying, to = LinkPhase::trying;  ///< Of `moved`.
  std::string text;                                            ///< The line, for people.

  friend bool operator==(const DrbdLogLine&, const DrbdLogLine&) = default;
};

/// Reads a message of the kernel log, whatever is in it; nothing when it isn't DRBD's or tells
/// nothing about a link. Pure. 8.4 writes `drbd RES: …` and `block drbdN: …`, 9 writes
/// `drbd RES[/VOL drbdN] [PEER]: …`.
[[nodiscard]] std::optional<DrbdLogLine> parse_drbd_log_line(std::string_view message);

}  // namespace upkeep
