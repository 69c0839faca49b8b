#include "exporter/metrics/snapshot_metrics.h"

#include "exporter/metrics/drbd_metrics.h"
#include "exporter/metrics/vm_metrics.h"

namespace upkeep {
namespace {

void write_sources(Exposition& out, const Snapshot& snapshot, const LastKnown& known,
                   const Freshness& freshness, Tick now) {
  out.family("upkeep_source_up");
  for (const auto& status : source_statuses(snapshot, freshness, now)) {
    out.sample({{"source", to_string(status.source)}}, status.up ? 1 : 0);
  }
  out.family("upkeep_source_last_success_timestamp_seconds");
  for (const auto& [source, answer] : known.last_success) {
    out.sample({{"source", to_string(source)}}, to_unix_seconds(answer.wall));
  }
}

void write_node(Exposition& out, const Snapshot& snapshot, const Freshness& freshness, Tick now) {
  if (!snapshot.node.fresh(now, freshness.node)) return;
  out.family("upkeep_node_boot_time_seconds");
  out.sample({}, to_unix_seconds(snapshot.node.reading->boot_time));
}

void write_peers(Exposition& out, const Snapshot& snapshot, const Freshness& freshness, Tick now) {
  out.family("upkeep_peer_up");
  for (const auto& peer : snapshot.peers) {
    const bool answers = !peer.error && peer.facts.fresh(now, freshness.peers);
    out.sample({{"peer", peer.name.value}}, answers ? 1 : 0);
  }
  out.family("upkeep_peer_boot_time_seconds");
  for (const auto& peer : snapshot.peers) {
    if (!peer.facts.fresh(now, freshness.peers)) continue;
    out.sample({{"peer", peer.name.value}}, to_unix_seconds(peer.facts.reading->boot_time));
  }
}

}  // namespace

void write_snapshot(Exposition& out, const Snapshot& snapshot, const LastKnown& known,
                    const Freshness& freshness, Tick now) {
  write_sources(out, snapshot, known, freshness, now);
  write_node(out, snapshot, freshness, now);
  write_peers(out, snapshot, freshness, now);
  const KnownVms vms = known_vms(snapshot, known, freshness, now);
  if (vms.vms) write_vms(out, *vms.vms, vms.current);
  if (vms.vms && vms.current && snapshot.health) {
    write_vm_health(out, *vms.vms, *snapshot.health, now);
  }
  if (snapshot.vm_stats.fresh(now, freshness.vm_stats) && *snapshot.vm_stats.reading) {
    write_vm_stats(out, **snapshot.vm_stats.reading);
  }
  if (!snapshot.drbd_in_use) return;
  const KnownDrbd drbd = known_drbd(snapshot, known, freshness, now);
  if (drbd.drbd) write_drbd(out, *drbd.drbd, drbd.current);
}

}  // namespace upkeep
