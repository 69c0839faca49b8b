#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace upkeep {

/// What shows that another manager looks after this node's VMs, also while it isn't running yet:
/// corosync's configuration, or an enabled unit of Pacemaker. Empty: none is here. `root` is `/`
/// but for tests.
[[nodiscard]] std::optional<std::string> find_cluster_manager(const std::filesystem::path& root);

}  // namespace upkeep
