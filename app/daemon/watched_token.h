#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "app/daemon/control_token.h"
#include "app/log.h"
#include "exporter/model/clock.h"

namespace upkeep {

/// The control listener's token, read again when its file was changed, so that a new one needs no
/// restart. A file that can't be taken leaves the token before it in effect. Thread-safe.
class WatchedToken {
 public:
  struct Parts {
    const Clock& clock;
    const Log& log;
    /// Told of each changed file, whether it could be taken. Any thread.
    std::function<void(bool taken)> changed;
  };

  /// Reads it for the first time, as `control_token` does.
  [[nodiscard]] static Result<std::unique_ptr<WatchedToken>> open(std::filesystem::path file,
                                                                  MissingToken missing,
                                                                  Parts parts);

  /// The token in effect. Looks at the file, but once a second at most, and one caller at a time:
  /// a disk that hangs holds up nobody else.
  [[nodiscard]] std::string current();

 private:
  /// What tells one state of the file from another; the change time also tells of `chmod`.
  struct Stamp {
    int error = 0;  ///< errno, when it could not be looked at.
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;

    friend bool operator==(const Stamp&, const Stamp&) = default;
  };

  WatchedToken(std::filesystem::path file, Parts parts);
  [[nodiscard]] static Stamp stamp_of(const std::filesystem::path& file);
  /// Under `looking_`.
  void look();
  void take(std::string token);

  std::filesystem::path file_;
  Parts parts_;
  std::mutex looking_;  ///< Held by the one that looks at the file.
  std::optional<Tick> looked_;
  Stamp stamp_;
  std::mutex mutex_;
  std::string token_;
};

}  // namespace upkeep
