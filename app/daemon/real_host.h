#pragma once

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "app/config.h"
#include "app/daemon/host.h"
#include "app/daemon/listener_gate.h"
#include "exporter/sources/hypervisor/libvirt_reader.h"
#include "exporter/sources/hypervisor/libvirt_source.h"
#include "exporter/sources/node/node_source.h"
#include "exporter/sources/peers/peer_source.h"
#include "exporter/sources/replication/drbd_source.h"
#include "remediation/effects/drbd_control.h"
#include "remediation/effects/libvirt_control.h"

namespace upkeep {

/// This machine: its libvirtd, its DRBD, its kernel, and the peers it was told of.
class RealHost final : public Host {
 public:
  /// `root` is `/` but for tests.
  RealHost(const Config& config, const std::filesystem::path& root,
           std::shared_ptr<const Clock> clock, SourceListener& listener);

  void start() override;
  void fall_silent() override;
  void poke() override;
  void use_checks(CheckOf check_of) override { health_.use(std::move(check_of)); }

  [[nodiscard]] Observed<std::shared_ptr<const Vms>> vms() const override;
  [[nodiscard]] Observed<std::shared_ptr<const VmStatsByName>> vm_stats() const override;
  [[nodiscard]] Observed<std::shared_ptr<const Drbd>> drbd() const override;
  [[nodiscard]] bool drbd_in_use() const override;
  [[nodiscard]] Observed<Node> node() const override;
  [[nodiscard]] std::vector<Peer> peers() const override;
  [[nodiscard]] std::shared_ptr<const VmHealths> health() const override {
    return health_.latest();
  }

  [[nodiscard]] Result<Vm> read_vm(const VmUuid& uuid) override;
  [[nodiscard]] Result<std::shared_ptr<const Drbd>> read_drbd(Duration deadline) override;

  [[nodiscard]] std::function<void()> split_brain_settler(const ResourceName& resource) override {
    return drbd_.split_brain_settler(resource);
  }

  [[nodiscard]] HypervisorControl& hypervisor() override { return hypervisor_; }
  [[nodiscard]] ReplicationControl& replication() override { return replication_; }

 private:
  std::shared_ptr<const Clock> clock_;
  ListenerGate gate_;
  LibvirtReader reader_;
  LibvirtControl hypervisor_;
  DrbdControl replication_;
  LibvirtSource libvirt_;
  DrbdSource drbd_;
  NodeSource node_;
  PeerSource peers_;
  HealthSource health_;
};

}  // namespace upkeep
