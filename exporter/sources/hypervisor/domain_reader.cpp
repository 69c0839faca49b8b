#include "exporter/sources/hypervisor/domain_reader.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <span>

#include "exporter/sources/hypervisor/libvirt_terms.h"
#include "platform/libvirt_error.h"

namespace upkeep {
namespace {

struct FreeMemory {
  void operator()(void* memory) const noexcept {
    // libvirt malloc'ed it.
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
    std::free(memory);
  }
};
using LibvirtString = std::unique_ptr<char, FreeMemory>;

std::optional<bool> to_flag(int answer) {
  return answer < 0 ? std::nullopt : std::optional(answer != 0);
}

/// Fills in the state by a call of its own.
bool ask_state(DomainState& seen) {
  int state = 0;
  int reason = 0;
  if (virDomainGetState(seen.domain.get(), &state, &reason, 0) < 0) return false;
  seen.state = to_vm_state(state);
  seen.reason = to_vm_reason(state, reason);
  return true;
}

DomainState described(DomainHandle domain) {
  DomainState seen{.domain = std::move(domain), .uuid = {}, .name = {}};
  seen.uuid = uuid_of(seen.domain.get());
  seen.name = name_of(seen.domain.get());
  return seen;
}

DomainState to_state(virDomainStatsRecordPtr record) {
  virDomainRef(record->dom);
  DomainState seen = described(DomainHandle(record->dom));
  int state = 0;
  int reason = 0;
  const bool told =
      virTypedParamsGetInt(record->params, record->nparams, "state.state", &state) == 1 &&
      virTypedParamsGetInt(record->params, record->nparams, "state.reason", &reason) == 1;
  if (!told) {
    ask_state(seen);
    return seen;
  }
  seen.state = to_vm_state(state);
  seen.reason = to_vm_reason(state, reason);
  return seen;
}

/// The slower way, for drivers and daemons that can't give bulk statistics.
Result<std::vector<DomainState>> list_states(const ConnectionHandle& connection) {
  virDomainPtr* raw = nullptr;
  const int count = virConnectListAllDomains(connection.get(), &raw, 0);
  if (count < 0) return std::unexpected(last_libvirt_error("list domains"));
  const std::unique_ptr<virDomainPtr, FreeMemory> list(raw);
  std::vector<DomainHandle> domains;
  for (virDomainPtr domain : std::span(raw, static_cast<std::size_t>(count))) {
    domains.emplace_back(domain);
  }
  std::vector<DomainState> states;
  for (DomainHandle& domain : domains) {
    DomainState seen = described(std::move(domain));
    // One that fails was undefined since, or stays `unknown`.
    if (!ask_state(seen) && virGetLastError() != nullptr &&
        virGetLastError()->code == VIR_ERR_NO_DOMAIN) {
      continue;
    }
    states.push_back(std::move(seen));
  }
  if (!is_alive(connection)) return fail(Errc::unavailable, "list domains: connection lost");
  return states;
}

std::optional<DomainDefinition> read_definition(virDomainPtr domain, unsigned flags) {
  const LibvirtString xml(virDomainGetXMLDesc(domain, flags));
  if (xml == nullptr) return std::nullopt;
  auto definition = parse_domain(xml.get());
  if (!definition) return std::nullopt;
  return std::move(*definition);
}

}  // namespace

VmUuid uuid_of(virDomainPtr domain) {
  std::array<char, VIR_UUID_STRING_BUFLEN> text{};
  virDomainGetUUIDString(domain, text.data());
  return {std::string(text.data())};
}

VmName name_of(virDomainPtr domain) {
  const char* name = virDomainGetName(domain);
  return {name == nullptr ? std::string() : std::string(name)};
}

bool is_alive(const ConnectionHandle& connection) {
  return virConnectIsAlive(connection.get()) == 1;
}

Result<std::vector<DomainState>> read_states(const ConnectionHandle& connection) {
  virDomainStatsRecordPtr* raw = nullptr;
  const int count = virConnectGetAllDomainStats(connection.get(), VIR_DOMAIN_STATS_STATE, &raw, 0);
  if (count < 0) {
    const Error error = last_libvirt_error("read domain states");
    if (!is_alive(connection)) return fail(Errc::unavailable, error.message);
    return list_states(connection);
  }
  const DomainStatsHandle records(raw);
  std::vector<DomainState> states;
  states.reserve(static_cast<std::size_t>(count));
  for (virDomainStatsRecordPtr record : std::span(raw, static_cast<std::size_t>(count))) {
    states.push_back(to_state(record));
  }
  return states;
}

Result<DomainState> read_state(const ConnectionHandle& connection, const VmUuid& uuid) {
  DomainHandle domain(virDomainLookupByUUIDString(connection.get(), uuid.value.c_str()));
  if (domain == nullptr) {
    return std::unexpected(last_libvirt_error(fmt::format("look up VM {}", uuid.value)));
  }
  DomainState seen = described(std::move(domain));
  if (!ask_state(seen)) {
    return std::unexpected(last_libvirt_error(fmt::format("read VM '{}'", seen.name.value)));
  }
  return seen;
}

DomainCard read_card(virDomainPtr domain, bool active) {
  DomainCard card;
  const std::optional<bool> persistent = to_flag(virDomainIsPersistent(domain));
  card.persistent = persistent.value_or(true);
  if (card.persistent) {
    int autostart = 0;
    if (virDomainGetAutostart(domain, &autostart) == 0) card.autostart = autostart != 0;
    card.managed_save = to_flag(virDomainHasManagedSaveImage(domain, 0));
    card.defined = read_definition(domain, VIR_DOMAIN_XML_INACTIVE);
  }
  if (active) card.live = read_definition(domain, 0);
  card.definition_known = persistent.has_value() && (card.defined || !card.persistent) &&
                          (card.live || !active) && (card.defined || card.live);
  virResetLastError();
  return card;
}

MonitorFacts read_monitor(virDomainPtr domain) {
  virDomainControlInfo info{};
  if (virDomainGetControlInfo(domain, &info, 0) < 0) return {};
  switch (info.state) {
    case VIR_DOMAIN_CONTROL_OK: return {std::chrono::milliseconds(0), std::nullopt};
    case VIR_DOMAIN_CONTROL_JOB: return {std::nullopt, true};
    case VIR_DOMAIN_CONTROL_OCCUPIED:
      return {std::chrono::milliseconds(info.stateTime), std::nullopt};
    default: return {};
  }
}

std::optional<bool> read_job(virDomainPtr domain) {
  virDomainJobInfo info{};
  if (virDomainGetJobInfo(domain, &info) < 0) return std::nullopt;
  return info.type == VIR_DOMAIN_JOB_BOUNDED || info.type == VIR_DOMAIN_JOB_UNBOUNDED;
}

std::optional<std::set<std::string>> read_active_networks(const ConnectionHandle& connection) {
  virNetworkPtr* raw = nullptr;
  const int count =
      virConnectListAllNetworks(connection.get(), &raw, VIR_CONNECT_LIST_NETWORKS_ACTIVE);
  if (count < 0) return std::nullopt;
  const std::unique_ptr<virNetworkPtr, FreeMemory> list(raw);
  std::set<std::string> names;
  for (virNetworkPtr network : std::span(raw, static_cast<std::size_t>(count))) {
    const NetworkHandle owned(network);
    names.emplace(virNetworkGetName(network));
  }
  return names;
}

DiskSource resolve_volume(const ConnectionHandle& connection, DiskSource source) {
  if (source.kind != DiskSource::Kind::volume) return source;
  const StoragePoolHandle pool(virStoragePoolLookupByName(connection.get(), source.pool.c_str()));
  if (pool == nullptr) return source;
  const StorageVolumeHandle volume(virStorageVolLookupByName(pool.get(), source.volume.c_str()));
  if (volume == nullptr) return source;
  const LibvirtString path(virStorageVolGetPath(volume.get()));
  if (path == nullptr) return source;
  std::string text = path.get();
  // rbd and gluster pools name volumes of a network store, not paths of this host.
  const bool is_path = text.starts_with('/');
  return {.kind = is_path ? DiskSource::Kind::path : DiskSource::Kind::network,
          .text = std::move(text),
          .pool = {},
          .volume = {}};
}

}  // namespace upkeep
