#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>

#include "exporter/model/clock.h"

namespace upkeep {

/// A thread that is asked to stop and waited for, but not for ever: libvirt's calls can block for
/// as long as libvirtd or a QEMU does and can't be interrupted. One that doesn't end in time is
/// left alone, so what it runs must own (shared_ptr) everything it touches.
class AbandonableThread {
 public:
  /// How long the destructor waits.
  static constexpr Duration kPatience = std::chrono::milliseconds(300);

  AbandonableThread() = default;
  AbandonableThread(const AbandonableThread&) = delete;
  AbandonableThread& operator=(const AbandonableThread&) = delete;
  ~AbandonableThread();

  void start(std::function<void(std::stop_token)> body);
  /// Asks it to stop; returns at once.
  void request_stop() { stop_.request_stop(); }

 private:
  struct End {
    std::mutex mutex;
    std::condition_variable reached;
    bool is_reached = false;
  };

  std::stop_source stop_;
  std::shared_ptr<End> end_;
};

}  // namespace upkeep
