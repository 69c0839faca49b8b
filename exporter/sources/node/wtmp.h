#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "exporter/model/node.h"

namespace upkeep {

/// Reads /var/log/wtmp (utmp(5) records, oldest first) for how the boot before this one ended.
/// systemd writes a BOOT_TIME record at each boot and a RUN_LVL record of user "shutdown" when it
/// goes down in order; a node that lost power leaves two BOOT_TIMEs with nothing between.
class WtmpReader {
 public:
  /// `boot_time` is this boot's, from /proc/stat.
  explicit WtmpReader(WallTime boot_time) : boot_time_(boot_time) {}

  /// The next piece of the file, of any length.
  void take(std::span<const std::byte> piece);

  /// Unknown unless the last BOOT_TIME on record is this boot's.
  [[nodiscard]] PreviousShutdown verdict() const;

 private:
  void take_record(std::span<const std::byte> record);

  WallTime boot_time_;
  std::vector<std::byte> partial_;  ///< Begin of a record whose rest is still to come.
  bool booted_ = false;             ///< A BOOT_TIME was seen.
  bool shut_down_ = false;          ///< A shutdown was seen since the last BOOT_TIME.
  bool last_is_this_boot_ = false;  ///< The last BOOT_TIME is this boot's.
  PreviousShutdown before_last_ = PreviousShutdown::unknown;  ///< How the boot before it ended.
};

}  // namespace upkeep
