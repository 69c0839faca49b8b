#include "exporter/sources/hypervisor/vm_stats.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "exporter/sources/hypervisor/domain_reader.h"
#include "platform/libvirt_error.h"

namespace upkeep {
namespace {

/// libvirt's parameters by name.
class Params {
 public:
  Params(virTypedParameterPtr params, int count) : params_(params), count_(count) {}

  [[nodiscard]] std::optional<std::uint64_t> number(const std::string& name) const {
    unsigned long long value = 0;  // NOLINT(google-runtime-int): libvirt's type
    if (virTypedParamsGetULLong(params_, count_, name.c_str(), &value) != 1) return std::nullopt;
    return value;
  }

  [[nodiscard]] std::optional<std::uint32_t> count(const std::string& name) const {
    unsigned value = 0;
    if (virTypedParamsGetUInt(params_, count_, name.c_str(), &value) != 1) return std::nullopt;
    return value;
  }

  [[nodiscard]] std::optional<Bytes> bytes(const std::string& name) const {
    const auto value = number(name);
    return value ? std::optional(Bytes{*value}) : std::nullopt;
  }

  [[nodiscard]] std::optional<Bytes> kib(const std::string& name) const {
    const auto value = number(name);
    return value ? std::optional(kibibytes(*value)) : std::nullopt;
  }

  [[nodiscard]] std::string text(const std::string& name) const {
    const char* value = nullptr;
    if (virTypedParamsGetString(params_, count_, name.c_str(), &value) != 1) return {};
    return value;
  }

 private:
  virTypedParameterPtr params_;
  int count_;
};

VmStats::Block block_of(const Params& params, const std::string& prefix) {
  return {.read_requests = params.number(prefix + "rd.reqs"),
          .write_requests = params.number(prefix + "wr.reqs"),
          .read = params.bytes(prefix + "rd.bytes"),
          .written = params.bytes(prefix + "wr.bytes"),
          .capacity = params.bytes(prefix + "capacity")};
}

VmStats::Interface interface_of(const Params& params, const std::string& prefix) {
  return {.received = params.bytes(prefix + "rx.bytes"),
          .sent = params.bytes(prefix + "tx.bytes"),
          .received_packets = params.number(prefix + "rx.pkts"),
          .sent_packets = params.number(prefix + "tx.pkts"),
          .received_errors = params.number(prefix + "rx.errs"),
          .sent_errors = params.number(prefix + "tx.errs"),
          .received_drops = params.number(prefix + "rx.drop"),
          .sent_drops = params.number(prefix + "tx.drop")};
}

constexpr unsigned kGroups = VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON |
                             VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_INTERFACE |
                             VIR_DOMAIN_STATS_BLOCK;
constexpr unsigned kFlags =
    VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;

}  // namespace

VmStats to_vm_stats(virTypedParameterPtr raw, int count) {
  const Params params(raw, count);
  VmStats stats;
  if (const auto cpu = params.number("cpu.time")) {
    stats.cpu_time = std::chrono::nanoseconds(*cpu);
  }
  stats.memory_current = params.kib("balloon.current");
  stats.memory_maximum = params.kib("balloon.maximum");
  stats.memory_rss = params.kib("balloon.rss");
  stats.vcpus = params.count("vcpu.current");
  for (std::uint32_t i = 0; i < params.count("block.count").value_or(0); ++i) {
    const std::string prefix = fmt::format("block.{}.", i);
    stats.blocks.emplace(DiskTarget{params.text(prefix + "name")}, block_of(params, prefix));
  }
  for (std::uint32_t i = 0; i < params.count("net.count").value_or(0); ++i) {
    const std::string prefix = fmt::format("net.{}.", i);
    stats.interfaces.emplace(params.text(prefix + "name"), interface_of(params, prefix));
  }
  return stats;
}

Result<VmStatsByName> read_vm_stats(const ConnectionHandle& connection) {
  virDomainStatsRecordPtr* raw = nullptr;
  const int count = virConnectGetAllDomainStats(connection.get(), kGroups, &raw, kFlags);
  if (count < 0) return std::unexpected(last_libvirt_error("read VM statistics"));
  const DomainStatsHandle records(raw);
  VmStatsByName stats;
  for (virDomainStatsRecordPtr record : std::span(raw, static_cast<std::size_t>(count))) {
    stats.emplace(name_of(record->dom), to_vm_stats(record->params, record->nparams));
  }
  return stats;
}

}  // namespace upkeep
