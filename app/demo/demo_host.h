#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/daemon/host.h"
#include "app/daemon/listener_gate.h"
#include "app/demo/demo_fleet.h"
#include "app/demo/demo_root.h"
#include "app/demo/simulated_drbd.h"
#include "exporter/sources/hypervisor/libvirt_reader.h"
#include "exporter/sources/hypervisor/libvirt_source.h"
#include "exporter/sources/node/node_source.h"
#include "remediation/effects/libvirt_control.h"

namespace upkeep {

/// What a person may do to the demo (POST /api/v1/demo).
struct DemoCommand {
  std::string what;    ///< help, crash, stop, power-cut, disconnect, reconnect.
  std::string target;  ///< The VM or resource it is done to; empty for the node.
};

/// A machine that exists only in this process: VMs in libvirt's test driver, DRBD in memory, and a
/// boot that can be changed. Sources, parsers and controls are the real ones.
class DemoHost final : public Host {
 public:
  /// Puts VMs, disks and a booted node there; `directory` must exist.
  [[nodiscard]] static Result<std::shared_ptr<DemoHost>> create(
      const std::filesystem::path& directory, std::shared_ptr<const Clock> clock,
      SourceListener& listener);

  void start() override;
  void fall_silent() override;
  void poke() override;
  void use_checks(CheckOf check_of) override { health_.use(std::move(check_of)); }

  [[nodiscard]] Observed<std::shared_ptr<const Vms>> vms() const override;
  [[nodiscard]] Observed<std::shared_ptr<const VmStatsByName>> vm_stats() const override;
  [[nodiscard]] Observed<std::shared_ptr<const Drbd>> drbd() const override;
  [[nodiscard]] bool drbd_in_use() const override { return true; }
  [[nodiscard]] Observed<Node> node() const override;
  [[nodiscard]] std::vector<Peer> peers() const override { return {}; }
  [[nodiscard]] std::shared_ptr<const VmHealths> health() const override {
    return health_.latest();
  }

  [[nodiscard]] Result<Vm> read_vm(const VmUuid& uuid) override;
  [[nodiscard]] Result<std::shared_ptr<const Drbd>> read_drbd(Duration deadline) override;

  /// The demo's two sides never diverge.
  [[nodiscard]] std::function<void()> split_brain_settler(
      const ResourceName& /*resource*/) override {
    return [] {};
  }

  [[nodiscard]] HypervisorControl& hypervisor() override { return hypervisor_; }
  [[nodiscard]] ReplicationControl& replication() override { return drbd_; }

  /// Carries out a command; what it did, in a sentence. `invalid` names the known ones. Blocks for
  /// a second at most. Thread-safe.
  [[nodiscard]] Result<std::string> carry_out(const DemoCommand& command);

 private:
  DemoHost(DemoFleet fleet, DemoRoot root, std::shared_ptr<const Clock> clock,
           SourceListener& listener);

  [[nodiscard]] Result<std::string> power_cut();
  [[nodiscard]] Result<std::string> go_dark();

  std::shared_ptr<const Clock> clock_;
  ListenerGate gate_;
  std::mutex command_mutex_;        ///< One command at a time.
  std::atomic<bool> dark_ = false;  ///< The power is off: VMs and DRBD can't be seen.
  DemoFleet fleet_;
  DemoRoot root_;
  LibvirtReader reader_;
  LibvirtControl hypervisor_;
  LibvirtSource libvirt_;
  SimulatedDrbd drbd_;
  NodeSource node_;
  HealthSource health_;
};

}  // namespace upkeep
