#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace upkeep {

/// A line of /proc/self/mountinfo.
struct Mount {
  std::uint32_t major = 0, minor = 0;  ///< What stat(2) reports for files in it (not on btrfs).
  std::string point;
  std::string type;     ///< "ext4", "nfs4", "fuse.glusterfs", …
  std::string source;   ///< "/dev/drbd0", "server:/export", …
  std::string options;  ///< The file system's own.
};

/// The mounts, in mount order; empty when the file can't be read.
[[nodiscard]] std::vector<Mount> read_mounts(const std::filesystem::path& root);

/// The mount that holds the path by its name, links not followed; null when there is none.
[[nodiscard]] const Mount* mount_of_path(const std::vector<Mount>& mounts, std::string_view path);
/// The mount whose files are on that device; null when there is none.
[[nodiscard]] const Mount* mount_of_device(const std::vector<Mount>& mounts, std::uint32_t major,
                                           std::uint32_t minor);

/// True when another node may have the same files: a network or cluster file system, or any FUSE.
[[nodiscard]] bool is_shared_file_system(std::string_view type);

}  // namespace upkeep
