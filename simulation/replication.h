#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/drbd.h"
#include "exporter/model/ids.h"
#include "exporter/model/result.h"

namespace upkeep::simulation {

/// A node by its place in the cluster.
using NodeIndex = std::size_t;

/// The DRBD of a cluster as it really is: one volume a resource, two nodes each. Knows what each
/// side wrote while the other wasn't there, so that it can tell a resync from a split brain.
class Replication {
 public:
  struct Side {
    NodeIndex node = 0;
    bool in_kernel = false;
    bool primary = false;
    bool open = false;  ///< A guest has it open.
    bool stand_alone = false;
    bool wrote_alone = false;      ///< Since both were last the same.
    Tick wrote = {};               ///< When it last did.
    bool crashed_primary = false;  ///< It went down hard as Primary.
    DrbdDisk disk = DrbdDisk::up_to_date;
    std::optional<SplitBrainEvidence> evidence = {};
    std::optional<LinkLoss> loss = {};
  };
  struct Resource {
    ResourceName name;
    DeviceMinor minor;
    std::array<Side, 2> sides;
    bool linked = false;
    bool cut = false;  ///< The network between the two is down.
    std::optional<NodeIndex> sync_target = {};
    Tick synced{};  ///< When the resync ends.
  };
  struct Options {
    std::vector<NodeName> nodes;
    std::string version = "9.2.18";
    Duration resync = std::chrono::seconds(5);  ///< Of one resource after a crash.
  };

  explicit Replication(Options options) : options_(std::move(options)) {}

  void add(const ResourceName& name, DeviceMinor minor, std::array<NodeIndex, 2> nodes);

  // What happens to the nodes and the network.
  void node_down(NodeIndex node);
  void cut(const ResourceName& name, bool cut);
  /// Lets resyncs end.
  void advance(Tick now, WallTime wall);
  [[nodiscard]] std::optional<Tick> next_end() const;

  // What commands and guests do on a node.
  [[nodiscard]] Result<void> bring_up(NodeIndex node, const ResourceName& name);
  [[nodiscard]] Result<void> promote(NodeIndex node, const ResourceName& name);
  [[nodiscard]] Result<void> demote(NodeIndex node, const ResourceName& name);
  [[nodiscard]] Result<void> connect(NodeIndex node, const ResourceName& name);
  /// As `drbdadm down`; conflict while it is open.
  [[nodiscard]] Result<void> take_down(NodeIndex node, const ResourceName& name);
  /// A guest opens the device: DRBD 9 promotes it then, 8.4 must be Primary already.
  [[nodiscard]] Result<void> open(NodeIndex node, const ResourceName& name);
  void close(NodeIndex node, const ResourceName& name);
  /// A person decides a split brain: `loser` forgets what it wrote.
  void resolve(const ResourceName& name, NodeIndex loser);

  /// What drbdsetup and the configuration say on a node.
  [[nodiscard]] Drbd reading(NodeIndex node) const;
  /// Grows with each change that a node can see.
  [[nodiscard]] std::uint64_t generation(NodeIndex node) const;

  [[nodiscard]] const std::vector<Resource>& resources() const { return resources_; }
  [[nodiscard]] const Side* side(NodeIndex node, const ResourceName& name) const;
  [[nodiscard]] const Side* other_side(NodeIndex node, const ResourceName& name) const;
  [[nodiscard]] bool is_84() const { return options_.version.starts_with("8."); }

 private:
  struct Place {
    Resource* resource = nullptr;
    Side* here = nullptr;
    Side* there = nullptr;
  };
  [[nodiscard]] Place place(NodeIndex node, const ResourceName& name);
  void settle(Resource& resource);
  void note_writing(Resource& resource) const;
  void shake_hands(Resource& resource);
  void part(Resource& resource);
  void sync(Resource& resource, Side& source, Side& target);
  [[nodiscard]] DrbdResource read(const Resource& resource, NodeIndex node) const;
  [[nodiscard]] DrbdPeer read_peer(const Resource& resource, const Side& here,
                                   const Side& there) const;

  Options options_;
  std::vector<Resource> resources_;
  std::map<NodeIndex, std::uint64_t> generations_;
  Tick now_{};
  WallTime wall_{};
};

}  // namespace upkeep::simulation
