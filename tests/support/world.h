#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/model/snapshot.h"
#include "remediation/history.h"
#include "remediation/policy.h"
#include "remediation/world.h"

namespace upkeep::test {

/// An arbitrary moment, far from both ends of the clock.
inline constexpr Tick kNow{std::chrono::hours(1000)};
/// 2026-11-22 03:12:04 UTC.
inline constexpr WallTime kWall{std::chrono::seconds(1795317124)};

[[nodiscard]] std::string uuid_of(const std::string& vm);

/// A VM: running, persistent, one local disk "vda", definition known.
class VmBuilder {
 public:
  explicit VmBuilder(const std::string& name);

  VmBuilder& state(VmState state, VmReason reason);
  VmBuilder& off(VmReason reason = VmReason::unknown) { return state(VmState::shut_off, reason); }
  VmBuilder& crashed() { return state(VmState::crashed, VmReason::panicked); }
  VmBuilder& transient();
  VmBuilder& autostart();
  VmBuilder& busy();
  VmBuilder& managed_by(const std::string& manager);
  VmBuilder& definition_unknown();
  /// Replaces the disk of that name, or adds it.
  VmBuilder& disk(VmDisk disk);
  VmBuilder& disk(const std::string& target, DiskBacking backing);
  VmBuilder& on_drbd(std::uint32_t minor, const std::string& target = "vda");
  VmBuilder& network(const std::string& name, std::optional<bool> present, bool is_bridge = false);

  operator Vm() const { return vm_; }  // NOLINT(google-explicit-constructor): reads as the VM.

 private:
  Vm vm_;
};

[[nodiscard]] inline VmBuilder a_vm(const std::string& name) { return VmBuilder(name); }

/// A DRBD resource with volume 0, up, Secondary and UpToDate, one peer "node2" Connected, Secondary
/// and UpToDate.
class ResourceBuilder {
 public:
  ResourceBuilder(const std::string& name, std::uint32_t minor);

  ResourceBuilder& role(DrbdRole role);
  ResourceBuilder& disk(DrbdDisk disk);
  ResourceBuilder& peer(DrbdConnection connection, DrbdRole role);
  ResourceBuilder& peer_disk(DrbdDisk disk, DrbdReplication replication);
  /// Silent: Connecting, role Unknown.
  ResourceBuilder& peer_gone() { return peer(DrbdConnection::connecting, DrbdRole::unknown); }
  ResourceBuilder& stand_alone() { return peer(DrbdConnection::stand_alone, DrbdRole::unknown); }
  ResourceBuilder& second_peer(const std::string& name, DrbdConnection connection, DrbdRole role);
  ResourceBuilder& no_peers();
  ResourceBuilder& down();  ///< Configured, not in the kernel.
  ResourceBuilder& quorum(bool configured, bool quorum, bool may_promote);
  ResourceBuilder& client();
  ResourceBuilder& suspended(const std::string& reasons);
  ResourceBuilder& split_brain(const std::string& what);
  ResourceBuilder& managed_by(const std::string& manager);

  operator DrbdResource() const { return resource_; }  // NOLINT(google-explicit-constructor)

 private:
  DrbdResource resource_;
};

[[nodiscard]] inline ResourceBuilder a_resource(const std::string& name, std::uint32_t minor) {
  return {name, minor};
}

/// A whole world, everything read just now, in mode act, settled, boot "boot-1". Its parts are
/// public so that a test changes just what it is about.
struct TestWorld {
  Snapshot snapshot;
  Policy policy;
  History history;
  Tick now = kNow;

  TestWorld();

  TestWorld& with(const Vm& vm);
  TestWorld& with(const DrbdResource& resource);
  TestWorld& drbd_version(const std::string& version);
  TestWorld& peer(const std::string& name, std::vector<std::string> active_vms = {});
  /// A ledger line: wanted by auto, or stopped so.
  TestWorld& wanted(const std::string& vm, StopCause last_stop = StopCause::crashed);
  TestWorld& unwanted(const std::string& vm, StopCause last_stop);
  TestWorld& marked(const std::string& vm, Keep keep);
  /// The problem is on record, seen twice or by an event.
  TestWorld& confirmed(const std::string& rule, const Target& target);
  /// The same, known for so long.
  TestWorld& known_for(Duration time, const std::string& rule, const Target& target);
  TestWorld& vm_policy(VmPolicy block);
  /// Time goes on and every source is read again.
  TestWorld& later(Duration by);

  [[nodiscard]] TargetHistory& tried(const Target& target) { return history.targets[target]; }
  [[nodiscard]] World view() const { return {snapshot, policy, history, now}; }
};

[[nodiscard]] inline Target vm_target(const std::string& name) {
  return {.kind = Target::Kind::vm, .name = name};
}
[[nodiscard]] inline Target resource_target(const std::string& name) {
  return {.kind = Target::Kind::resource, .name = name};
}

}  // namespace upkeep::test
