#include "exporter/metrics/vm_metrics.h"

#include <optional>

#include "exporter/model/monitor.h"

namespace upkeep {
namespace {

void write_states(Exposition& out, const Vms& vms, bool current) {
  out.family("upkeep_vm_state");
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

std::optional<int> monitor_stuck(const Vm& vm) { return flag(is_monitor_stuck(vm)); }

/// Errors are only read while the VM is paused for one; else none is known, not "none".
std::optional<int> disk_error(const Vm& vm, const VmDisk& disk) {
  if (disk.error) return 1;
  const bool was_read = vm.state == VmState::paused && vm.reason == VmReason::io_error;
  return was_read ? std::optional(0) : std::nullopt;
}

void write_current(Exposition& out, const Vms& vms) {
  out.family("upkeep_vm_up");
  per_vm(out, vms, up);
  out.family("upkeep_vm_last_start_timestamp_seconds");
  per_vm(out, vms, [](const Vm& vm) {
    return vm.last_start ? std::optional(to_unix_seconds(*vm.last_start)) : std::nullopt;
  });
  out.family("upkeep_vm_monitor_stuck");
  per_vm(out, vms, monitor_stuck);
  out.family("upkeep_vm_libvirt_autostart");
  per_vm(out, vms, [](const Vm& vm) { return flag(vm.autostart); });
  out.family("upkeep_vm_disk_attached");
  per_disk(out, vms, [](const Vm&, const VmDisk& disk) { return flag(disk.attached); });
  out.family("upkeep_vm_disk_error");
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
  Documented family;
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
  out.family(figure.family);
  for (const auto& [vm, figures] : stats) {
    if (const auto value = plain(figures.*figure.member)) {
      out.sample({{"vm", vm.value}}, *value);
    }
  }
}

template <class T>
void write_figure(Exposition& out, const VmStatsByName& stats, const BlockFigure<T>& figure) {
  out.family(figure.family);
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
  out.family(figure.family);
  for (const auto& [vm, figures] : stats) {
    for (const auto& [name, interface] : figures.interfaces) {
      if (const auto value = plain(interface.*figure.member)) {
        out.sample({{"vm", vm.value}, {"interface", name}}, *value);
      }
    }
  }
}

void write_vm_figures(Exposition& out, const VmStatsByName& stats) {
  write_figure(out, stats, VmFigure<Seconds>{"upkeep_vm_cpu_seconds_total", &VmStats::cpu_time});
  write_figure(out, stats, VmFigure<std::uint32_t>{"upkeep_vm_vcpus", &VmStats::vcpus});
  for (const auto& figure :
       {VmFigure<Bytes>{"upkeep_vm_memory_current_bytes", &VmStats::memory_current},
        VmFigure<Bytes>{"upkeep_vm_memory_maximum_bytes", &VmStats::memory_maximum},
        VmFigure<Bytes>{"upkeep_vm_memory_rss_bytes", &VmStats::memory_rss}}) {
    write_figure(out, stats, figure);
  }
}

void write_block_figures(Exposition& out, const VmStatsByName& stats) {
  using Block = VmStats::Block;
  for (const auto& figure :
       {BlockFigure<std::uint64_t>{"upkeep_vm_block_read_requests_total", &Block::read_requests},
        BlockFigure<std::uint64_t>{"upkeep_vm_block_write_requests_total",
                                   &Block::write_requests}}) {
    write_figure(out, stats, figure);
  }
  for (const auto& figure :
       {BlockFigure<Bytes>{"upkeep_vm_block_read_bytes_total", &Block::read},
        BlockFigure<Bytes>{"upkeep_vm_block_written_bytes_total", &Block::written},
        BlockFigure<Bytes>{"upkeep_vm_block_capacity_bytes", &Block::capacity}}) {
    write_figure(out, stats, figure);
  }
}

void write_interface_figures(Exposition& out, const VmStatsByName& stats) {
  using Interface = VmStats::Interface;
  for (const auto& figure :
       {InterfaceFigure<Bytes>{"upkeep_vm_interface_received_bytes_total", &Interface::received},
        InterfaceFigure<Bytes>{"upkeep_vm_interface_sent_bytes_total", &Interface::sent}}) {
    write_figure(out, stats, figure);
  }
  using Counted = InterfaceFigure<std::uint64_t>;
  for (const auto& figure :
       {Counted{"upkeep_vm_interface_received_packets_total", &Interface::received_packets},
        Counted{"upkeep_vm_interface_sent_packets_total", &Interface::sent_packets},
        Counted{"upkeep_vm_interface_received_errors_total", &Interface::received_errors},
        Counted{"upkeep_vm_interface_sent_errors_total", &Interface::sent_errors},
        Counted{"upkeep_vm_interface_received_drops_total", &Interface::received_drops},
        Counted{"upkeep_vm_interface_sent_drops_total", &Interface::sent_drops}}) {
    write_figure(out, stats, figure);
  }
}

}  // namespace

void write_vms(Exposition& out, const Vms& vms, bool current) {
  out.family("upkeep_vm_info");
  for (const auto& vm : vms) {
    out.sample({{"vm", vm.name.value}, {"uuid", vm.uuid.value}}, 1);
  }
  write_states(out, vms, current);
  if (current) write_current(out, vms);
}

void write_vm_health(Exposition& out, const Vms& vms, const VmHealths& healths, Tick now) {
  out.family("upkeep_vm_healthy");
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
