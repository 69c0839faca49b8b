#pragma once

#include <optional>
#include <string>
#include <vector>

namespace upkeep {

/// The first line of an `adjust` dry run (`drbdadm -d adjust RES`) that does more than bring the
/// resource up; nothing when all are harmless. Harmless are new-*, *-options, apply-al, attach and
/// connect, never forced and never discarding data. `adjust` also detaches disks, deletes peers and
/// resizes when configuration and kernel differ; its own manual page warns of misinterpretation.
/// Anything unknown is unsafe. Pure.
[[nodiscard]] std::optional<std::string> unsafe_line(const std::vector<std::string>& dry_run);

}  // namespace upkeep
