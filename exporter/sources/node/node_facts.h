#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "exporter/model/node.h"
#include "exporter/model/result.h"

namespace upkeep {

/// Reads what changes or identifies this boot from `root`: boot id, boot time, cores, load and
/// pressure. Boot id and boot time are a must; what the kernel doesn't offer else is absent.
/// `previous_shutdown` and `shutting_down` stay at their defaults.
[[nodiscard]] Result<Node> read_node(const std::filesystem::path& root);

/// The id of this boot alone.
[[nodiscard]] Result<BootId> read_boot_id(const std::filesystem::path& root);

/// How the boot before this one ended, from `root`/var/log/wtmp.1 and wtmp. Reads them whole: once
/// a boot, not each time.
[[nodiscard]] PreviousShutdown read_previous_shutdown(const std::filesystem::path& root,
                                                      WallTime boot_time);

/// The avg10 of the line that begins with `kind` ("some", "full") in a /proc/pressure file, as a
/// ratio 0..1.
[[nodiscard]] std::optional<double> pressure_ratio(std::string_view file, std::string_view kind);

}  // namespace upkeep
