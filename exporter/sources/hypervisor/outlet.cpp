#include "exporter/sources/hypervisor/outlet.h"

#include <utility>

namespace upkeep {

Outlet::Outlet(const Clock& clock, SourceListener& listener)
    : clock_(&clock), listener_(&listener) {}

void Outlet::close() {
  const std::scoped_lock lock(mutex_);
  clock_ = nullptr;
  listener_ = nullptr;
}

Tick Outlet::now() const {
  const std::scoped_lock lock(mutex_);
  return clock_ == nullptr ? Tick{} : clock_->now();
}

WallTime Outlet::wall() const {
  const std::scoped_lock lock(mutex_);
  return clock_ == nullptr ? WallTime{} : clock_->wall();
}

void Outlet::hand_over(VmEvent event) {
  const std::scoped_lock lock(mutex_);
  if (listener_ == nullptr) return;
  event.at = clock_->now();
  event.wall = clock_->wall();
  listener_->vm_event(event);
}

void Outlet::unparsed(std::string_view what) {
  const std::scoped_lock lock(mutex_);
  if (listener_ != nullptr) listener_->unparsed(SourceKind::libvirt, what);
}

void Outlet::read_finished(SourceKind source, Tick began, bool succeeded) {
  const std::scoped_lock lock(mutex_);
  if (listener_ != nullptr) listener_->read_finished(source, clock_->now() - began, succeeded);
}

void Outlet::publish(Observed<std::shared_ptr<const Vms>> vms) {
  vms_.set(std::make_shared<const Observed<std::shared_ptr<const Vms>>>(std::move(vms)));
  announce(SourceKind::libvirt);
}

void Outlet::publish(Observed<std::shared_ptr<const VmStatsByName>> stats) {
  stats_.set(
      std::make_shared<const Observed<std::shared_ptr<const VmStatsByName>>>(std::move(stats)));
  announce(SourceKind::vm_stats);
}

Observed<std::shared_ptr<const Vms>> Outlet::vms() const {
  const auto latest = vms_.get();
  return latest == nullptr ? Observed<std::shared_ptr<const Vms>>{} : *latest;
}

Observed<std::shared_ptr<const VmStatsByName>> Outlet::stats() const {
  const auto latest = stats_.get();
  return latest == nullptr ? Observed<std::shared_ptr<const VmStatsByName>>{} : *latest;
}

void Outlet::announce(SourceKind source) {
  const std::scoped_lock lock(mutex_);
  if (listener_ != nullptr) listener_->published(source);
}

}  // namespace upkeep
