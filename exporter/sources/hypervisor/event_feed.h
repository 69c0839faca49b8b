#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "exporter/model/event.h"
#include "exporter/model/result.h"
#include "exporter/sources/hypervisor/inbox.h"
#include "exporter/sources/hypervisor/outlet.h"
#include "platform/libvirt_handles.h"

namespace upkeep {

/// What libvirt's event thread calls: hands events to the listener first, and only then leaves a
/// note for the thread that reads states. So an event precedes the reading it causes. Thread-safe.
class EventDesk {
 public:
  EventDesk(std::shared_ptr<Outlet> outlet, std::shared_ptr<Inbox> inbox);

  void lifecycle(const VmUuid& uuid, const VmName& name, int event, int detail);
  void happened(VmEvent event);
  /// Something that is no event of ours, but changes what the definition or the state says.
  void changed(const VmUuid& uuid) { inbox_->change(uuid); }
  void connection_lost() { inbox_->lose_connection(); }

 private:
  /// With error_policy='ignore' QEMU sends an event per failed request, and a reboot is told two
  /// or three times: of equal ones, one a second is handed over.
  [[nodiscard]] bool is_repeated(const VmEvent& event);

  std::shared_ptr<Outlet> outlet_;
  std::shared_ptr<Inbox> inbox_;
  std::mutex mutex_;
  std::map<std::string, Tick> recent_;
};

/// What the close callback is given. libvirt 9.0 calls back once at most, under the lock that
/// unregistering takes, and never frees what it was given when it is unregistered: the feed does.
struct CloseWatch {
  explicit CloseWatch(std::shared_ptr<EventDesk> told_to) : desk(std::move(told_to)) {}

  std::shared_ptr<EventDesk> desk;
  std::atomic<bool> told = false;
};

/// A connection's events going to a desk, from construction to destruction. Owned by the thread
/// that owns the connection; construction and destruction call libvirtd.
class EventFeed {
 public:
  [[nodiscard]] static Result<std::unique_ptr<EventFeed>> open(
      ConnectionHandle connection, const std::shared_ptr<EventDesk>& desk);
  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;
  ~EventFeed();

 private:
  explicit EventFeed(ConnectionHandle connection) : connection_(std::move(connection)) {}
  bool subscribe(int event, virConnectDomainEventGenericCallback callback,
                 const std::shared_ptr<EventDesk>& desk);

  ConnectionHandle connection_;
  std::vector<int> subscriptions_;
  std::unique_ptr<CloseWatch> close_watch_;  ///< Null when the driver has no such callback.
};

}  // namespace upkeep
