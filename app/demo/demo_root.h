#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <string>
#include <utility>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"
#include "exporter/model/result.h"
#include "exporter/sources/hypervisor/disk_backing.h"

namespace upkeep {

/// stat(2) of the demo's disks, which don't exist: /dev/drbdN is DRBD's, everything else a file of
/// this node's.
[[nodiscard]] std::expected<FileStatus, int> demo_status_of(const std::string& path);

/// A directory that looks like `/` to the sources: this machine's load and pressure, but a boot of
/// its own that the demo can change, and disks that aren't there. Owned by one thread.
class DemoRoot {
 public:
  /// Fills `directory`, which must exist. The simulated node booted at `booted`.
  [[nodiscard]] static Result<DemoRoot> create(const std::filesystem::path& directory,
                                               WallTime booted);

  /// A boot at `booted`, after a shutdown that nobody asked for.
  [[nodiscard]] Result<void> boot(WallTime booted);

  [[nodiscard]] const std::filesystem::path& path() const { return root_; }
  [[nodiscard]] const BootId& boot_id() const { return boot_id_; }

 private:
  explicit DemoRoot(std::filesystem::path root) : root_(std::move(root)) {}

  std::filesystem::path root_;
  BootId boot_id_;
};

}  // namespace upkeep
