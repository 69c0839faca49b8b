#include "exporter/sources/hypervisor/vm_inventory.h"

#include <algorithm>
#include <utility>

#include "exporter/sources/hypervisor/libvirt_terms.h"

namespace upkeep {
namespace {

bool was_announced(const Announcements& announced, const VmUuid& uuid, std::optional<VmState> from,
                   std::optional<VmState> to) {
  const auto kinds = announced.find(uuid);
  return kinds != announced.end() && std::ranges::any_of(kinds->second, [&](VmEventKind kind) {
           return announces(kind, from, to);
         });
}

bool was_started(const Announcements& announced, const VmUuid& uuid) {
  const auto kinds = announced.find(uuid);
  return kinds != announced.end() &&
         std::ranges::find(kinds->second, VmEventKind::started) != kinds->second.end();
}

}  // namespace

void VmInventory::begin_again() {
  complete_ = false;
  for (auto& [uuid, entry] : entries_) entry.has_card = false;
}

bool VmInventory::has_unannounced(const std::vector<DomainState>& states,
                                  const Announcements& announced) const {
  if (!complete_) return false;
  std::set<VmUuid> seen;
  for (const DomainState& state : states) {
    seen.insert(state.uuid);
    const auto entry = entries_.find(state.uuid);
    const std::optional<VmState> from =
        entry == entries_.end() ? std::nullopt : std::optional(entry->second.facts.state);
    if (from != state.state && !was_announced(announced, state.uuid, from, state.state)) {
      return true;
    }
  }
  return std::ranges::any_of(entries_, [&](const auto& entry) {
    const auto& [uuid, known] = entry;
    return !seen.contains(uuid) && !was_announced(announced, uuid, known.facts.state, std::nullopt);
  });
}

void VmInventory::update(const std::vector<DomainState>& states, const Announcements& announced,
                         WallTime wall) {
  std::map<VmUuid, Entry> next;
  for (const DomainState& state : states) {
    const auto known = entries_.find(state.uuid);
    Entry entry = known == entries_.end() ? Entry{} : std::move(known->second);
    const bool was_active = is_active(entry.facts.state);
    const bool is_new = known == entries_.end();
    const bool active = is_active(state.state);
    if (was_active != active) {
      entry.stale = true;
      entry.facts.monitor = {};
    }
    // A VM that was up when this daemon first looked started before our time.
    const bool came_up = active && !was_active && (!is_new || complete_);
    if (came_up || was_started(announced, state.uuid)) entry.facts.last_start = wall;
    entry.facts.uuid = state.uuid;
    entry.facts.name = state.name;
    entry.facts.state = state.state;
    entry.facts.reason = state.reason;
    next.emplace(state.uuid, std::move(entry));
  }
  entries_ = std::move(next);
  complete_ = true;
}

void VmInventory::mark_stale(const std::set<VmUuid>& uuids) {
  for (const VmUuid& uuid : uuids) {
    const auto entry = entries_.find(uuid);
    if (entry != entries_.end()) entry->second.stale = true;
  }
}

void VmInventory::mark_all_stale() {
  for (auto& [uuid, entry] : entries_) entry.stale = true;
}

bool VmInventory::needs_card(const VmUuid& uuid) const {
  const auto entry = entries_.find(uuid);
  return entry != entries_.end() && !entry->second.has_card;
}

bool VmInventory::is_stale(const VmUuid& uuid) const {
  const auto entry = entries_.find(uuid);
  return entry != entries_.end() && entry->second.stale;
}

bool VmInventory::set_card(const VmUuid& uuid, DomainCard card) {
  const auto entry = entries_.find(uuid);
  if (entry == entries_.end()) return false;
  const bool differs = !entry->second.has_card || entry->second.facts.card != card;
  entry->second.facts.card = std::move(card);
  entry->second.has_card = true;
  entry->second.stale = false;
  return differs;
}

void VmInventory::set_monitor(const VmUuid& uuid, const MonitorFacts& facts) {
  const auto entry = entries_.find(uuid);
  if (entry != entries_.end()) entry->second.facts.monitor = facts;
}

std::vector<const DefinedDisk*> VmInventory::all_disks() const {
  std::vector<const DefinedDisk*> disks;
  for (const auto& [uuid, entry] : entries_) {
    for (const auto* definition : {&entry.facts.card.defined, &entry.facts.card.live}) {
      if (!*definition) continue;
      for (const DefinedDisk& disk : (*definition)->disks) disks.push_back(&disk);
    }
  }
  return disks;
}

std::set<std::string> VmInventory::paths(const SlowFacts& slow) const {
  std::set<std::string> paths;
  for (const DefinedDisk* disk : all_disks()) {
    const DiskSource& source = resolved(disk->source, slow);
    if (source.kind == DiskSource::Kind::path) paths.insert(source.text);
  }
  return paths;
}

std::map<std::string, DiskSource> VmInventory::volumes() const {
  std::map<std::string, DiskSource> volumes;
  for (const DefinedDisk* disk : all_disks()) {
    if (disk->source.kind == DiskSource::Kind::volume) {
      volumes.emplace(disk->source.text, disk->source);
    }
  }
  return volumes;
}

Vms VmInventory::vms(const SlowFacts& slow, const Surroundings& surroundings) const {
  Vms vms;
  vms.reserve(entries_.size());
  for (const auto& [uuid, entry] : entries_) {
    VmFacts facts = entry.facts;
    if (const auto job = slow.jobs.find(uuid); job != slow.jobs.end()) {
      facts.job_active = job->second;
    }
    if (const auto errors = slow.disk_errors.find(uuid); errors != slow.disk_errors.end()) {
      facts.disk_errors = errors->second;
    }
    vms.push_back(assemble(facts, surroundings));
  }
  std::ranges::sort(vms, {}, &Vm::name);
  return vms;
}

}  // namespace upkeep
