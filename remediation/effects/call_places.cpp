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
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace upkeep {

/// Under its lock, all of it.
struct CallPlaces::State {
  State(Open opener, std::shared_ptr<const Clock> time, Aside runner)
      : open(std::move(opener)), aside(std::move(runner)), clock(std::move(time)) {}

  const Open open;
  const Aside aside;
  const std::shared_ptr<const Clock> clock;

  std::mutex mutex;
  std::condition_variable changed;
  ConnectionHandle current;  ///< New calls go over it; null: there is none.
  std::list<Taken> taken;
  bool opening = false;
  std::uint64_t opened = 0;                ///< How often opening has ended.
  std::optional<Error> obstacle;           ///< What it ended with last.
  std::size_t closing = 0;                 ///< Connections that a thread closes.
  std::vector<ConnectionHandle> unclosed;  ///< There was no thread for it yet.

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
  static void let_go_of_useless(const std::shared_ptr<State>& state, Tick now) {
    for (auto& connection : std::exchange(state->unclosed, {})) close(state, std::move(connection));
    if (state->current == nullptr) return;
    virConnect* const current = state->current.get();
    if (!state->stuck(now).contains(current) && virConnectIsAlive(current) == 1) return;
    close(state, std::exchange(state->current, nullptr));
  }
  /// Lets go of it; its last owner closes it, which may block for as long as libvirtd does.
  static void close(const std::shared_ptr<State>& state, ConnectionHandle connection) {
    if (connection.use_count() > 1) return;
    const auto last = std::make_shared<ConnectionHandle>(std::move(connection));
    ++state->closing;
    try {
      state->aside([state, last] {
        last->reset();
        const std::scoped_lock lock(state->mutex);
        --state->closing;
        state->changed.notify_all();
      });
    } catch (const std::system_error&) {
      --state->closing;
      state->unclosed.push_back(std::move(*last));
    }
  }
  /// Connections that hang, in a call or in being closed.
  [[nodiscard]] std::size_t hanging(Tick now) const {
    return stuck(now).size() + closing + unclosed.size();
  }
  /// Throws std::system_error.
  static void connect(const std::shared_ptr<State>& state) {
    // Opening can't be interrupted, and owns what it uses.
    state->aside([state] {
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
    });
    state->opening = true;  // The thread waits for the lock before it says otherwise.
  }
};

CallPlaces::Place::Place(std::shared_ptr<State> state, std::list<Taken>::iterator taken)
    : state_(std::move(state)), taken_(taken) {}

CallPlaces::Place::~Place() {
  if (state_ == nullptr) return;
  const std::scoped_lock lock(state_->mutex);
  ConnectionHandle connection = std::move(taken_->connection);
  state_->taken.erase(taken_);
  State::close(state_, std::move(connection));
  state_->changed.notify_all();
}

bool CallPlaces::Place::in_time() const { return state_->clock->now() < taken_->ends_by; }

CallPlaces::CallPlaces(Open open, std::shared_ptr<const Clock> clock, Aside aside)
    : state_(std::make_shared<State>(std::move(open), std::move(clock), std::move(aside))) {}

void CallPlaces::in_a_thread(std::function<void()> work) { std::thread(std::move(work)).detach(); }

Result<CallPlaces::Place> CallPlaces::take(Duration deadline) {
  State& state = *state_;
  std::optional<std::uint64_t> awaited;  // The opening that this call waits for.
  const Tick ends_by = state.clock->now() + deadline;
  for (;;) {
    std::unique_lock lock(state.mutex);
    const Tick now = state.clock->now();
    State::let_go_of_useless(state_, now);
    std::string obstacle;
    if (state.working(now) >= kMost) {
      obstacle = fmt::format("{} others are under way", kMost);
    } else if (state.current != nullptr) {
      state.taken.push_back({.connection = state.current, .ends_by = ends_by});
      return Place(state_, std::prev(state.taken.end()));
    } else if (awaited && *awaited <= state.opened && state.obstacle) {
      return std::unexpected(*state.obstacle);
    } else if (const auto hanging = state.hanging(now);
               hanging >= static_cast<std::size_t>(kMostStuck)) {
      obstacle = fmt::format("others hang on {} connections", hanging);
    } else {
      try {
        if (!state.opening) State::connect(state_);
      } catch (const std::system_error& error) {
        return fail(Errc::exhausted,
                    fmt::format("no thread to connect to libvirtd: {}", error.what()));
      }
      awaited = state.opened + 1;
      obstacle = "libvirtd does not answer";
    }
    if (ends_by <= now) {
      return fail(Errc::unavailable,
                  fmt::format("no call to libvirt was possible in time: {}", obstacle));
    }
    state.changed.wait_for(lock, state.next_end(now, ends_by) - now);
  }
}

}  // namespace upkeep
