#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/result.h"

namespace upkeep {

/// What a running daemon tells the command line about itself.
struct Instance {
  pid_t pid = 0;
  WallTime started{};
  std::string control_url;  ///< "http://127.0.0.1:9894", with the port really bound.
  std::string public_url;
  std::filesystem::path token_file;
  std::filesystem::path journal;
  bool demo = false;
  std::optional<std::filesystem::path> config_file;  ///< Absolute; absent: runs without one.

  friend bool operator==(const Instance&, const Instance&) = default;
};

/// Where instance files are: $UPKEEP_RUNTIME_DIR, else /run/upkeep for root, else
/// $XDG_RUNTIME_DIR/upkeep, else /tmp/upkeep-UID.
[[nodiscard]] std::filesystem::path runtime_dir();

/// Where the command line looks: `runtime_dir()`, then /run/upkeep, where root's daemon is.
[[nodiscard]] std::vector<std::filesystem::path> instance_dirs();

/// Makes the directory (0755 in /run, else 0700) or refuses one that others could write to.
[[nodiscard]] Result<void> ensure_runtime_dir(const std::filesystem::path& dir);

/// The running daemon's `instance.json` (`demo.json` for a demo, so that one can run beside the
/// real one). Removed by the destructor, unless another daemon has taken its place.
class InstanceFile {
 public:
  /// Replaces what an earlier daemon left behind. There are no secrets in the file.
  [[nodiscard]] static Result<InstanceFile> write(const Instance& instance,
                                                  const std::filesystem::path& dir = runtime_dir());

  InstanceFile(InstanceFile&& other) noexcept;
  InstanceFile& operator=(InstanceFile&& other) noexcept;
  InstanceFile(const InstanceFile&) = delete;
  InstanceFile& operator=(const InstanceFile&) = delete;
  ~InstanceFile();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  InstanceFile(std::filesystem::path path, pid_t pid) : path_(std::move(path)), pid_(pid) {}
  void remove() noexcept;

  std::filesystem::path path_;
  pid_t pid_ = 0;
};

/// The daemons whose files are in `dirs` and whose processes are alive, real ones first. A file
/// that root or the caller does not own, or that others may write to, is as if it weren't there.
[[nodiscard]] std::vector<Instance> running_instances(
    const std::vector<std::filesystem::path>& dirs = instance_dirs());

}  // namespace upkeep
