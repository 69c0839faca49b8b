#include "app/daemon/fact_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "remediation/gates/storage_gate.h"

namespace upkeep {
namespace {

Error with_context(std::string_view what, const std::string& name, Error error) {
  error.message = fmt::format("read {} '{}' again: {}", what, name, error.message);
  return error;
}

}  // namespace

HostFactReader::HostFactReader(std::shared_ptr<const Clock> clock, std::shared_ptr<Host> host,
                               std::shared_ptr<const Latest<Snapshot>> snapshots)
    : clock_(std::move(clock)), host_(std::move(host)), snapshots_(std::move(snapshots)) {}

Result<std::shared_ptr<const Snapshot>> HostFactReader::reread(const Target& target,
                                                               Duration deadline) {
  const Tick until = clock_->now() + deadline;
  const auto last = snapshots_->get();
  if (last == nullptr) return fail(Errc::unavailable, "nothing was read yet");

  auto snapshot = std::make_shared<Snapshot>(*last);
  snapshot->vms = host_->vms();
  snapshot->drbd_in_use = host_->drbd_in_use();
  snapshot->drbd = host_->drbd();
  snapshot->node = host_->node();
  snapshot->peers = host_->peers();

  auto reread = target.kind == Target::Kind::vm ? reread_vm(*snapshot, VmName{target.name}, until)
                                                : reread_drbd(*snapshot, until);
  if (!reread) {
    const auto* const what = target.kind == Target::Kind::vm ? "VM" : "DRBD resource";
    return std::unexpected(with_context(what, target.name, std::move(reread.error())));
  }
  snapshot->at = clock_->now();
  snapshot->wall = clock_->wall();
  return snapshot;
}

Result<void> HostFactReader::reread_vm(Snapshot& snapshot, const VmName& name, Tick until) {
  const Vm* const known = find_vm(snapshot, name);
  if (known == nullptr) {
    if (!snapshot.vms.reading) return std::unexpected(snapshot.vms.reading.error());
    return fail(Errc::not_found, "no such VM");
  }
  const Tick asked = clock_->now();
  auto vm = host_->read_vm(known->uuid);
  if (!vm) return std::unexpected(std::move(vm.error()));
  vm->last_start = known->last_start;
  const bool needs_drbd = may_lie_on_drbd(*vm);

  // The others stay as they were listed; nobody judges them by this copy.
  auto vms = std::make_shared<Vms>(**snapshot.vms.reading);
  const auto line = std::ranges::find(*vms, known->uuid, &Vm::uuid);
  if (vm->name != name) return fail(Errc::conflict, "it was renamed to '" + vm->name.value + "'");
  *line = std::move(*vm);
  snapshot.vms = {.reading = std::move(vms), .at = asked};

  if (!needs_drbd || !snapshot.drbd_in_use) return {};
  return reread_drbd(snapshot, until);
}

Result<void> HostFactReader::reread_drbd(Snapshot& snapshot, Tick until) {
  const Tick asked = clock_->now();
  if (asked >= until) return fail(Errc::timed_out, "no time left to ask DRBD");
  auto drbd = host_->read_drbd(until - asked);
  if (!drbd) return std::unexpected(std::move(drbd.error()));
  snapshot.drbd = {.reading = std::move(*drbd), .at = asked};
  return {};
}

}  // namespace upkeep
