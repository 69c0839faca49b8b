#include "exporter/sources/replication/drbd_config_watch.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace upkeep {
namespace {

constexpr std::chrono::seconds kAfterFailure{10};

}  // namespace

DrbdConfigWatch::DrbdConfigWatch(DrbdConfigRequest request, Duration interval,
                                 std::function<void()> changed)
    : request_(std::move(request)), interval_(interval), changed_(std::move(changed)) {
  latest_.set(std::make_shared<const DrbdConfig>());
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

void DrbdConfigWatch::watch(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  while (!stop.stop_requested()) {
    auto config = std::make_shared<DrbdConfig>(read_drbd_config(request_, stop));
    if (stop.stop_requested()) return;
    // drbdadm refuses to tell while a network card is down, which is when a name is needed most.
    if (!config->peers) config->peers = latest_.get()->peers;
    const bool known = config->resources.has_value() || config->drbdadm_missing;
    latest_.set(std::move(config));
    changed_();
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, known ? interval_ : std::min<Duration>(interval_, kAfterFailure),
                   [] { return false; });
  }
}

}  // namespace upkeep
