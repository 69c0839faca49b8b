#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"

namespace upkeep {

/// Something that holds until something else ends it, and that nobody can read from the node: what
/// a person said, or what was seen once and leaves no trace. Durable.
struct Standing {
  enum class Kind {
    allow_degraded,  ///< The VM of this UUID may be started once without its DRBD peer.
    peer_dead,       ///< The node of this name is dead, for certain.
    disk_lost,       ///< "UUID/TARGET": libvirt told that the VM lost this disk.
    paused,          ///< Nothing is done about "node", "vm/UUID" or "resource/NAME".
    maintenance,     ///< Nothing is done in the boot of this id.
  };
  Kind kind = Kind::allow_degraded;
  std::string subject;
  std::string by;  ///< Who said so; empty for what was seen.
  std::string reason;
  WallTime at{};
  std::optional<WallTime> until = std::nullopt;  ///< Of a pause; absent: until it is taken back.
  /// The boot of this node in which a node was declared dead; empty: an older upkeep was told.
  BootId boot{};

  friend bool operator==(const Standing&, const Standing&) = default;
};

inline constexpr std::array kStandingKinds{Standing::Kind::allow_degraded,
                                           Standing::Kind::peer_dead, Standing::Kind::disk_lost,
                                           Standing::Kind::paused, Standing::Kind::maintenance};

/// Journal word; never rename.
[[nodiscard]] constexpr std::string_view to_string(Standing::Kind kind) {
  switch (kind) {
    case Standing::Kind::allow_degraded: return "allow_degraded";
    case Standing::Kind::peer_dead: return "peer_dead";
    case Standing::Kind::disk_lost: return "disk_lost";
    case Standing::Kind::paused: return "paused";
    case Standing::Kind::maintenance: return "maintenance";
  }
  return "disk_lost";
}

using StandingKey = std::pair<Standing::Kind, std::string>;
using Standings = std::map<StandingKey, Standing>;

[[nodiscard]] inline StandingKey key_of(const Standing& standing) {
  return {standing.kind, standing.subject};
}

/// How long an allow-degraded waits for the start that it allows.
inline constexpr std::chrono::hours kAllowDegradedHolds{2};

/// The one that holds at `now`; null when there is none or its time is over. A clock that was set
/// back makes none last longer.
[[nodiscard]] inline const Standing* standing_at(const Standings& standings, const StandingKey& key,
                                                 WallTime now) {
  const auto found = standings.find(key);
  if (found == standings.end()) return nullptr;
  const bool expires = key.first == Standing::Kind::allow_degraded;
  const auto age = now - found->second.at;
  if (expires && (age >= kAllowDegradedHolds || age < -kAllowDegradedHolds)) return nullptr;
  return &found->second;
}

}  // namespace upkeep
