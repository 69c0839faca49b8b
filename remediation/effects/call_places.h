#pragma once

#include <functional>
#include <list>
#include <memory>

#include "exporter/model/clock.h"
#include "exporter/model/result.h"
#include "platform/libvirt_handles.h"

namespace upkeep {

/// Places for calls to libvirt, and the connections that they go over. libvirtd serves 5 calls a
/// connection and lets further ones wait for ever behind hanging ones, to begin them when nobody
/// expects it any more. So there are fewer places than that, and none is given on a connection with
/// a call past its deadline: that one gives up its place, and others go on over a fresh connection.
/// Connections are opened one at a time, in a thread of their own that nobody has to wait for, and
/// closed in such a one.
/// Thread-safe.
class CallPlaces {
  struct State;
  struct Taken {
    ConnectionHandle connection;
    Tick ends_by{};
  };

 public:
  /// Calls at once, those past their deadline aside.
  static constexpr int kMost = 4;
  /// Connections with a call past its deadline, or that hang in being closed; no fresh one is
  /// opened beside them. As many as calls may hang before the plan holds further ones
  /// (`kMostHungCalls`): each may have one to itself.
  static constexpr int kMostStuck = 8;

  /// May block for as long as it likes.
  using Open = std::function<Result<ConnectionHandle>()>;
  /// Runs what may block for ever in a thread of its own; throws std::system_error when the system
  /// has none. Replaced by tests.
  using Aside = std::function<void(std::function<void()>)>;

  /// Given back at its end.
  class Place {
   public:
    Place(std::shared_ptr<State> state, std::list<Taken>::iterator taken);
    Place(Place&& other) noexcept = default;
    Place& operator=(Place&&) = delete;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();

    [[nodiscard]] const ConnectionHandle& connection() const { return taken_->connection; }
    /// False: its deadline is over, and no call may begin.
    [[nodiscard]] bool in_time() const;

   private:
    std::shared_ptr<State> state_;  ///< Null after it was moved from.
    std::list<Taken>::iterator taken_;
  };

  CallPlaces(Open open, std::shared_ptr<const Clock> clock, Aside aside = in_a_thread);

  /// Waits for a place and a connection until `deadline` is over, which is the place's too. Fails
  /// with what stood in the way, at once when libvirtd can't be connected to.
  [[nodiscard]] Result<Place> take(Duration deadline);

 private:
  static void in_a_thread(std::function<void()> work);

  std::shared_ptr<State> state_;  ///< Shared with places and with the thread that connects.
};

}  // namespace upkeep
