#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/daemon/host.h"

namespace upkeep {

/// A clock that only the test moves.
class TestClock final : public Clock {
 public:
  [[nodiscard]] Tick now() const override { return now_; }
  [[nodiscard]] WallTime wall() const override { return wall_; }
  void advance(Duration by) {
    now_ += by;
    wall_ += std::chrono::duration_cast<WallTime::duration>(by);
  }

 private:
  Tick now_ = Tick{} + std::chrono::hours(1);
  WallTime wall_{std::chrono::seconds(1'772'334'764)};
};

/// A host whose sources say what the test wants them to.
class FakeHost final : public Host {
 public:
  void start() override { started = true; }
  void fall_silent() override { started = false; }
  void poke() override { ++pokes; }
  void use_checks(CheckOf check_of) override { checks = std::move(check_of); }

  [[nodiscard]] Observed<std::shared_ptr<const Vms>> vms() const override { return said_vms; }
  [[nodiscard]] Observed<std::shared_ptr<const VmStatsByName>> vm_stats() const override {
    return {};
  }
  [[nodiscard]] Observed<std::shared_ptr<const Drbd>> drbd() const override { return said_drbd; }
  [[nodiscard]] bool drbd_in_use() const override { return uses_drbd; }
  [[nodiscard]] Observed<Node> node() const override { return said_node; }
  [[nodiscard]] std::vector<Peer> peers() const override { return said_peers; }

  [[nodiscard]] std::shared_ptr<const VmHealths> health() const override { return said_health; }

  [[nodiscard]] Result<Vm> read_vm(const VmUuid& uuid) override {
    asked_vms.push_back(uuid);
    return fresh_vm ? fresh_vm() : fail(Errc::unavailable, "libvirt is gone");
  }
  [[nodiscard]] Result<std::shared_ptr<const Drbd>> read_drbd(Duration deadline) override {
    ++asked_drbd;
    drbd_deadline = deadline;
    return fresh_drbd ? fresh_drbd() : fail(Errc::unavailable, "DRBD is gone");
  }

  [[nodiscard]] std::function<void()> split_brain_settler(const ResourceName& resource) override {
    return [this, resource] { settled.push_back(resource); };
  }
  [[nodiscard]] HypervisorControl& hypervisor() override { std::abort(); }
  [[nodiscard]] ReplicationControl& replication() override { std::abort(); }

  Observed<std::shared_ptr<const Vms>> said_vms;
  Observed<std::shared_ptr<const Drbd>> said_drbd;
  Observed<Node> said_node;
  std::vector<Peer> said_peers;
  std::shared_ptr<const VmHealths> said_health;
  bool uses_drbd = true;
  std::function<Result<Vm>()> fresh_vm;
  std::function<Result<std::shared_ptr<const Drbd>>()> fresh_drbd;

  CheckOf checks;
  bool started = false;
  int pokes = 0;
  std::vector<VmUuid> asked_vms;
  int asked_drbd = 0;
  Duration drbd_deadline{};
  std::vector<ResourceName> settled;
};

/// A VM with one disk.
[[nodiscard]] inline Vm vm_named(const std::string& name, VmState state,
                                 DiskBacking backing = DiskBacking::local) {
  Vm vm;
  vm.name = VmName{name};
  vm.uuid = VmUuid{"uuid-of-" + name};
  vm.state = state;
  vm.definition_known = true;
  vm.disks.emplace_back().backing = backing;
  return vm;
}

[[nodiscard]] inline std::shared_ptr<const Vms> list_of(Vms vms) {
  return std::make_shared<const Vms>(std::move(vms));
}

/// DRBD with one resource.
[[nodiscard]] inline std::shared_ptr<const Drbd> drbd_with(const std::string& name) {
  auto drbd = std::make_shared<Drbd>();
  drbd->resources.emplace_back().name = ResourceName{name};
  return drbd;
}

}  // namespace upkeep
