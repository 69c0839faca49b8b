#pragma once

#include <array>

#include "exporter/metrics/metric_family.h"

namespace upkeep::catalog {

inline constexpr std::array kVmFigures{
    MetricFamily{"upkeep_vm_cpu_seconds_total", MetricType::counter, "vm", "CPU time the VM used.",
                 ""},
    MetricFamily{"upkeep_vm_vcpus", MetricType::gauge, "vm", "Virtual CPUs of the VM.", ""},
    MetricFamily{"upkeep_vm_memory_current_bytes", MetricType::gauge, "vm",
                 "Memory given to the guest just now.", ""},
    MetricFamily{"upkeep_vm_memory_maximum_bytes", MetricType::gauge, "vm",
                 "Memory the guest may be given.", ""},
    MetricFamily{"upkeep_vm_memory_rss_bytes", MetricType::gauge, "vm",
                 "Resident memory of the VM's process on the node.", ""},
    MetricFamily{"upkeep_vm_block_read_bytes_total", MetricType::counter, "vm, target",
                 "Bytes read from the disk.", ""},
    MetricFamily{"upkeep_vm_block_written_bytes_total", MetricType::counter, "vm, target",
                 "Bytes written to the disk.", ""},
    MetricFamily{"upkeep_vm_block_read_requests_total", MetricType::counter, "vm, target",
                 "Read requests of the disk.", ""},
    MetricFamily{"upkeep_vm_block_write_requests_total", MetricType::counter, "vm, target",
                 "Write requests of the disk.", ""},
    MetricFamily{"upkeep_vm_block_capacity_bytes", MetricType::gauge, "vm, target",
                 "Size of the disk as the guest sees it.", ""},
    MetricFamily{"upkeep_vm_interface_received_bytes_total", MetricType::counter, "vm, interface",
                 "Bytes the guest received.", ""},
    MetricFamily{"upkeep_vm_interface_sent_bytes_total", MetricType::counter, "vm, interface",
                 "Bytes the guest sent.", ""},
    MetricFamily{"upkeep_vm_interface_received_packets_total", MetricType::counter, "vm, interface",
                 "Packets the guest received.", ""},
    MetricFamily{"upkeep_vm_interface_sent_packets_total", MetricType::counter, "vm, interface",
                 "Packets the guest sent.", ""},
    MetricFamily{"upkeep_vm_interface_received_errors_total", MetricType::counter, "vm, interface",
                 "Errors on receiving.", ""},
    MetricFamily{"upkeep_vm_interface_sent_errors_total", MetricType::counter, "vm, interface",
                 "Errors on sending.", ""},
    MetricFamily{"upkeep_vm_interface_received_drops_total", MetricType::counter, "vm, interface",
                 "Packets dropped on receiving.", ""},
    MetricFamily{"upkeep_vm_interface_sent_drops_total", MetricType::counter, "vm, interface",
                 "Packets dropped on sending.", ""},
};

}  // namespace upkeep::catalog
