#include "exporter/sources/hypervisor/vm_assembly.h"

#include <algorithm>
#include <system_error>
#include <vector>

namespace upkeep {
namespace {

struct DiskPair {
  const DefinedDisk* defined = nullptr;
  const DefinedDisk* live = nullptr;
};

std::map<DiskTarget, DiskPair> disks_by_target(const DomainCard& card, bool active) {
  std::map<DiskTarget, DiskPair> pairs;
  if (card.defined) {
    for (const DefinedDisk& disk : card.defined->disks) pairs[disk.target].defined = &disk;
  }
  if (active && card.live) {
    for (const DefinedDisk& disk : card.live->disks) pairs[disk.target].live = &disk;
  }
  return pairs;
}

std::vector<VmDisk> disks_of(const VmFacts& facts, const Surroundings& surroundings) {
  const bool active = is_active(facts.state);
  std::vector<VmDisk> disks;
  for (const auto& [target, pair] : disks_by_target(facts.card, active)) {
    // What the guest writes to now goes before what the next start would give it.
    const DefinedDisk& shown = pair.live != nullptr ? *pair.live : *pair.defined;
    Backing backing = surroundings.backing_of(shown.source);
    VmDisk disk{.target = target,
                .source = shown.source.text,
                .backing = backing.kind,
                .drbd = std::move(backing.drbd),
                .in_definition = pair.defined != nullptr,
                .attached = std::nullopt,
                .optional_at_start = shown.optional_at_start,
                .error = std::nullopt};
    if (active && facts.card.live) disk.attached = pair.live != nullptr;
    const auto error = facts.disk_errors.find(target);
    const bool paused_on_io = facts.state == VmState::paused && facts.reason == VmReason::io_error;
    // libvirt keeps the error after a resume that worked.
    if (paused_on_io && error != facts.disk_errors.end()) disk.error = error->second;
    disks.push_back(std::move(disk));
  }
  return disks;
}

}  // namespace

Vm assemble(const VmFacts& facts, const Surroundings& surroundings) {
  const DomainCard& card = facts.card;
  Vm vm{.name = facts.name,
        .uuid = facts.uuid,
        .state = facts.state,
        .reason = facts.reason,
        .persistent = card.persistent,
        .autostart = card.autostart,
        .managed_save = card.managed_save,
        .job_active = std::nullopt,
        .monitor_blocked = std::nullopt,
        .other_manager = {},
        .disks = {},
        .networks = {},
        .definition_known = card.definition_known,
        .last_start = facts.last_start};
  if (is_active(facts.state)) {
    vm.monitor_blocked = facts.monitor.blocked;
    vm.job_active = facts.monitor.job_active ? facts.monitor.job_active : facts.job_active;
  } else if (facts.state == VmState::shut_off) {
    vm.job_active = false;  // libvirt's jobs need a running QEMU.
  }
  if (!card.definition_known) return vm;

  vm.disks = disks_of(facts, surroundings);
  const DomainDefinition& definition = card.defined ? *card.defined : *card.live;
  vm.other_manager = definition.other_manager;
  for (const DefinedNetwork& network : definition.networks) {
    vm.networks.push_back({network.name, network.is_bridge, surroundings.is_present(network)});
  }
  return vm;
}

std::optional<Backing> backing_without_looking(const DiskSource& source) {
  switch (source.kind) {
    case DiskSource::Kind::path: return std::nullopt;
    case DiskSource::Kind::network: return Backing{.kind = DiskBacking::shared, .drbd = {}};
    case DiskSource::Kind::none:
    case DiskSource::Kind::volume:
    case DiskSource::Kind::other: return Backing{};
  }
  return Backing{};
}

bool host_device_exists(const std::filesystem::path& root, const std::string& name) {
  std::error_code error;
  return std::filesystem::exists(root / "sys/class/net" / name, error);
}

}  // namespace upkeep
