#include "exporter/sources/hypervisor/state_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "exporter/sources/hypervisor/reconnect_gap.h"
#include "platform/libvirt_connection.h"

namespace upkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Of many events at once (a node's VMs dying together), readings are this far apart.
constexpr Duration kCoalesce = milliseconds(10);
// Networks and monitors: a call, and a call for each VM.
constexpr Duration kSurroundingsInterval = seconds(5);
// However often alerts ask for everything: of a large node that is a second's work.
constexpr Duration kResyncGap = seconds(1);
constexpr Duration kDiskPatience = milliseconds(300);

}  // namespace

StateReader::StateReader(LibvirtSourceOptions options, std::shared_ptr<Outlet> outlet,
                         std::shared_ptr<SlowReader> slow)
    : options_(std::move(options)),
      local_(is_local(options_.uri)),
      outlet_(std::move(outlet)),
      slow_(std::move(slow)),
      inbox_(std::make_shared<Inbox>()),
      desk_(std::make_shared<EventDesk>(outlet_, inbox_)),
      prober_(BackingFinder(options_.root, options_.status_of_path),
              [inbox = inbox_] { inbox->poke(); }) {
  slow_->on_news([inbox = inbox_] { inbox->poke(); });
}

void StateReader::poke() { inbox_->ask_for_all(); }

void StateReader::run(const std::stop_token& stop) {
  ReconnectGap gap;
  while (!stop.stop_requested()) {
    std::optional<Error> error;
    const Tick began = outlet_->now();
    if (auto connection = open_libvirt(options_.uri, LibvirtAccess::read_only)) {
      error = observe(*connection, stop);
      if (!error) return;
      error->message = fmt::format("libvirtd at {}: {}", options_.uri, error->message);
      // A connection that gave a reading was a good one.
      if (resynced_) gap.reset();
    } else {
      error = connection.error();
      outlet_->read_finished(SourceKind::libvirt, began, false);
    }
    outlet_->publish(
        Observed<std::shared_ptr<const Vms>>{std::unexpected(std::move(*error)), outlet_->now()});
    inbox_->pause(gap.next(), stop);
  }
}

std::optional<Error> StateReader::observe(const ConnectionHandle& connection,
                                          const std::stop_token& stop) {
  // Whatever happened before is in the first list; the first answer can be trusted (measured).
  static_cast<void>(inbox_->take());
  announced_.clear();
  connection_lost_ = false;
  resynced_.reset();
  surroundings_read_.reset();
  inventory_.begin_again();
  const auto feed = EventFeed::open(connection, desk_);
  if (!feed) return feed.error();
  while (!stop.stop_requested()) {
    take_mail();
    if (connection_lost_) return Error{Errc::unavailable, "connection lost"};
    const Tick began = outlet_->now();
    if (const auto looked = look(connection, began, stop); !looked) {
      outlet_->read_finished(SourceKind::libvirt, began, false);
      return looked.error();
    }
    if (inbox_->has_mail()) inbox_->pause(kCoalesce, stop);
    inbox_->wait(options_.poll, stop);
  }
  return std::nullopt;
}

void StateReader::take_mail() {
  const Inbox::Mail mail = inbox_->take();
  connection_lost_ = connection_lost_ || mail.connection_lost;
  asked_for_all_ = asked_for_all_ || mail.asked_for_all;
  inventory_.mark_stale(mail.changed);
  for (const auto& [uuid, kinds] : mail.announced) {
    inventory_.mark_stale({uuid});
    for (const VmEventKind kind : kinds) {
      // What QEMU says of the disk takes a call that may wait for it.
      if (kind == VmEventKind::suspended_io_error) slow_->poke();
      announced_[uuid].push_back(kind);
    }
  }
}

Result<void> StateReader::look(const ConnectionHandle& connection, Tick began,
                               const std::stop_token& stop) {
  const auto states = read_announced_states(connection, stop);
  if (!states) return std::unexpected(states.error());
  inventory_.update(*states, announced_, outlet_->wall());
  announced_.clear();
  const bool any_new = read_new_cards(*states);
  resync(began);
  if (any_new || !surroundings_read_ || began - *surroundings_read_ >= kSurroundingsInterval) {
    read_surroundings(connection, *states);
    surroundings_read_ = began;
  }
  watch_disks(any_new);
  if (!is_alive(connection)) return fail(Errc::unavailable, "connection lost");
  publish(began);
  outlet_->read_finished(SourceKind::libvirt, began, true);
  if (read_stale_cards(*states) && is_alive(connection)) {
    watch_disks(true);
    publish(began);
  }
  return {};
}

