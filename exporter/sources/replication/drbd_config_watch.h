#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "exporter/model/latest.h"
#include "exporter/sources/replication/drbd_config.h"

namespace upkeep {

/// Reads DRBD's configuration now and then on its own thread: drbdadm may take seconds on a busy
/// node, and the event stream must not wait for it. Thread-safe.
class DrbdConfigWatch {
 public:
  /// Starts at once. `changed` is called from the watch's thread after each reading.
  DrbdConfigWatch(DrbdConfigRequest request, Duration interval, std::function<void()> changed);

  /// The newest reading; "not read yet" before the first. Names of peers outlast readings that
  /// don't tell them.
  [[nodiscard]] std::shared_ptr<const DrbdConfig> latest() const { return latest_.get(); }

 private:
  void watch(const std::stop_token& stop);

  DrbdConfigRequest request_;
  Duration interval_;
  std::function<void()> changed_;
  Latest<DrbdConfig> latest_;
  std::jthread thread_;
};

}  // namespace upkeep
