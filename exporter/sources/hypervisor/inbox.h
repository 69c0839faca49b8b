#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/event.h"
#include "exporter/model/ids.h"

namespace upkeep {

/// What libvirt's event thread and others leave for the thread that reads states. Thread-safe.
class Inbox {
 public:
  struct Mail {
    std::map<VmUuid, std::vector<VmEventKind>> announced;  ///< Events already handed over.
    std::set<VmUuid> changed;  ///< Their definition may differ: read it again.
    bool connection_lost = false;
    bool poked = false;
    bool asked_for_all = false;  ///< Every definition may differ, and somebody wants to know.

    [[nodiscard]] bool empty() const {
      return announced.empty() && changed.empty() && !connection_lost && !poked && !asked_for_all;
    }
  };

  void announce(const VmUuid& uuid, VmEventKind kind);
  void change(const VmUuid& uuid);
  void lose_connection();
  void poke();
  void ask_for_all();

  /// Everything left since the last call.
  [[nodiscard]] Mail take();
  [[nodiscard]] bool has_mail();
  /// Waits for mail; false when none came in time or the thread is to stop.
  bool wait(Duration at_most, const std::stop_token& stop);
  /// Waits whether mail comes or not.
  void pause(Duration length, const std::stop_token& stop);

 private:
  std::mutex mutex_;
  std::condition_variable_any arrived_;
  Mail mail_;
};

}  // namespace upkeep
