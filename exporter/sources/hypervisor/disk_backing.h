#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "exporter/model/ids.h"
#include "exporter/model/vm.h"

namespace upkeep {

/// What stat(2) says about a path, links followed.
struct FileStatus {
  enum class Kind { file, directory, block_device, other };
  Kind kind = Kind::file;
  /// The device itself for a block device, else the one the file system is on.
  std::uint32_t major = 0, minor = 0;
};

/// stat(2); the error is errno.
[[nodiscard]] std::expected<FileStatus, int> status_of(const std::string& path);

/// Where the bytes of a path live, and on which DRBD devices.
struct Backing {
  DiskBacking kind = DiskBacking::unknown;
  std::vector<DeviceMinor> drbd;  ///< Ascending; empty unless kind is drbd.

  friend bool operator==(const Backing&, const Backing&) = default;
};

/// Finds out what a disk rests on: the device below the file system, and through LVM, LUKS, MD,
/// loop devices and partitions the devices below that (/sys/dev/block/M:m/slaves).
/// A mixture that can't be judged, and whatever can't be seen into (ZFS), is `unknown`.
class BackingFinder {
 public:
  using StatusOf = std::function<std::expected<FileStatus, int>(const std::string& path)>;

  /// `root` is where /proc and /sys are.
  explicit BackingFinder(std::filesystem::path root, StatusOf status = status_of);

  /// May block for as long as the path's file system does. Paths that lie on a network file system
  /// by their name alone are not touched, so a dead server can't block this. Thread-safe.
  [[nodiscard]] Backing backing_of(const std::string& path) const;

 private:
  [[nodiscard]] Backing of_path(const std::string& path, int depth) const;
  [[nodiscard]] Backing of_file(const std::string& path, const FileStatus& status, int depth) const;
  [[nodiscard]] Backing of_device(std::uint32_t major, std::uint32_t minor, int depth) const;
  [[nodiscard]] Backing of_sysfs(const std::filesystem::path& device, int depth) const;
  [[nodiscard]] Backing of_btrfs(const std::string& source, int depth) const;

  std::filesystem::path root_;
  StatusOf status_;
};

}  // namespace upkeep
