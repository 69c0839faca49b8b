#pragma once

#include <string>
#include <vector>

#include "exporter/model/ids.h"
#include "exporter/model/result.h"

namespace upkeep {

/// A DRBD 8.4 kernel that exists only in the demo: what `drbdsetup events2 --statistics` would
/// print while its resources come up, connect to the other node, resync and go away. Knows no time
/// and no threads; whoever owns it says what happens when.
class SimulatedKernel {
 public:
  struct Resource {
    ResourceName name;
    DeviceMinor minor;
  };
  using Lines = std::vector<std::string>;

  explicit SimulatedKernel(const std::vector<Resource>& resources);

  /// `exists` lines of what is up, and the end of the dump.
  [[nodiscard]] Lines dump() const;

  /// What `drbdadm adjust` of a resource that is down does: it comes up and begins to connect.
  /// Nothing happens to one that is up.
  [[nodiscard]] Result<Lines> adjust(const ResourceName& name);
  /// The other node answers. A crashed Primary then brings the other copy up to date.
  [[nodiscard]] Lines connected(const ResourceName& name);
  /// That resync has ended.
  [[nodiscard]] Lines resynced(const ResourceName& name);
  [[nodiscard]] Result<Lines> promote(const ResourceName& name);
  [[nodiscard]] Result<Lines> demote(const ResourceName& name);
  /// The wire is cut; `connected` mends it.
  [[nodiscard]] Result<Lines> cut_link(const ResourceName& name);

  /// The node lost its power: all resources are down, and remember if they were written to.
  void power_cut();

  [[nodiscard]] bool is_up(const ResourceName& name) const;
  [[nodiscard]] bool is_connecting(const ResourceName& name) const;
  [[nodiscard]] bool is_resyncing(const ResourceName& name) const;
  [[nodiscard]] Result<DeviceMinor> minor_of(const ResourceName& name) const;
  [[nodiscard]] std::vector<ResourceName> names() const;

 private:
  enum class Link { none, connecting, connected };
  struct State {
    Resource resource;
    bool up = false;
    bool primary = false;
    bool resyncing = false;
    bool peer_behind = false;  ///< The other copy misses writes: a crash, or a cut link.
    Link link = Link::none;
  };

  [[nodiscard]] const State* find(const ResourceName& name) const;
  [[nodiscard]] State* find(const ResourceName& name);
  [[nodiscard]] static Lines objects(std::string_view verb, const State& state);

  std::vector<State> states_;
};

}  // namespace upkeep
