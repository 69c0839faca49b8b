#include "exporter/metrics/last_known.h"

#include <utility>

namespace upkeep {
namespace {

template <class T>
void note_success(LastKnown& known, SourceKind source, const Observed<T>& observed,
                  const Snapshot& snapshot) {
  if (!observed.reading) return;
  const auto age = std::chrono::duration_cast<WallTime::duration>(snapshot.at - observed.at);
  known.last_success[source] = {.at = observed.at, .wall = snapshot.wall - age};
}

template <class T>
SourceStatus status_of(SourceKind source, const Observed<T>& observed, Duration max_age, Tick now) {
  SourceStatus status;
  status.source = source;
  status.up = observed.fresh(now, max_age);
  if (observed.at != Tick{}) status.at = observed.at;
  if (!observed.reading) status.error = observed.reading.error();
  return status;
}

}  // namespace

LastKnown remembered(LastKnown known, const Snapshot& snapshot) {
  if (snapshot.vms.reading && *snapshot.vms.reading) known.vms = *snapshot.vms.reading;
  if (snapshot.drbd.reading && *snapshot.drbd.reading) known.drbd = *snapshot.drbd.reading;
  note_success(known, SourceKind::libvirt, snapshot.vms, snapshot);
  note_success(known, SourceKind::vm_stats, snapshot.vm_stats, snapshot);
  note_success(known, SourceKind::drbd, snapshot.drbd, snapshot);
  note_success(known, SourceKind::node, snapshot.node, snapshot);
  return known;
}

KnownVms known_vms(const Snapshot& snapshot, const LastKnown& known, const Freshness& freshness,
                   Tick now) {
  if (snapshot.vms.reading && *snapshot.vms.reading) {
    return {*snapshot.vms.reading, snapshot.vms.fresh(now, freshness.vms)};
  }
  return {known.vms, false};
}

KnownDrbd known_drbd(const Snapshot& snapshot, const LastKnown& known, const Freshness& freshness,
                     Tick now) {
  if (snapshot.drbd.reading && *snapshot.drbd.reading) {
    return {*snapshot.drbd.reading, snapshot.drbd.fresh(now, freshness.drbd)};
  }
  return {known.drbd, false};
}

std::vector<SourceStatus> source_statuses(const Snapshot& snapshot, const Freshness& freshness,
                                          Tick now) {
  std::vector<SourceStatus> statuses;
  statuses.push_back(status_of(SourceKind::libvirt, snapshot.vms, freshness.vms, now));
  // Statistics are an option; a source that was never asked is not one that is down.
  if (snapshot.vm_stats.at != Tick{}) {
    statuses.push_back(status_of(SourceKind::vm_stats, snapshot.vm_stats, freshness.vm_stats, now));
  }
  if (snapshot.drbd_in_use) {
    statuses.push_back(status_of(SourceKind::drbd, snapshot.drbd, freshness.drbd, now));
  }
  statuses.push_back(status_of(SourceKind::node, snapshot.node, freshness.node, now));
  return statuses;
}

}  // namespace upkeep
