#include "exporter/metrics/vm_metrics.h"

#include <optional>

namespace upkeep {
namespace {

void write_states(Exposition& out, const Vms& vms, bool current) {
  out.family("upkeep_vm_state", MetricType::gauge,
             "State of the VM as libvirt reports it, 1 for the state it is in; unknown while "
             "libvirt can't be asked.");
  for (const auto& vm : vms) {
    const VmState now = current ? vm.state : VmState::unknown;
    for (const VmState state : kVmStates) {
      out.sample({{"vm", vm.name.value}, {"state", to_string(state)}}, state == now ? 1 : 0);
    }
  }
}

/// A family with one series a VM: `value` returns a number or nothing.
template <class Value>
void per_vm(Exposition& out, const Vms& vms, Value value) {
  for (const auto& vm : vms) {
    if (const auto number = value(vm)) out.sample({{"vm", vm.name.value}}, *number);
  }
}

/// A family with one series a VM's disk.
template <class Value>
void per_disk(Exposition& out, const Vms& vms, Value value) {
  for (const auto& vm : vms) {
    for (const auto& disk : vm.disks) {
      if (const std::optional<int> number = value(vm, disk)) {
        out.sample({{"vm", vm.name.value}, {"target", disk.target.value}}, *number);
      }
    }
  }
}

std::optional<int> flag(const std::optional<bool>& known) {
  return known ? std::optional(*known ? 1 : 0) : std::nullopt;
}

std::optional<int> up(const Vm& vm) {
  if (vm.state == VmState::unknown) return std::nullopt;
  return is_up(vm.state) ? 1 : 0;
}

std::optional<int> monitor_stuck(const Vm& vm) {
  if (!vm.monitor_blocked) return std::nullopt;
  return *vm.monitor_blocked > kMonitorStuck ? 1 : 0;
}

/// Errors are only read while the VM is paused for one; else none is known, not "none".
std::optional<int> disk_error(const Vm& vm, const VmDisk& disk) {
  if (disk.error) return 1;
  const bool was_read = vm.state == VmState::paused && vm.reason == VmReason::io_error;
  return was_read ? std::optional(0) : std::nullopt;
}

void write_current(Exposition& out, const Vms& vms) {
  out.family("upkeep_vm_up", MetricType::gauge, "Whether the VM runs; absent while not known.");
  per_vm(out, vms, up);
  out.family("upkeep_vm_last_start_timestamp_seconds", MetricType::gauge,
             "When the VM was last seen to start.");
  per_vm(out, vms, [](const Vm& vm) {
    return vm.last_start ? std::optional(to_unix_seconds(*vm.last_start)) : std::nullopt;
  });
  out.family("upkeep_vm_monitor_stuck", MetricType::gauge,
             "Whether QEMU's monitor has not answered for more than 60 s.");
  per_vm(out, vms, monitor_stuck);
  out.family("upkeep_vm_libvirt_autostart", MetricType::gauge,
             "Whether libvirtd itself would start the VM at boot, unpaced and ungated.");
  per_vm(out, vms, [](const Vm& vm) { return flag(vm.autostart); });
  out.family("upkeep_vm_disk_attached", MetricType::gauge,
             "Whether the disk is attached to the running VM.");
  per_disk(out, vms, [](const Vm&, const VmDisk& disk) { return flag(disk.attached); });
  out.family("upkeep_vm_disk_error", MetricType::gauge,
             "Whether QEMU reports an I/O error on the disk.");
  per_disk(out, vms, disk_error);
}

// --- statistics

template <class Number>
std::optional<Number> plain(const std::optional<Number>& value) {
  return value;
}
std::optional<std::uint64_t> plain(const std::optional<Bytes>& value) {
  return value ? std::optional(value->count) : std::nullopt;
}
std::optional<double> plain(const std::optional<Seconds>& value) {
  return value ? std::optional(value->count()) : std::nullopt;
}

template <class Member>
struct Figure {
  std::string_view name;
  MetricType type;
  std::string_view help;
  Member member;
};

template <class T>
using VmFigure = Figure<std::optional<T> VmStats::*>;
template <class T>
using BlockFigure = Figure<std::optional<T> VmStats::Block::*>;
template <class T>
using InterfaceFigure = Figure<std::optional<T> VmStats::Interface::*>;

template <class T>
void write_figure(Exposition& out, const VmStatsByName& stats, const VmFigure<T>& figure) {
  out.family(figure.name, figure.type, figure.help);
  for (const auto& [vm, figures] : stats) {
    if (const auto value = plain(figures.*figure.member)) {
      out.sample({{"vm", vm.value}}, *value);
    }
  }
}

template <class T>
void write_figure(Exposition& out, const VmStatsByName& stats, const BlockFigure<T>& figure) {
  out.family(figure.name, figure.type, figure.help);
  for (const auto& [vm, figures] : stats) {
    for (const auto& [target, block] : figures.blocks) {
      if (const auto value = plain(block.*figure.member)) {
        out.sample({{"vm", vm.value}, {"target", target.value}}, *value);
      }
    }
  }
}

template <class T>
void write_figure(Exposition& out, const VmStatsByName& stats, const InterfaceFigure<T>& figure) {
  out.family(figure.name, figure.type, figure.help);
  for (const auto& [vm, figures] : stats) {
    for (const auto& [name, interface] : figures.interfaces) {
      if (const auto value = plain(interface.*figure.member)) {
        out.sample({{"vm", vm.value}, {"interface", name}}, *value);
      }
    }
  }
}

void write_vm_figures(Exposition& out, const VmStatsByName& stats) {
  write_figure(out, stats,
               VmFigure<Seconds>{"upkeep_vm_cpu_seconds_total", MetricType::counter,
                                 "CPU time the VM used.", &VmStats::cpu_time});
  write_figure(out, stats,
               VmFigure<std::uint32_t>{"upkeep_vm_vcpus", MetricType::gauge,
                                       "Virtual CPUs of the VM.", &VmStats::vcpus});
  for (const auto& figure :
       {VmFigure<Bytes>{"upkeep_vm_memory_current_bytes", MetricType::gauge,
                        "Memory given to the guest just now.", &VmStats::memory_current},
        VmFigure<Bytes>{"upkeep_vm_memory_maximum_bytes", MetricType::gauge,
                        "Memory the guest may be given.", &VmStats::memory_maximum},
        VmFigure<Bytes>{"upkeep_vm_memory_rss_bytes", MetricType::gauge,
                        "Resident memory of the VM's process on the node.",
                        &VmStats::memory_rss}}) {
    write_figure(out, stats, figure);
  }
}

void write_block_figures(Exposition& out, const VmStatsByName& stats) {
  using Block = VmStats::Block;
  for (const auto& figure :
       {BlockFigure<std::uint64_t>{"upkeep_vm_block_read_requests_total", MetricType::counter,
                                   "Read requests of the disk.", &Block::read_requests},
        BlockFigure<std::uint64_t>{"upkeep_vm_block_write_requests_total", MetricType::counter,
                                   "Write requests of the disk.", &Block::write_requests}}) {
    write_figure(out, stats, figure);
  }
  for (const auto& figure :
       {BlockFigure<Bytes>{"upkeep_vm_block_read_bytes_total", MetricType::counter,
                           "Bytes read from the disk.", &Block::read},
        BlockFigure<Bytes>{"upkeep_vm_block_written_bytes_total", MetricType::counter,
                           "Bytes written to the disk.", &Block::written},
        BlockFigure<Bytes>{"upkeep_vm_block_capacity_bytes", MetricType::gauge,
                           "Size of the disk as the guest sees it.", &Block::capacity}}) {
    write_figure(out, stats, figure);
  }
}

void write_interface_figures(Exposition& out, const VmStatsByName& stats) {
  using Interface = VmStats::Interface;
  for (const auto& figure :
       {InterfaceFigure<Bytes>{"upkeep_vm_interface_received_bytes_total", MetricType::counter,
                               "Bytes the guest received.", &Interface::received},
        InterfaceFigure<Bytes>{"upkeep_vm_interface_sent_bytes_total", MetricType::counter,
                               "Bytes the guest sent.", &Interface::sent}}) {
    write_figure(out, stats, figure);
  }
  using Counted = InterfaceFigure<std::uint64_t>;
  for (const auto& figure :
       {Counted{"upkeep_vm_interface_received_packets_total", MetricType::counter,
                "Packets the guest received.", &Interface::received_packets},
        Counted{"upkeep_vm_interface_sent_packets_total", MetricType::counter,
                "Packets the guest sent.", &Interface::sent_packets},
        Counted{"upkeep_vm_interface_received_errors_total", MetricType::counter,
                "Errors on receiving.", &Interface::received_errors},
        Counted{"upkeep_vm_interface_sent_errors_total", MetricType::counter, "Errors on sending.",
                &Interface::sent_errors},
        Counted{"upkeep_vm_interface_received_drops_total", MetricType::counter,
                "Packets dropped on receiving.", &Interface::received_drops},
        Counted{"upkeep_vm_interface_sent_drops_total", MetricType::counter,
                "Packets dropped on sending.", &Interface::sent_drops}}) {
    write_figure(out, stats, figure);
  }
}

}  // namespace

void write_vms(Exposition& out, const Vms& vms, bool current) {
  out.family("upkeep_vm_info", MetricType::gauge, "Identity of the VM; always 1.");
  for (const auto& vm : vms) {
    out.sample({{"vm", vm.name.value}, {"uuid", vm.uuid.value}}, 1);
  }
  write_states(out, vms, current);
  if (current) write_current(out, vms);
}

void write_vm_health(Exposition& out, const Vms& vms, const VmHealths& healths, Tick now) {
  out.family(
      "upkeep_vm_healthy", MetricType::gauge,
      "Whether the guest passed its last health check; absent without a check, while it does "
      "not run, and when the last answer is too old.");
  per_vm(out, vms, [&](const Vm& vm) -> std::optional<int> {
    const auto checked = healths.find(vm.uuid);
    if (!is_up(vm.state) || checked == healths.end()) return std::nullopt;
    const VmHealth& health = checked->second;
    if (health.at == Tick{} || now - health.at > kHealthMaxAge) return std::nullopt;
    return health.healthy ? 1 : 0;
  });
}

void write_vm_stats(Exposition& out, const VmStatsByName& stats) {
  write_vm_figures(out, stats);
  write_block_figures(out, stats);
  write_interface_figures(out, stats);
}

}  // namespace upkeep
