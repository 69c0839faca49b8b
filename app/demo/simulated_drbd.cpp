#include "app/demo/simulated_drbd.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace upkeep {
namespace {

constexpr std::string_view kVersion = "8.4.11";  // Debian 12's kernel has it.

/// What drbdadm would say of the demo's configuration.
DrbdConfig config_of(const std::vector<SimulatedKernel::Resource>& resources) {
  DrbdResourceOptionsByName configured;
  DrbdConfig::Peers peers;
  for (const SimulatedKernel::Resource& resource : resources) {
    configured[resource.name] = {.after_sb_all_disconnect = true,
                                 .quorum_configured = {},
                                 .file = "the demo's own configuration",
                                 .peer = {},
                                 .backing = {}};
    peers.emplace(resource.name, NodeName{"node2"});
  }
  DrbdConfig config;
  config.resources = std::move(configured);
  config.peers = std::move(peers);
  return config;
}

}  // namespace

SimulatedDrbd::SimulatedDrbd(Options options, const Clock& clock, SourceListener& listener)
    : options_(std::move(options)),
      clock_(clock),
      listener_(listener),
      config_(config_of(options_.resources)),
      kernel_(options_.resources),
      state_(std::string(kVersion)) {
  const Moment now{.at = clock_.now(), .wall = clock_.wall()};
  state_.begin_dump();
  for (const ResourceName& name : kernel_.names()) {
    static_cast<void>(kernel_.adjust(name));
    static_cast<void>(kernel_.connected(name));
    static_cast<void>(kernel_.promote(name));
  }
  for (const std::string& line : kernel_.dump()) state_.apply(line, now);
}

SimulatedDrbd::~SimulatedDrbd() = default;

void SimulatedDrbd::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void SimulatedDrbd::poke() {
  const std::scoped_lock lock(mutex_);
  poked_ = true;
  changed_.notify_all();
}

Observed<std::shared_ptr<const Drbd>> SimulatedDrbd::latest() const {
  const auto latest = latest_.get();
  return latest == nullptr ? Observed<std::shared_ptr<const Drbd>>{} : *latest;
}

Result<std::shared_ptr<const Drbd>> SimulatedDrbd::read_now() {
  const std::scoped_lock lock(mutex_);
  return std::make_shared<const Drbd>(reading());
}

void SimulatedDrbd::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    take_due_steps();
    poked_ = false;
    publish();
    Tick next = clock_.now() + options_.reread_every;
    for (const Due& due : due_) next = std::min(next, due.at);
    changed_.wait_until(lock, stop, next, [&] { return poked_; });
  }
}

void SimulatedDrbd::apply(const SimulatedKernel::Lines& lines) {
  const Moment now{.at = clock_.now(), .wall = clock_.wall()};
  for (const std::string& line : lines) {
    const AppliedLine applied = state_.apply(line, now);
    for (DrbdEvent event : applied.events) {
      name_peer(config_, event);
      listener_.drbd_event(event);
    }
    for (const std::string& what : applied.unparsed) listener_.unparsed(SourceKind::drbd, what);
  }
  if (!lines.empty()) publish();
}

void SimulatedDrbd::schedule(Step step, const ResourceName& resource, Duration after) {
  due_.push_back({.at = clock_.now() + after, .step = step, .resource = resource});
  poked_ = true;
  changed_.notify_all();
}

void SimulatedDrbd::take_due_steps() {
  const Tick now = clock_.now();
  std::vector<Due> ready;
  std::erase_if(due_, [&](const Due& due) {
    if (due.at > now) return false;
    ready.push_back(due);
    return true;
  });
  for (const Due& due : ready) {
    if (due.step == Step::finish_resync) {
      apply(kernel_.resynced(due.resource));
      continue;
    }
    if (link_cut_[due.resource]) continue;
    apply(kernel_.connected(due.resource));
    if (kernel_.is_resyncing(due.resource)) {
      schedule(Step::finish_resync, due.resource, options_.resync_for);
    }
  }
}

Drbd SimulatedDrbd::reading() const {
  Drbd drbd = state_.drbd();
  drbd.simulated = true;
  drbd.module_loaded = true;
  drbd.kernel_version = kVersion;
  merge(config_, drbd);
  return drbd;
}

void SimulatedDrbd::publish() {
  latest_.set(std::make_shared<const Observed<std::shared_ptr<const Drbd>>>(
      Observed<std::shared_ptr<const Drbd>>{.reading = std::make_shared<const Drbd>(reading()),
                                            .at = clock_.now()}));
  listener_.published(SourceKind::drbd);
}

