#include "exporter/sources/hypervisor/libvirt_reader.h"

#include <fmt/format.h>

#include <utility>

#include "exporter/sources/hypervisor/domain_reader.h"
#include "exporter/sources/hypervisor/vm_assembly.h"

namespace upkeep {
namespace {

VmFacts read_facts(const DomainState& seen) {
  virDomainPtr domain = seen.domain.get();
  VmFacts facts;
  facts.name = seen.name;
  facts.uuid = seen.uuid;
  facts.state = seen.state;
  facts.reason = seen.reason;
  facts.card = read_card(domain, is_active(seen.state));
  if (!is_active(seen.state)) return facts;
  facts.monitor = read_monitor(domain);
  // Asking a monitor that doesn't answer would only keep the caller waiting.
  const bool answers = facts.monitor.blocked && *facts.monitor.blocked < std::chrono::seconds(1);
  if (answers) facts.job_active = read_job(domain);
  return facts;
}

}  // namespace

LibvirtReader::LibvirtReader(std::string uri, std::filesystem::path root,
                             BackingFinder::StatusOf status_of_path)
    : link_(std::move(uri), LibvirtAccess::read_only),
      root_(std::move(root)),
      finder_(root_, std::move(status_of_path)) {}

Result<Vm> LibvirtReader::read_vm_now(const VmUuid& uuid) {
  const auto connection = link_.connection();
  if (!connection) return std::unexpected(connection.error());
  auto vm = read(*connection, uuid);
  if (is_alive(*connection)) return vm;
  // A part may have failed quietly on the way: nothing read over a dying connection is a fact.
  link_.drop(*connection);
  return fail(Errc::unavailable,
              fmt::format("read VM {}: libvirtd at {}: connection lost", uuid.value, link_.uri()));
}

Result<Vm> LibvirtReader::read(const ConnectionHandle& connection, const VmUuid& uuid) const {
  const auto first = read_state(connection, uuid);
  if (!first) return std::unexpected(first.error());
  const VmFacts facts = read_facts(*first);
  const auto networks = read_active_networks(connection);
  const bool local = is_local(link_.uri());
  const Surroundings surroundings{
      .backing_of =
          [&](const DiskSource& source) {
            const DiskSource found = resolve_volume(connection, source);
            if (const auto known = backing_without_looking(found)) return *known;
            return local ? finder_.backing_of(found.text) : Backing{};
          },
      .is_present = [&](const DefinedNetwork& network) -> std::optional<bool> {
        if (network.is_bridge && local) return host_device_exists(root_, network.name);
        if (network.is_bridge || !networks) return std::nullopt;
        return networks->contains(network.name);
      }};
  Vm vm = assemble(facts, surroundings);
  // The state last: of all facts it is the one that changes while the others are read.
  const auto last = read_state(connection, uuid);
  if (!last) return std::unexpected(last.error());
  if (is_active(last->state) != is_active(first->state)) {
    return fail(Errc::conflict,
                fmt::format("VM '{}' changed while it was read", first->name.value));
  }
  vm.state = last->state;
  vm.reason = last->reason;
  return vm;
}

}  // namespace upkeep
