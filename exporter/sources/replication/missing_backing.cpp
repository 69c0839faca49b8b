#include "exporter/sources/replication/missing_backing.h"

#include <algorithm>
#include <string>
#include <system_error>

namespace upkeep {
namespace {

namespace fs = std::filesystem;

bool has_disk(const DrbdResource& resource, VolumeNumber volume) {
  return std::ranges::any_of(resource.devices, [&](const DrbdDevice& device) {
    return device.volume == volume && device.disk != DrbdDisk::diskless &&
           device.disk != DrbdDisk::failed;
  });
}

/// A link that leads nowhere counts; what can't be looked at doesn't.
bool is_missing(const fs::path& root, const fs::path& path) {
  std::error_code error;
  return fs::status(root / path.relative_path(), error).type() == fs::file_type::not_found;
}

}  // namespace

void note_missing_backing(const DrbdConfig& config, const fs::path& root, Drbd& drbd) {
  if (!config.resources) return;
  for (DrbdResource& resource : drbd.resources) {
    resource.missing_backing.clear();
    const auto options = config.resources->find(resource.name);
    if (options == config.resources->end()) continue;
    for (const auto& [volume, path] : options->second.backing) {
      if (!path.starts_with("/dev/") || has_disk(resource, volume)) continue;
      if (is_missing(root, path)) resource.missing_backing.push_back({volume, path});
    }
  }
}

}  // namespace upkeep