Result<std::vector<std::string>> SimulatedDrbd::dry_run_adjust(const ResourceName& resource,
                                                               AdjustScope /*scope*/,
                                                               const Terms& terms) {
  if (auto word = terms.ask(); !word) return std::unexpected(std::move(word.error()));
  const std::scoped_lock lock(mutex_);
  const auto minor = kernel_.minor_of(resource);
  if (!minor) return std::unexpected(minor.error());
  if (kernel_.is_up(resource)) return std::vector<std::string>{};
  const std::string& name = resource.value;
  const auto number = minor->value;
  return std::vector<std::string>{
      fmt::format("drbdsetup-84 new-resource {}", name),
      fmt::format("drbdsetup-84 new-minor {} {} 0", name, number),
      fmt::format("drbdmeta {} v08 /dev/vg0/{} internal apply-al", number, name),
      fmt::format("drbdsetup-84 attach {0} /dev/vg0/{1} /dev/vg0/{1} internal", number, name),
      fmt::format("drbdsetup-84 connect {0} ipv4:10.0.0.1:{1} ipv4:10.0.0.2:{1} --protocol=C", name,
                  7789 + number)};
}

// The demo's links are never given up and its disks never fail: there is nothing to mend.
Result<void> SimulatedDrbd::connect(const ResourceName& resource, const Terms& /*terms*/) {
  return fail(Errc::conflict, fmt::format("connect {}: it is not StandAlone", resource.value));
}

Result<void> SimulatedDrbd::connect_link(const DrbdLink& link, const Terms& terms) {
  return connect(link.resource, terms);
}

Result<void> SimulatedDrbd::disconnect(const ResourceName& resource, const Terms& /*terms*/) {
  return fail(Errc::conflict, fmt::format("disconnect {}: its sides are one", resource.value));
}

Result<void> SimulatedDrbd::connect_discarding_local(const ResourceName& resource,
                                                     const Terms& terms) {
  return connect(resource, terms);
}

Result<void> SimulatedDrbd::probe_backing(const DrbdVolume& /*volume*/, const Terms& /*terms*/) {
  return {};
}

Result<void> SimulatedDrbd::attach(const DrbdVolume& volume, const Terms& /*terms*/) {
  return fail(Errc::conflict, fmt::format("attach {}/{}: it is attached", volume.resource.value,
                                          volume.volume.value));
}

Result<void> SimulatedDrbd::adjust(const ResourceName& resource, AdjustScope /*scope*/,
                                   const Terms& terms) {
  if (auto word = terms.ask(); !word) return std::unexpected(std::move(word.error()));
  const std::scoped_lock lock(mutex_);
  auto lines = kernel_.adjust(resource);
  if (!lines) return std::unexpected(lines.error());
  apply(*lines);
  if (kernel_.is_connecting(resource)) schedule(Step::connect, resource, options_.connect_after);
  return {};
}

Result<void> SimulatedDrbd::promote(const ResourceName& resource, const Terms& terms) {
  if (auto word = terms.ask(); !word) return std::unexpected(std::move(word.error()));
  const std::scoped_lock lock(mutex_);
  auto lines = kernel_.promote(resource);
  if (!lines) return std::unexpected(lines.error());
  apply(*lines);
  return {};
}

Result<void> SimulatedDrbd::demote(const ResourceName& resource, const Terms& terms) {
  if (auto word = terms.ask(); !word) return std::unexpected(std::move(word.error()));
  const std::scoped_lock lock(mutex_);
  auto lines = kernel_.demote(resource);
  if (!lines) return std::unexpected(lines.error());
  apply(*lines);
  return {};
}

void SimulatedDrbd::power_cut() {
  const std::scoped_lock lock(mutex_);
  kernel_.power_cut();
  due_.clear();
  link_cut_.clear();
  // A boot: a new stream whose first dump is empty, not a stream that tells of every end.
  state_ = DrbdState(std::string(kVersion));
  state_.begin_dump();
  apply(kernel_.dump());
}

Result<void> SimulatedDrbd::cut_link(const ResourceName& resource) {
  const std::scoped_lock lock(mutex_);
  auto lines = kernel_.cut_link(resource);
  if (!lines) return std::unexpected(lines.error());
  link_cut_[resource] = true;
  apply(*lines);
  return {};
}

Result<void> SimulatedDrbd::mend_link(const ResourceName& resource) {
  const std::scoped_lock lock(mutex_);
  if (!kernel_.minor_of(resource)) return std::unexpected(kernel_.minor_of(resource).error());
  if (!std::exchange(link_cut_[resource], false)) {
    return fail(Errc::conflict, fmt::format("the link of {} is not cut", resource.value));
  }
  if (kernel_.is_connecting(resource)) schedule(Step::connect, resource, options_.connect_after);
  return {};
}

}  // namespace upkeep
