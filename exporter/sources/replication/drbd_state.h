#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/drbd.h"
#include "exporter/model/event.h"
#include "exporter/sources/replication/events2_parser.h"
#include "exporter/sources/replication/link_story.h"

namespace upkeep {

/// What one events2 line did to the state.
struct AppliedLine {
  std::vector<DrbdEvent> events;
  std::vector<std::string> unparsed;  ///< What was not understood.
  bool changed = false;               ///< The state may differ now.
  bool dump_ended = false;            ///< The initial dump is complete.
  bool resync = false;                ///< Messages were lost: read everything again.
  bool evidence = false;              ///< `evidence()` or `stories()` differ now.
  std::vector<ResourceName> created;  ///< Brought up anew.
  /// Links that are up and past their handshake now, by resource and conn-name.
  std::vector<std::pair<ResourceName, NodeName>> established;
};

/// When a line came.
struct Moment {
  Tick at{};
  WallTime wall{};
};

/// DRBD's objects as the events2 stream tells them, whatever the version. Objects are known by
/// (resource, peer-node-id, volume) only: 8.4 leaves conn-name out at times. Owned by one thread.
class DrbdState {
 public:
  using Evidence = std::map<ResourceName, SplitBrainEvidence>;
  using Stories = std::map<ResourceName, std::map<std::uint32_t, LinkStory>>;  // By node id.

  /// `kernel_version` as in the first line of /proc/drbd.
  explicit DrbdState(std::string kernel_version) : kernel_version_(std::move(kernel_version)) {}

  /// Another module was loaded.
  void set_kernel_version(std::string version) { kernel_version_ = std::move(version); }

  /// A stream begins anew: what it does not name before `exists -` is gone. What was known stays
  /// known until then, so that only real changes make events.
  void begin_dump();
  /// True from `exists -` until the next `begin_dump`.
  [[nodiscard]] bool complete() const { return complete_; }

  /// Takes a line, whatever is in it.
  AppliedLine apply(std::string_view text, Moment moment);
  /// The module is gone, and everything with it.
  std::vector<DrbdEvent> clear(Moment moment);

  /// The state as the program's model. On 8.4 a resource without a connection object gets the
  /// StandAlone peer that its tools leave out.
  [[nodiscard]] Drbd drbd() const;
  /// By resource, also of those that are down. Set by the helper call `split-brain` (detected and
  /// not resolved), and by a StandAlone link whose sync-state says so; cleared once the connection
  /// is up with every volume past the handshake.
  [[nodiscard]] Evidence evidence() const;
  /// What the stream told of each link.
  [[nodiscard]] const Stories& stories() const { return stories_; }

 private:
  struct Link {
    DrbdPeer facts;  // `devices` unused.
    std::map<std::uint32_t, DrbdPeerDevice> devices;
    [[nodiscard]] DrbdPeer peer() const;
    // Connected, and every volume is past the handshake in which a split brain would show. On 8.4
    // the connection counts as Connected before it.
    [[nodiscard]] bool is_past_handshake() const;
  };
  struct Resource {
    DrbdResource facts;  // `devices` and `peers` unused.
    std::map<std::uint32_t, DrbdDevice> devices;
    std::map<std::uint32_t, Link> links;
  };
  using Resources = std::map<ResourceName, Resource>;
  struct Step;  // One line being applied.

  void apply_resource(Step& step);
  void apply_device(Step& step);
  void apply_connection(Step& step);
  void apply_peer_device(Step& step);
  void apply_helper(Step& step);
  void rename(Step& step);
  void end_dump(AppliedLine& applied, Moment moment);
  void destroy_resource(const ResourceName& name, Moment moment, std::vector<DrbdEvent>& events);
  void judge_evidence(const ResourceName& name);
  void take_sync_state(Step& step, std::uint32_t node);
  Resource& resource_of(Step& step);
  void follow(Step& step, std::uint32_t node, const Link& link);
  LinkStory& story_of(const ResourceName& name, std::uint32_t node);
  Link& link_of(Step& step, Resource& resource, std::uint32_t node);
  [[nodiscard]] const Resource* known_before(const ResourceName& name) const;
  [[nodiscard]] std::string connection_before(const ResourceName& name, std::uint32_t node) const;
  [[nodiscard]] bool is_84() const { return kernel_version_.starts_with("8."); }

  std::string kernel_version_;
  bool complete_ = false;
  Resources resources_;
  Resources before_;  // While a dump is being read: what was known before it.
  Stories stories_;
  // By peer node id; an entry without one was not told by any version seen so far.
  std::map<ResourceName, std::map<std::optional<std::uint32_t>, SplitBrainEvidence>> evidence_;
};

}  // namespace upkeep
