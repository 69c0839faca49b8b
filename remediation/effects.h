#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/result.h"
#include "exporter/model/snapshot.h"
#include "remediation/action.h"
#include "remediation/terms.h"

namespace upkeep {

/// What upkeep can do to VMs, from a place among the calls at once and over a connection that are
/// there already. Calls block, and ask for the last word right before a change. Of one thread.
class HypervisorSession {
 public:
  HypervisorSession() = default;
  HypervisorSession(const HypervisorSession&) = delete;
  HypervisorSession& operator=(const HypervisorSession&) = delete;
  virtual ~HypervisorSession() = default;

  /// Errc::conflict when it already runs (somebody else did it).
  [[nodiscard]] virtual Result<void> start(const VmUuid& uuid) = 0;
  /// Drops what is left of a crashed, preserved guest; refuses (conflict) any other state.
  [[nodiscard]] virtual Result<void> destroy_crashed(const VmUuid& uuid) = 0;
  /// Lets a guest go on; refuses (conflict) any that isn't paused by an I/O error right now.
  [[nodiscard]] virtual Result<void> resume(const VmUuid& uuid) = 0;
  /// As the reset button does; refuses (conflict) a guest that isn't running right now.
  [[nodiscard]] virtual Result<void> reset(const VmUuid& uuid) = 0;
  /// Attaches, live only, the disk of that name as the persistent definition has it. Conflict when
  /// it is there already.
  [[nodiscard]] virtual Result<void> attach_disk(const VmUuid& uuid, const DiskTarget& disk) = 0;
};

/// Gives places for calls to VMs; asked from executor threads only. Thread-safe.
class HypervisorControl {
 public:
  HypervisorControl() = default;
  HypervisorControl(const HypervisorControl&) = delete;
  HypervisorControl& operator=(const HypervisorControl&) = delete;
  virtual ~HypervisorControl() = default;

  /// A place and a connection; waits for both until the deadline is over, never longer. Then it is
  /// an error, though not Errc::timed_out: nothing was sent. A session whose deadline is over
  /// begins no call, and one that hangs by then makes room. The last word is on each of its calls.
  [[nodiscard]] virtual Result<std::unique_ptr<HypervisorSession>> session(const Terms& terms) = 0;
};

/// How much of a resource an adjust is to bring up.
enum class AdjustScope { everything, all_but_disk };

/// One volume of a resource.
struct DrbdVolume {
  ResourceName resource;
  VolumeNumber volume;
};

/// The link of a resource to one peer.
struct DrbdLink {
  ResourceName resource;
  NodeName peer;
};

/// What upkeep can do to DRBD. Same rules as above; each command has its own terms, and its last
/// word is asked once it has its turn. Errc::timed_out means it may still be running.
class ReplicationControl {
 public:
  ReplicationControl() = default;
  ReplicationControl(const ReplicationControl&) = delete;
  ReplicationControl& operator=(const ReplicationControl&) = delete;
  virtual ~ReplicationControl() = default;

  /// What `drbdadm -d adjust RES` would run, a command a line.
  [[nodiscard]] virtual Result<std::vector<std::string>> dry_run_adjust(
      const ResourceName& resource, AdjustScope scope, const Terms& terms) = 0;
  [[nodiscard]] virtual Result<void> adjust(const ResourceName& resource, AdjustScope scope,
                                            const Terms& terms) = 0;
  /// A plain connect: never with --discard-my-data. Conflict when it is connected or on its way.
  [[nodiscard]] virtual Result<void> connect(const ResourceName& resource, const Terms& terms) = 0;
  /// The same of one link of several.
  [[nodiscard]] virtual Result<void> connect_link(const DrbdLink& link, const Terms& terms) = 0;
  // The other two of a split brain that a person decided; nothing else may ask for them.
  [[nodiscard]] virtual Result<void> disconnect(const ResourceName& resource,
                                                const Terms& terms) = 0;
  /// Connects with --discard-my-data: what this node wrote since the sides diverged is lost. DRBD
  /// refuses on a Primary.
  [[nodiscard]] virtual Result<void> connect_discarding_local(const ResourceName& resource,
                                                              const Terms& terms) = 0;
  /// Reads both ends of the volume's backing device, past the page cache. Errc::storage when they
  /// can't be read. The device's own time begins with the last word.
  [[nodiscard]] virtual Result<void> probe_backing(const DrbdVolume& volume,
                                                   const Terms& terms) = 0;
  [[nodiscard]] virtual Result<void> attach(const DrbdVolume& volume, const Terms& terms) = 0;
  /// Never with --force.
  [[nodiscard]] virtual Result<void> promote(const ResourceName& resource, const Terms& terms) = 0;
  /// Errc::conflict when the device is open.
  [[nodiscard]] virtual Result<void> demote(const ResourceName& resource, const Terms& terms) = 0;
};

/// Reads the facts about one target again, right before acting, past every cache.
class FactReader {
 public:
  FactReader() = default;
  FactReader(const FactReader&) = delete;
  FactReader& operator=(const FactReader&) = delete;
  virtual ~FactReader() = default;

  /// A snapshot in which what the target rests on (VM, its DRBD resources, peers) was read after
  /// the call began. Blocks until `deadline` at most.
  [[nodiscard]] virtual Result<std::shared_ptr<const Snapshot>> reread(const Target& target,
                                                                       Duration deadline) = 0;
  /// What is known by now of the resource's split brain, as something to be forgotten: calling the
  /// result makes it count no more in later readings. What becomes known from here on does count.
  [[nodiscard]] virtual std::function<void()> split_brain_settler(const ResourceName& resource) = 0;
};

}  // namespace upkeep
