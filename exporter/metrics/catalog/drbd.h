#pragma once

#include <array>

#include "exporter/metrics/metric_family.h"

namespace upkeep::catalog {

inline constexpr std::array kDrbd{
    MetricFamily{"upkeep_drbd_connected", MetricType::gauge, "resource, peer",
                 "Whether the peer is connected.", ""},
    MetricFamily{"upkeep_drbd_connection_state", MetricType::gauge, "resource, peer, state",
                 "State of the connection to the peer, 1 for the one it is in.",
                 "State set: `StandAlone Connecting Connected …`, as DRBD words them."},
    MetricFamily{"upkeep_drbd_connection_transitions_total", MetricType::counter,
                 "resource, peer, to", "Changes of a DRBD connection's state, by new state.", ""},
    MetricFamily{"upkeep_drbd_link_loss_info", MetricType::gauge, "resource, peer, cause",
                 "Why the link is StandAlone; always 1, and only there while it is.",
                 "And only after it had been lost or refused: `disconnected_by_operator "
                 "split_brain role_conflict unrelated_data incompatible_settings disk_size "
                 "authentication trial_connect unknown`."},
    MetricFamily{"upkeep_drbd_resource_role", MetricType::gauge, "resource, role",
                 "Role of the resource on this node, 1 for the one it has.",
                 "State set: `Primary Secondary Unknown`."},
    MetricFamily{"upkeep_drbd_resource_configured", MetricType::gauge, "resource",
                 "Whether the resource is in this node's DRBD configuration.", ""},
    MetricFamily{"upkeep_drbd_suspended", MetricType::gauge, "resource, reason",
                 "Whether I/O of the resource is suspended for the reason.",
                 "`user no-data fencing quorum`, and what else DRBD names."},
    MetricFamily{"upkeep_drbd_split_brain", MetricType::gauge, "resource",
                 "Whether there is evidence that the copies diverged.",
                 "In the reading or on record: it outlasts upkeep and the kernel log, until both "
                 "sides replicate."},
    MetricFamily{"upkeep_drbd_device_state", MetricType::gauge, "resource, volume, device, state",
                 "State of the local disk, 1 for the one it is in.",
                 "State set: `UpToDate Inconsistent Diskless …`."},
    MetricFamily{"upkeep_drbd_device_quorum", MetricType::gauge, "resource, volume, device",
                 "Whether the device has quorum; 1 also where no quorum is configured.", "DRBD 9."},
    MetricFamily{"upkeep_drbd_device_client", MetricType::gauge, "resource, volume, device",
                 "Whether the device has no disk because it is to have none.",
                 "DRBD 9; absent where DRBD doesn't tell."},
    MetricFamily{"upkeep_drbd_device_read_bytes_total", MetricType::counter,
                 "resource, volume, device", "Bytes read from the local disk.", ""},
    MetricFamily{"upkeep_drbd_device_written_bytes_total", MetricType::counter,
                 "resource, volume, device", "Bytes written to the local disk.", ""},
    MetricFamily{
        "upkeep_drbd_peer_device_state", MetricType::gauge, "resource, peer, volume, state",
        "State of the peer's disk, 1 for the one it is in.", "State set, as of the local one."},
    MetricFamily{"upkeep_drbd_replication_state", MetricType::gauge,
                 "resource, peer, volume, state",
                 "State of the replication to the peer, 1 for the one it is in.",
                 "State set: `Established SyncSource SyncTarget …`."},
    MetricFamily{"upkeep_drbd_out_of_sync_bytes", MetricType::gauge, "resource, peer, volume",
                 "Bytes that differ, or may differ, between this node and the peer.", ""},
    MetricFamily{"upkeep_drbd_resync_done_ratio", MetricType::gauge, "resource, peer, volume",
                 "How much of the running resync or verify is done, 0 to 1.",
                 "Absent while none runs, as are the next two."},
    MetricFamily{"upkeep_drbd_resync_speed_bytes", MetricType::gauge, "resource, peer, volume",
                 "Speed of the running resync or verify, bytes per second.", ""},
    MetricFamily{"upkeep_drbd_resync_eta_seconds", MetricType::gauge, "resource, peer, volume",
                 "Seconds until the running resync or verify is done, as DRBD estimates.", ""},
    MetricFamily{"upkeep_drbd_peer_sent_bytes_total", MetricType::counter, "resource, peer, volume",
                 "Bytes sent to the peer.", ""},
    MetricFamily{"upkeep_drbd_peer_received_bytes_total", MetricType::counter,
                 "resource, peer, volume", "Bytes received from the peer.", ""},
    MetricFamily{"upkeep_drbd_utils_info", MetricType::gauge, "version",
                 "Version of the installed drbd-utils; always 1.", ""},
    MetricFamily{"upkeep_drbd_kernel_info", MetricType::gauge, "version",
                 "Version of the loaded DRBD kernel module; always 1.",
                 "A demo's says `(simulated)`."},
    MetricFamily{"upkeep_drbd_kernel_log_known", MetricType::gauge, "",
                 "Whether what the kernel logged since the boot is known in full.",
                 "While it isn't, causes of lost links may stay unknown; the log says why."},
};

}  // namespace upkeep::catalog
