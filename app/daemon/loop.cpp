#include "app/daemon/loop.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "platform/spawn.h"

namespace upkeep {
namespace {

/// Readings grow old without anybody saying so; gauges and holds must see it.
constexpr Duration kLongestSleep = std::chrono::seconds(1);
/// A flood of events (a guest that reports every I/O error) must not become a busy loop; what came
/// in the meantime is taken together.
constexpr Duration kShortestGap = std::chrono::milliseconds(5);

}  // namespace

Loop::Loop(Parts parts, std::shared_ptr<const Policy> policy)
    : parts_(std::move(parts)),
      policy_(std::move(policy)),
      last_run_(parts_.clock.now().time_since_epoch().count()) {}

void Loop::run() {
  for (;;) {
    const Tick next = step();
    parts_.service.alive();
    if (!wait(next)) return;
  }
}

Tick Loop::step() {
  LoopInbox::Taken taken = parts_.inbox.take();
  // After the inbox: an event is never newer than the snapshot it is judged with.
  auto snapshot = parts_.builder.build(policy_->freshness);
  parts_.instruments.look(*snapshot);
  const auto known = parts_.last_known.get();
  parts_.last_known.set(std::make_shared<const LastKnown>(
      remembered(known == nullptr ? LastKnown{} : *known, *snapshot)));
  parts_.snapshots.set(snapshot);

  for (const DrbdEvent& event : taken.inputs.drbd_events) parts_.drbd_story.tell(event);
  if (snapshot->drbd.reading) parts_.drbd_story.tell(**snapshot->drbd.reading);
  const Tick next = parts_.reconciler.step(snapshot, std::move(taken.inputs));
  for (const auto& task : taken.tasks) task();
  const Tick now = parts_.clock.now();
  last_run_ = now.time_since_epoch().count();
  return std::clamp(next, now, now + kLongestSleep);
}

bool Loop::wait(Tick until) {
  const Tick began = parts_.clock.now();
  if (const auto longest = parts_.service.longest_sleep()) {
    until = std::min(until, began + *longest);
  }
  bool woken = false;
  while (!stopping_) {
    const Tick now = parts_.clock.now();
    // Once woken, only the gap keeps the loop from stepping.
    const Tick end = woken ? began + kShortestGap : until;
    if (now >= end) return true;
    std::array<pollfd, 2> fds{
        pollfd{.fd = parts_.signals == nullptr ? -1 : parts_.signals->fd(),
               .events = POLLIN,
               .revents = 0},
        pollfd{.fd = woken ? -1 : parts_.inbox.fd(), .events = POLLIN, .revents = 0}};
    ::poll(fds.data(), fds.size(), poll_timeout(now, end));
    woken = woken || fds[1].revents != 0;
    while (const auto signal = parts_.signals == nullptr ? std::nullopt : parts_.signals->take()) {
      if (*signal == Signals::Kind::stop) return false;
      take_reload();
    }
  }
  return false;
}

void Loop::take_reload() {
  parts_.service.reloading();
  if (parts_.reload) {
    if (auto policy = parts_.reload()) {
      policy_ = policy;
      parts_.reconciler.use(std::move(policy));
    }
  }
  parts_.service.ready("running");
  parts_.inbox.wake();
}

void Loop::stop() {
  stopping_ = true;
  parts_.inbox.wake();
}

}  // namespace upkeep
