#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "exporter/model/clock.h"
#include "exporter/model/drbd.h"
#include "exporter/model/event.h"

namespace upkeep {

/// What this boot has shown about a DRBD resource; a state alone doesn't tell it.
struct ResourceHistory {
  bool seen_up = false;         ///< Up at some moment of this boot.
  bool primary_alone = false;   ///< Was Primary in this boot with no peer Connected since.
  bool ever_connected = false;  ///< Connected at some moment since it was brought up.
  std::optional<SplitBrainEvidence> split_brain;

  friend bool operator==(const ResourceHistory&, const ResourceHistory&) = default;
};

/// How long what the readings show of a resource has been so. Not durable: a daemon that starts
/// counts anew.
struct ResourceProgress {
  /// A resync towards one peer, by what it last moved.
  struct Resync {
    std::optional<Bytes> out_of_sync;
    std::optional<double> done_ratio;
    Tick moved{};  ///< When one of the figures last changed.
  };
  std::map<std::uint32_t, Tick> unconnected_since;  ///< By the peer's node id.
  std::map<std::pair<std::uint32_t, VolumeNumber>, Resync> resyncs;
};

/// A peer's boot as this daemon saw it.
struct PeerBoot {
  BootId id;
  std::optional<Tick> changed;  ///< When another boot than before was seen.
};

/// True for a resource that is more than a name in the kernel: something is attached or connected.
/// A bring-up that was cut short leaves one that is neither.
[[nodiscard]] bool is_brought_up(const DrbdResource& resource);
/// The resource's line after this reading of DRBD.
[[nodiscard]] ResourceHistory after_look(ResourceHistory known, const DrbdResource& now_seen);
/// The resource's line after a change that readings may miss: a link that came and went, a helper.
[[nodiscard]] ResourceHistory after_event(ResourceHistory known, const DrbdEvent& event);

}  // namespace upkeep
