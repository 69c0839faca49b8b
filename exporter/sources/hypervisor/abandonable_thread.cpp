#include "exporter/sources/hypervisor/abandonable_thread.h"

#include <thread>
#include <utility>

namespace upkeep {

AbandonableThread::~AbandonableThread() {
  request_stop();
  if (end_ == nullptr) return;
  std::unique_lock lock(end_->mutex);
  end_->reached.wait_for(lock, kPatience, [this] { return end_->is_reached; });
}

void AbandonableThread::start(std::function<void(std::stop_token)> body) {
  end_ = std::make_shared<End>();
  std::thread([body = std::move(body), stop = stop_.get_token(), end = end_]() mutable {
    body(stop);
    // What the body owned goes before the end is told: whoever waits may rely on it.
    body = nullptr;
    const std::scoped_lock lock(end->mutex);
    end->is_reached = true;
    end->reached.notify_all();
  }).detach();
}

}  // namespace upkeep
