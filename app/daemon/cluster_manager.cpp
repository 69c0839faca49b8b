#include "app/daemon/cluster_manager.h"

#include <array>
#include <system_error>

namespace upkeep {

std::optional<std::string> find_cluster_manager(const std::filesystem::path& root) {
  constexpr std::array kSigns{
      "etc/corosync/corosync.conf", "etc/systemd/system/multi-user.target.wants/pacemaker.service",
      "etc/systemd/system/multi-user.target.wants/pacemaker_remote.service"};
  for (const char* sign : kSigns) {
    // The link of an enabled unit counts even where its target is gone.
    std::error_code error;
    const auto status = std::filesystem::symlink_status(root / sign, error);
    if (std::filesystem::exists(status)) return (root / sign).string();
  }
  return std::nullopt;
}

}  // namespace upkeep
