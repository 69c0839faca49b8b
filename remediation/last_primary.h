#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "exporter/model/clock.h"
#include "exporter/model/drbd.h"
#include "exporter/model/ids.h"

namespace upkeep {

// When each side of a resource was last seen Primary. For people who must tell who wrote last:
// nothing is decided by it.

/// How a time as Primary ended, as far as it was seen from here.
enum class PrimaryEnd {
  still,          ///< It had not, at the last look.
  demoted,        ///< Seen Secondary after it, with a peer connected.
  demoted_alone,  ///< Seen Secondary after it, with no peer connected.
  out_of_sight,   ///< The link was lost, the resource went down, or nobody looked.
};

/// Journal and API word; never rename.
[[nodiscard]] constexpr std::string_view to_string(PrimaryEnd end) {
  switch (end) {
    case PrimaryEnd::still: return "still";
    case PrimaryEnd::demoted: return "demoted";
    case PrimaryEnd::demoted_alone: return "demoted_alone";
    case PrimaryEnd::out_of_sight: return "out_of_sight";
  }
  return "out_of_sight";
}

/// The last time that a node was seen Primary. Between two looks it may have been so unseen.
struct LastPrimary {
  WallTime since{};               ///< The first look that showed it.
  std::optional<WallTime> until;  ///< The last look that showed it; absent while `still`.
  PrimaryEnd end = PrimaryEnd::still;

  friend bool operator==(const LastPrimary&, const LastPrimary&) = default;
};

/// Of which resource, and which node of it; an empty name is this node.
using PrimaryKey = std::pair<ResourceName, NodeName>;
using PrimaryRecord = std::map<PrimaryKey, LastPrimary>;

/// What one reading shows of each side: `still` for one that is Primary now. Who isn't connected is
/// out of sight. Pure.
[[nodiscard]] std::map<PrimaryKey, PrimaryEnd> sides_in(const Drbd& drbd);

/// The line when it ended so, `last_seen` being the last look that showed it. Pure.
[[nodiscard]] LastPrimary ended(LastPrimary line, PrimaryEnd how, WallTime last_seen);

}  // namespace upkeep
