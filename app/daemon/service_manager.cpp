#include "app/daemon/service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>

namespace upkeep {

ServiceManager::ServiceManager(const Clock& clock) : clock_(clock) {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) > 0) {
    interval_ = std::chrono::microseconds(microseconds) / 4;
  }
}

void ServiceManager::ready(const std::string& status) {
  const auto text = fmt::format("READY=1\nSTATUS={}", status);
  sd_notify(0, text.c_str());
}

void ServiceManager::reloading() {
  // systemd wants the monotonic time of the reload's begin, to match it with the READY after it.
  const auto since =
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.now().time_since_epoch());
  const auto text = fmt::format("RELOADING=1\nMONOTONIC_USEC={}", since.count());
  sd_notify(0, text.c_str());
}

void ServiceManager::stopping() { sd_notify(0, "STOPPING=1\nSTATUS=stopping"); }

void ServiceManager::alive() {
  if (!interval_) return;
  const Tick now = clock_.now();
  if (now - fed_ < *interval_) return;
  fed_ = now;
  sd_notify(0, "WATCHDOG=1");
}

}  // namespace upkeep
