#include "app/daemon/real_host.h"

#include <utility>

#include "exporter/sources/node/node_facts.h"

namespace upkeep {
namespace {

DrbdSourceOptions::Enabled to_enabled(DrbdUse use) {
  switch (use) {
    case DrbdUse::automatic: return DrbdSourceOptions::Enabled::automatic;
    case DrbdUse::on: return DrbdSourceOptions::Enabled::on;
    case DrbdUse::off: return DrbdSourceOptions::Enabled::off;
  }
  return DrbdSourceOptions::Enabled::automatic;
}

LibvirtSourceOptions libvirt_options(const Config& config, const std::filesystem::path& root) {
  LibvirtSourceOptions options;
  options.uri = config.libvirt.uri;
  options.resync = config.libvirt.resync_interval;
  options.stats = config.libvirt.stats;
  options.root = root;
  return options;
}

DrbdSourceOptions drbd_options(const Config& config, const std::filesystem::path& root) {
  DrbdSourceOptions options;
  options.root = root;
  options.drbdsetup = config.drbd.drbdsetup;
  options.drbdadm = config.drbd.drbdadm;
  options.enabled = to_enabled(config.drbd.enabled);
  return options;
}

PeerSourceOptions peer_options(const Config& config, const std::filesystem::path& root) {
  PeerSourceOptions options;
  options.own_boot = [root] { return read_boot_id(root); };
  for (const PeerConfig& peer : config.peers) {
    options.peers.push_back({.name = peer.name, .url = peer.url});
  }
  return options;
}

}  // namespace

RealHost::RealHost(const Config& config, const std::filesystem::path& root,
                   std::shared_ptr<const Clock> clock, SourceListener& listener)
    : clock_(std::move(clock)),
      gate_(listener),
      reader_(config.libvirt.uri, root),
      hypervisor_(config.libvirt.uri),
      replication_({.drbdadm = config.drbd.drbdadm}),
      libvirt_(libvirt_options(config, root), *clock_, gate_),
      drbd_(drbd_options(config, root), *clock_, gate_),
      node_({.root = root}, *clock_, gate_),
      peers_(peer_options(config, root), *clock_, gate_),
      health_(health_parts(config.libvirt.uri, clock_,
                           [this] { gate_.published(SourceKind::libvirt); })) {}

void RealHost::start() {
  node_.start();
  libvirt_.start();
  drbd_.start();
  peers_.start();
  health_.start();
}

void RealHost::fall_silent() { gate_.close(); }

void RealHost::poke() {
  node_.poke();
  libvirt_.poke();
  drbd_.poke();
  peers_.poke();
  health_.poke();
}

Observed<std::shared_ptr<const Vms>> RealHost::vms() const { return libvirt_.latest(); }
Observed<std::shared_ptr<const VmStatsByName>> RealHost::vm_stats() const {
  return libvirt_.latest_stats();
}
Observed<std::shared_ptr<const Drbd>> RealHost::drbd() const { return drbd_.latest(); }
bool RealHost::drbd_in_use() const { return drbd_.in_use(); }
Observed<Node> RealHost::node() const { return node_.latest(); }
std::vector<Peer> RealHost::peers() const { return peers_.latest(); }

Result<Vm> RealHost::read_vm(const VmUuid& uuid) { return reader_.read_vm_now(uuid); }
Result<std::shared_ptr<const Drbd>> RealHost::read_drbd(Duration deadline) {
  return drbd_.read_now(deadline);
}

}  // namespace upkeep
