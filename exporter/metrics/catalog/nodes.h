#pragma once

#include <array>

#include "exporter/metrics/metric_family.h"

namespace upkeep::catalog {

inline constexpr std::array kNodes{
    MetricFamily{"upkeep_node_boot_time_seconds", MetricType::gauge, "",
                 "When this node booted, seconds since the epoch.", ""},
    MetricFamily{"upkeep_node_boot_info", MetricType::gauge, "boot_id, previous_shutdown",
                 "This boot of the node; always 1.",
                 "How the one before ended: `clean unclean unknown`."},
    MetricFamily{"upkeep_node_boots_total", MetricType::counter, "previous_shutdown",
                 "Boots of this node that upkeep has recorded, by how the boot before them ended.",
                 "The journal keeps them."},
    MetricFamily{"upkeep_node_last_downtime_seconds", MetricType::gauge, "",
                 "How long the node was away before this boot, from upkeep's last sign of life.",
                 "Absent when there was none."},
    MetricFamily{"upkeep_peer_up", MetricType::gauge, "peer",
                 "Whether the peer node answered lately.", "Its upkeep, that is."},
    MetricFamily{"upkeep_peer_boot_time_seconds", MetricType::gauge, "peer",
                 "When the peer node booted by its own account, seconds since the epoch.", ""},
    MetricFamily{"upkeep_peer_boots_total", MetricType::counter, "peer",
                 "Boots of the peer node that upkeep saw: it told of another boot than before.",
                 "The first one seen since upkeep started counts nothing."},
};

}  // namespace upkeep::catalog
