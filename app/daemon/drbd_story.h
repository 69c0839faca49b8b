#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/log.h"
#include "exporter/model/event.h"

namespace upkeep {

/// Tells DRBD's changes in the log: from one resting state to the next, without the half dozen that
/// lie between for milliseconds. Owned by the loop's thread.
class DrbdStory {
 public:
  /// `peers`: the names of the configuration's [[peer]].
  explicit DrbdStory(const Log& log, std::vector<NodeName> peers = {})
      : log_(log), peers_(std::move(peers)) {}

  void tell(const DrbdEvent& event);
  /// What a reading says beside its events: why links were lost, whether that can be known, and
  /// whether its peers are named like the configuration's.
  void tell(const Drbd& drbd);

 private:
  void tell_link(const DrbdEvent& event);
  void tell_disk(const DrbdEvent& event);
  void tell_helper(const DrbdEvent& event) const;
  void tell_losses(const Drbd& drbd);
  void tell_names(const Drbd& drbd);

  const Log& log_;
  std::vector<NodeName> peers_;
  std::map<std::pair<ResourceName, NodeName>, std::string> links_;  ///< Where each rested last.
  /// Told, and still so; by node id, because 8.4's peer may get its name later.
  std::map<std::pair<ResourceName, std::uint32_t>, LinkLossCause> losses_;
  std::string kernel_log_problem_;
  std::string name_doubt_;
  std::map<ResourceName, std::string> disks_;  ///< One word a resource is enough for a log.
};

}  // namespace upkeep
