#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "app/log.h"
#include "exporter/model/event.h"

namespace upkeep {

/// Tells DRBD's changes in the log: from one resting state to the next, without the half dozen that
/// lie between for milliseconds. Owned by the loop's thread.
class DrbdStory {
 public:
  explicit DrbdStory(const Log& log) : log_(log) {}

  void tell(const DrbdEvent& event);
  /// What a reading says beside its events: why links were lost, and whether that can be known.
  void tell(const Drbd& drbd);

 private:
  void tell_link(const DrbdEvent& event);
  void tell_disk(const DrbdEvent& event);
  void tell_helper(const DrbdEvent& event) const;

  const Log& log_;
  std::map<std::pair<ResourceName, NodeName>, std::string> links_;  ///< Where each rested last.
  /// Told, and still so; by node id, because 8.4's peer may get its name later.
  std::map<std::pair<ResourceName, std::uint32_t>, LinkLossCause> losses_;
  std::string kernel_log_problem_;
  std::map<ResourceName, std::string> disks_;  ///< One word a resource is enough for a log.
};

}  // namespace upkeep