Result<std::vector<DomainState>> StateReader::read_announced_states(
    const ConnectionHandle& connection, const std::stop_token& stop) {
  auto states = read_states(connection);
  const auto deadline = std::chrono::steady_clock::now() + options_.event_patience;
  bool waited = false;
  while (states && inventory_.has_unannounced(*states, announced_)) {
    const Duration left = deadline - std::chrono::steady_clock::now();
    waited = true;
    if (left <= Duration::zero() || !inbox_->wait(left, stop)) break;
    take_mail();
  }
  if (waited && states) states = read_states(connection);
  return states;
}

void StateReader::resync(Tick now) {
  const Duration gap = asked_for_all_ ? std::min(kResyncGap, options_.resync) : options_.resync;
  if (resynced_ && now - *resynced_ < gap) return;
  // After a connection was made every card is new.
  if (resynced_) {
    inventory_.mark_all_stale();
    surroundings_read_.reset();
  }
  resynced_ = now;
  asked_for_all_ = false;
}

bool StateReader::read_new_cards(const std::vector<DomainState>& states) {
  bool any = false;
  for (const DomainState& seen : states) {
    if (!inventory_.needs_card(seen.uuid)) continue;
    inventory_.set_card(seen.uuid, read_card(seen.domain.get(), is_active(seen.state)));
    any = true;
  }
  return any;
}

bool StateReader::read_stale_cards(const std::vector<DomainState>& states) {
  bool news = false;
  bool any = false;
  const auto deadline = std::chrono::steady_clock::now() + options_.poll;
  for (const DomainState& seen : states) {
    if (!inventory_.is_stale(seen.uuid)) continue;
    // Events and polls go first; the rest stays stale for the next look, which reads one at least.
    if (any && (inbox_->has_mail() || std::chrono::steady_clock::now() > deadline)) break;
    any = true;
    if (inventory_.set_card(seen.uuid, read_card(seen.domain.get(), is_active(seen.state)))) {
      news = true;
    }
  }
  return news;
}

void StateReader::read_surroundings(const ConnectionHandle& connection,
                                    const std::vector<DomainState>& states) {
  active_networks_ = read_active_networks(connection);
  for (const DomainState& seen : states) {
    if (is_active(seen.state)) {
      inventory_.set_monitor(seen.uuid, read_monitor(seen.domain.get()));
    }
  }
}

void StateReader::watch_disks(bool wait_for_new) {
  if (!local_) return;
  const Tick now = outlet_->now();
  slow_->want_volumes(inventory_.volumes());
  prober_.watch(inventory_.paths(*slow_->facts(now)), now);
  if (wait_for_new) prober_.settle(kDiskPatience);
}

void StateReader::publish(Tick at) {
  const auto slow = slow_->facts(outlet_->now());
  const Surroundings surroundings{
      .backing_of = [&](const DiskSource& source) { return backing_of(source, *slow); },
      .is_present = [&](const DefinedNetwork& network) { return is_present(network); }};
  outlet_->publish(Observed<std::shared_ptr<const Vms>>{
      std::make_shared<const Vms>(inventory_.vms(*slow, surroundings)), at});
}

Backing StateReader::backing_of(const DiskSource& source, const SlowFacts& slow) const {
  const DiskSource& found = resolved(source, slow);
  if (const auto known = backing_without_looking(found)) return *known;
  return local_ ? prober_.backing_of(found.text) : Backing{};
}

std::optional<bool> StateReader::is_present(const DefinedNetwork& network) const {
  if (network.is_bridge) {
    return local_ ? std::optional(host_device_exists(options_.root, network.name)) : std::nullopt;
  }
  if (!active_networks_) return std::nullopt;
  return active_networks_->contains(network.name);
}

}  // namespace upkeep
