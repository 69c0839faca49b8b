#pragma once

#include <array>

#include "exporter/metrics/metric_family.h"

namespace upkeep::catalog {

inline constexpr std::array kSelf{
    MetricFamily{"upkeep_source_up", MetricType::gauge, "source",
                 "Whether the source's last reading succeeded and is fresh enough to act on.",
                 "`libvirt vm_stats drbd node`; absent when not in use."},
    MetricFamily{"upkeep_source_last_success_timestamp_seconds", MetricType::gauge, "source",
                 "When the source was last read with success.", ""},
    MetricFamily{"upkeep_source_read_duration_seconds", MetricType::histogram, "source",
                 "Duration of one reading of a source.", ""},
    MetricFamily{"upkeep_source_unparsed_total", MetricType::counter, "source",
                 "Lines, keys or states of a source that this program does not know.", "Tell us."},
    MetricFamily{"upkeep_loop_last_run_timestamp_seconds", MetricType::gauge, "",
                 "When the loop last looked and decided.", ""},
    MetricFamily{"upkeep_journal_errors_total", MetricType::counter, "",
                 "Writes to the journal that failed.", "While they do, nothing is done."},
    MetricFamily{"upkeep_config_last_reload_successful", MetricType::gauge, "",
                 "Whether the configuration was good when it was last read.",
                 "0: the earlier one is in use."},
    MetricFamily{"upkeep_config_last_reload_success_timestamp_seconds", MetricType::gauge, "",
                 "When a good configuration was last read.", ""},
    MetricFamily{"upkeep_control_token_last_read_successful", MetricType::gauge, "",
                 "Whether the control listener's token file was good when it last changed.",
                 "0: the token before it stays in effect; the log says why."},
    MetricFamily{"upkeep_http_handler_errors_total", MetricType::counter, "",
                 "HTTP requests that ended in a bug of upkeep's.", ""},
    MetricFamily{"upkeep_build_info", MetricType::gauge, "version, revision",
                 "What runs here; always 1.", ""},
    MetricFamily{"process_cpu_seconds_total", MetricType::counter, "",
                 "Total user and system CPU time spent in seconds.", ""},
    MetricFamily{"process_virtual_memory_bytes", MetricType::gauge, "",
                 "Virtual memory size in bytes.", ""},
    MetricFamily{"process_resident_memory_bytes", MetricType::gauge, "",
                 "Resident memory size in bytes.", ""},
    MetricFamily{"process_open_fds", MetricType::gauge, "", "Number of open file descriptors.", ""},
    MetricFamily{"process_max_fds", MetricType::gauge, "",
                 "Maximum number of open file descriptors.", ""},
    MetricFamily{"process_start_time_seconds", MetricType::gauge, "",
                 "Start time of the process since unix epoch in seconds.", ""},
};

}  // namespace upkeep::catalog
