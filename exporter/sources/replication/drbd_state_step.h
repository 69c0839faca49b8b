#pragma once

#include <string>
#include <utility>

#include "exporter/sources/replication/drbd_state.h"
#include "exporter/sources/replication/events2_values.h"

namespace upkeep {

/// On 8.4 a link that is StandAlone has no object; this is what it is then.
inline constexpr std::string_view kStandAlone = "StandAlone";

/// One line being applied to a DrbdState.
struct DrbdState::Step {
  const Events2Line& line;
  Moment moment;
  AppliedLine& applied;
  Events2Values values;
  ResourceName name;

  // The line lacks what it takes to use it.
  void incomplete(std::string_view what) const { applied.unparsed.emplace_back(what); }

  [[nodiscard]] bool destroys() const { return line.verb == Events2Verb::destroy; }

  /// Adds an event, unless nothing changed.
  void event(DrbdEvent::Kind kind, const NodeName& peer, std::string from, const std::string& to) {
    if (from == to) return;
    DrbdEvent event;
    event.kind = kind;
    event.resource = name;
    event.peer = peer;
    event.initial = line.verb == Events2Verb::exists && from.empty();
    event.from = std::move(from);
    event.to = to;
    event.at = moment.at;
    event.wall = moment.wall;
    applied.events.push_back(std::move(event));
  }
};

}  // namespace upkeep
