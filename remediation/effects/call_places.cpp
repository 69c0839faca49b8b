#include "remediation/effects/call_places.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace upkeep {

/// Under its lock, all of it.
struct CallPlaces::State {
  State(Open opener, std::shared_ptr<const Clock> time)
      : open(std::move(opener)), clock(std::move(time)) {}

  const Open open;
  const std::shared_ptr<const Clock> clock;

  std::mutex mutex;
  std::condition_variable changed;
  ConnectionHandle current;  ///< New calls go over it; null: there is none.
  std::list<Taken> taken;
  bool opening = false;
  std::uint64_t opened = 0;       ///< How often opening has ended.
  std::optional<Error> obstacle;  ///< What it ended with last.

  [[nodiscard]] int working(Tick now) const {
    return static_cast<int>(
        std::ranges::count_if(taken, [&](const Taken& one) { return now < one.ends_by; }));
  }
  [[nodiscard]] std::set<virConnect*> stuck(Tick now) const {
    std::set<virConnect*> connections;
    for (const Taken& one : taken) {
      if (one.ends_by <= now) connections.insert(one.connection.get());
    }
    return connections;
  }
  /// When the next of the working ones gives up its place.
  [[nodiscard]] Tick next_end(Tick now, Tick latest) const {
    for (const Taken& one : taken) {
      if (now < one.ends_by) latest = std::min(latest, one.ends_by);
    }
    return latest;
  }
  /// Whoever takes the result closes it, which may block, without the lock.
  [[nodiscard]] ConnectionHandle let_go_of_useless(Tick now) {
    if (current == nullptr) return nullptr;
    const bool usable =
        !stuck(now).contains(current.get()) && virConnectIsAlive(current.get()) == 1;
    return usable ? nullptr : std::exchange(current, nullptr);
  }
  static void connect(const std::shared_ptr<State>& state) {
    // Detached: opening can't be interrupted, and owns what it uses.
    std::thread([state] {
      auto connection = state->open();
      const std::scoped_lock lock(state->mutex);
      state->opening = false;
      ++state->opened;
      state->obstacle.reset();
      if (connection) {
        state->current = *std::move(connection);
      } else {
        state->obstacle = std::move(connection.error());
      }
      state->changed.notify_all();
    }).detach();
    state->opening = true;  // The thread waits for the lock before it says otherwise.
  }
};

CallPlaces::Place::Place(std::shared_ptr<State> state, std::list<Taken>::iterator taken)
    : state_(std::move(state)), taken_(taken) {}

CallPlaces::Place::~Place() {
  if (state_ == nullptr) return;
  std::list<Taken> own;  // Closed without the lock, if it is its connection's last.
  const std::scoped_lock lock(state_->mutex);
  own.splice(own.begin(), state_->taken, taken_);
  state_->changed.notify_all();
}

bool CallPlaces::Place::in_time() const { return state_->clock->now() < taken_->ends_by; }

CallPlaces::CallPlaces(Open open, std::shared_ptr<const Clock> clock)
    : state_(std::make_shared<State>(std::move(open), std::move(clock))) {}

Result<CallPlaces::Place> CallPlaces::take(Duration deadline) {
  State& state = *state_;
  std::optional<std::uint64_t> awaited;  // The opening that this call waits for.
  const Tick ends_by = state.clock->now() + deadline;
  for (;;) {
    ConnectionHandle useless;
    std::unique_lock lock(state.mutex);
    const Tick now = state.clock->now();
    useless = state.let_go_of_useless(now);
    std::string obstacle;
    if (state.working(now) >= kMost) {
      obstacle = fmt::format("{} others are under way", kMost);
    } else if (state.current != nullptr) {
      state.taken.push_back({.connection = state.current, .ends_by = ends_by});
      return Place(state_, std::prev(state.taken.end()));
    } else if (awaited && *awaited <= state.opened && state.obstacle) {
      return std::unexpected(*state.obstacle);
    } else if (const auto stuck = state.stuck(now).size();
               stuck >= static_cast<std::size_t>(kMostStuck)) {
      obstacle = fmt::format("others hang on {} connections", stuck);
    } else {
      if (!state.opening) State::connect(state_);
      awaited = state.opened + 1;
      obstacle = "libvirtd does not answer";
    }
    if (ends_by <= now) {
      return fail(Errc::unavailable,
                  fmt::format("no call to libvirt was possible in time: {}", obstacle));
    }
    if (useless != nullptr) continue;  // To be closed first.
    state.changed.wait_for(lock, state.next_end(now, ends_by) - now);
  }
}

}  // namespace upkeep
