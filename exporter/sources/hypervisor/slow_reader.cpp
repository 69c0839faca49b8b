#include "exporter/sources/hypervisor/slow_reader.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <span>
#include <utility>

#include "exporter/sources/hypervisor/reconnect_gap.h"
#include "exporter/sources/hypervisor/vm_stats.h"
#include "platform/libvirt_connection.h"
#include "platform/libvirt_error.h"

namespace upkeep {
namespace {

/// The disks that QEMU reports errors of, by target.
std::map<DiskTarget, std::string> read_disk_errors(virDomainPtr domain) {
  const int disks = virDomainGetDiskErrors(domain, nullptr, 0, 0);
  if (disks <= 0) return {};
  std::vector<virDomainDiskError> errors(static_cast<std::size_t>(disks));
  const int count =
      virDomainGetDiskErrors(domain, errors.data(), static_cast<unsigned>(errors.size()), 0);
  std::map<DiskTarget, std::string> found;
  for (int i = 0; i < count; ++i) {
    const virDomainDiskError& error = errors[static_cast<std::size_t>(i)];
    if (error.error != VIR_DOMAIN_DISK_ERROR_NONE) {
      found.emplace(DiskTarget{error.disk},
                    error.error == VIR_DOMAIN_DISK_ERROR_NO_SPACE ? "no space" : "I/O error");
    }
    std::free(error.disk);  // NOLINT(cppcoreguidelines-no-malloc): libvirt malloc'ed it
  }
  return found;
}

}  // namespace

SlowReader::SlowReader(const LibvirtSourceOptions& options, std::shared_ptr<Outlet> outlet)
    : uri_(options.uri),
      stats_(options.stats),
      interval_(options.stats_interval),
      outlet_(std::move(outlet)) {}

void SlowReader::run(const std::stop_token& stop) {
  ReconnectGap gap;
  ConnectionHandle connection;
  while (!stop.stop_requested()) {
    const Tick began = outlet_->now();
    if (connection == nullptr) {
      auto opened = open_libvirt(uri_, LibvirtAccess::read_only);
      if (!opened) {
        give_up(opened.error(), began);
        inbox_.pause(gap.next(), stop);
        continue;
      }
      connection = std::move(*opened);
    }
    static_cast<void>(inbox_.take());
    const auto outcome = read(connection);
    if (stats_) outlet_->read_finished(SourceKind::vm_stats, began, outcome.has_value());
    if (outcome) {
      gap.reset();
    } else if (stats_) {
      outlet_->publish(Observed<std::shared_ptr<const VmStatsByName>>{
          std::unexpected(outcome.error()), outlet_->now()});
    }
    if (!is_alive(connection)) {
      connection.reset();
      inbox_.pause(gap.next(), stop);
      continue;
    }
    inbox_.wait(interval_, stop);
  }
}

void SlowReader::give_up(const Error& error, Tick began) {
  if (!stats_) return;
  outlet_->read_finished(SourceKind::vm_stats, began, false);
  outlet_->publish(
      Observed<std::shared_ptr<const VmStatsByName>>{std::unexpected(error), outlet_->now()});
}

Result<void> SlowReader::read(const ConnectionHandle& connection) {
  const auto states = read_states(connection);
  if (!states) return std::unexpected(states.error());
  share(read_facts(connection, *states));
  if (!is_alive(connection)) {
    return fail(Errc::unavailable, fmt::format("libvirtd at {}: connection lost", uri_));
  }
  return stats_ ? read_stats(connection) : Result<void>{};
}

SlowFacts SlowReader::read_facts(const ConnectionHandle& connection,
                                 const std::vector<DomainState>& states) {
  SlowFacts facts;
  std::map<std::string, DiskSource> wanted;
  {
    const std::scoped_lock lock(mutex_);
    wanted = wanted_;
  }
  for (const auto& [name, source] : wanted) {
    facts.volumes.emplace(name, resolve_volume(connection, source));
  }
  for (const DomainState& state : states) {
    if (state.state == VmState::shut_off || state.state == VmState::unknown) continue;
    // A monitor that doesn't answer would only keep these calls waiting.
    const MonitorFacts monitor = read_monitor(state.domain.get());
    if (monitor.blocked && *monitor.blocked > std::chrono::seconds(1)) continue;
    if (const auto job = read_job(state.domain.get())) facts.jobs.emplace(state.uuid, *job);
    if (state.state == VmState::paused && state.reason == VmReason::io_error) {
      facts.disk_errors.emplace(state.uuid, read_disk_errors(state.domain.get()));
    }
  }
  virResetLastError();
  return facts;
}

Result<void> SlowReader::read_stats(const ConnectionHandle& connection) {
  const Tick at = outlet_->now();
  auto stats = read_vm_stats(connection);
  if (!stats) return std::unexpected(std::move(stats.error()));
  outlet_->publish(Observed<std::shared_ptr<const VmStatsByName>>{
      std::make_shared<const VmStatsByName>(std::move(*stats)), at});
  return {};
}

void SlowReader::share(SlowFacts facts) {
  const auto before = latest_.get();
  const bool news = before == nullptr || before->facts != facts;
  latest_.set(std::make_shared<const Reading>(std::move(facts), outlet_->now()));
  std::function<void()> tell;
  {
    const std::scoped_lock lock(mutex_);
    tell = tell_;
  }
  if (news && tell) tell();
}

void SlowReader::want_volumes(std::map<std::string, DiskSource> volumes) {
  bool is_new = false;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [name, source] : volumes) is_new = is_new || !wanted_.contains(name);
    wanted_ = std::move(volumes);
  }
  if (is_new) inbox_.poke();
}

void SlowReader::on_news(std::function<void()> tell) {
  const std::scoped_lock lock(mutex_);
  tell_ = std::move(tell);
}

std::shared_ptr<const SlowFacts> SlowReader::facts(Tick now) const {
  const auto latest = latest_.get();
  // Two rounds and a slow call; past that a job may have come or gone.
  const Duration max_age = 2 * interval_ + std::chrono::seconds(5);
  if (latest == nullptr) return std::make_shared<const SlowFacts>();
  if (now - latest->at <= max_age) return {latest, &latest->facts};
  // Where a pool keeps its volumes doesn't change with time.
  return std::make_shared<const SlowFacts>(SlowFacts{{}, {}, latest->facts.volumes});
}

}  // namespace upkeep
