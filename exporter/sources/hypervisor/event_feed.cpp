#include "exporter/sources/hypervisor/event_feed.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <array>
#include <utility>

#include "exporter/sources/hypervisor/domain_reader.h"
#include "exporter/sources/hypervisor/libvirt_terms.h"
#include "platform/libvirt_error.h"

namespace upkeep {
namespace {

/// What libvirt keeps for a callback: it frees it when the callback is gone for good, which may be
/// after the feed.
using DeskReference = std::shared_ptr<EventDesk>;

EventDesk& desk_of(void* opaque) { return **static_cast<DeskReference*>(opaque); }
void free_reference(void* opaque) {
  // libvirt owned it. NOLINTNEXTLINE(cppcoreguidelines-owning-memory)
  delete static_cast<DeskReference*>(opaque);
}

std::string_view text_of(const char* text) { return text == nullptr ? "" : text; }

int on_lifecycle(virConnectPtr /*connection*/, virDomainPtr domain, int event, int detail,
                 void* opaque) {
  desk_of(opaque).lifecycle(uuid_of(domain), name_of(domain), event, detail);
  return 0;
}

VmEvent event_of(virDomainPtr domain, VmEventKind kind, std::string detail = {}) {
  return {.uuid = uuid_of(domain),
          .name = name_of(domain),
          .kind = kind,
          .detail = std::move(detail),
          .at = {},
          .wall = {}};
}

void on_reboot(virConnectPtr /*connection*/, virDomainPtr domain, void* opaque) {
  desk_of(opaque).happened(event_of(domain, VmEventKind::rebooted));
}

void on_watchdog(virConnectPtr /*connection*/, virDomainPtr domain, int action, void* opaque) {
  desk_of(opaque).happened(
      event_of(domain, VmEventKind::watchdog, std::string(watchdog_detail(action))));
}

void on_io_error(virConnectPtr /*connection*/, virDomainPtr domain, const char* path,
                 const char* alias, int action, const char* reason, void* opaque) {
  const std::string_view disk = text_of(path).empty() ? text_of(alias) : text_of(path);
  desk_of(opaque).happened(
      event_of(domain, VmEventKind::io_error, io_error_detail(disk, action, text_of(reason))));
}

void on_disk_change(virConnectPtr /*connection*/, virDomainPtr domain, const char* old_path,
                    const char* new_path, const char* alias, int reason, void* opaque) {
  desk_of(opaque).happened(
      event_of(domain, VmEventKind::disk_changed,
               disk_change_detail(text_of(alias), text_of(old_path), text_of(new_path), reason)));
}

void on_control_error(virConnectPtr /*connection*/, virDomainPtr domain, void* opaque) {
  desk_of(opaque).changed(uuid_of(domain));
}

void on_device(virConnectPtr /*connection*/, virDomainPtr domain, const char* /*alias*/,
               void* opaque) {
  desk_of(opaque).changed(uuid_of(domain));
}

void on_close(virConnectPtr /*connection*/, int /*reason*/, void* opaque) {
  auto& watch = *static_cast<CloseWatch*>(opaque);
  watch.desk->connection_lost();
  watch.told = true;
}

struct Subscription {
  int event;
  virConnectDomainEventGenericCallback callback;
};

const std::array<Subscription, 7> kOptional{
    {{VIR_DOMAIN_EVENT_ID_REBOOT, on_reboot},
     {VIR_DOMAIN_EVENT_ID_WATCHDOG, VIR_DOMAIN_EVENT_CALLBACK(on_watchdog)},
     {VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, VIR_DOMAIN_EVENT_CALLBACK(on_io_error)},
     {VIR_DOMAIN_EVENT_ID_DISK_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_disk_change)},
     {VIR_DOMAIN_EVENT_ID_CONTROL_ERROR, on_control_error},
     {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
     {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device)}}};

constexpr Duration kRepeatGap = std::chrono::seconds(1);
constexpr std::size_t kMaxRecent = 1000;

}  // namespace

EventDesk::EventDesk(std::shared_ptr<Outlet> outlet, std::shared_ptr<Inbox> inbox)
    : outlet_(std::move(outlet)), inbox_(std::move(inbox)) {}

void EventDesk::lifecycle(const VmUuid& uuid, const VmName& name, int event, int detail) {
  const LifecycleMeaning meaning = to_lifecycle(event, detail);
  if (!meaning.known) outlet_->unparsed(fmt::format("lifecycle event {}/{}", event, detail));
  if (!meaning.kind) {
    inbox_->change(uuid);
    return;
  }
  happened({.uuid = uuid,
            .name = name,
            .kind = *meaning.kind,
            .detail = std::string(meaning.detail),
            .at = {},
            .wall = {}});
}

void EventDesk::happened(VmEvent event) {
  if (is_repeated(event)) return;
  const VmUuid uuid = event.uuid;
  const VmEventKind kind = event.kind;
  outlet_->hand_over(std::move(event));
  inbox_->announce(uuid, kind);
}

bool EventDesk::is_repeated(const VmEvent& event) {
  if (event.kind != VmEventKind::io_error && event.kind != VmEventKind::rebooted) return false;
  const Tick now = outlet_->now();
  const std::scoped_lock lock(mutex_);
  if (recent_.size() > kMaxRecent) recent_.clear();
  const auto [last, is_new] = recent_.try_emplace(
      fmt::format("{} {} {}", event.uuid.value, to_string(event.kind), event.detail), now);
  if (is_new) return false;
  if (now - last->second < kRepeatGap) return true;
  last->second = now;
  return false;
}

Result<std::unique_ptr<EventFeed>> EventFeed::open(ConnectionHandle connection,
                                                   const std::shared_ptr<EventDesk>& desk) {
  std::unique_ptr<EventFeed> feed(new EventFeed(
      std::move(connection)));  // NOLINT(cppcoreguidelines-owning-memory): private constructor
  if (!feed->subscribe(VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle),
                       desk)) {
    return std::unexpected(last_libvirt_error("register for lifecycle events"));
  }
  for (const auto& [event, callback] : kOptional) {
    // A driver may lack any of these; the state itself is still polled.
    static_cast<void>(feed->subscribe(event, callback, desk));
  }
  feed->close_watch_ = std::make_unique<CloseWatch>(desk);
  if (virConnectRegisterCloseCallback(feed->connection_.get(), on_close, feed->close_watch_.get(),
                                      nullptr) != 0) {
    feed->close_watch_.reset();
  }
  virResetLastError();
  return feed;
}

bool EventFeed::subscribe(int event, virConnectDomainEventGenericCallback callback,
                          const std::shared_ptr<EventDesk>& desk) {
  auto reference = std::make_unique<DeskReference>(desk);
  const int id = virConnectDomainEventRegisterAny(connection_.get(), nullptr, event, callback,
                                                  reference.get(), free_reference);
  if (id < 0) return false;
  static_cast<void>(reference.release());
  subscriptions_.push_back(id);
  return true;
}

EventFeed::~EventFeed() {
  // Each registration holds the connection open: without this it would never be closed.
  if (close_watch_ != nullptr &&
      virConnectUnregisterCloseCallback(connection_.get(), on_close) != 0 && !close_watch_->told) {
    // libvirt may still call it.
    static_cast<void>(close_watch_.release());
  }
  for (const int id : subscriptions_) virConnectDomainEventDeregisterAny(connection_.get(), id);
}

}  // namespace upkeep
