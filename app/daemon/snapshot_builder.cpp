#include "app/daemon/snapshot_builder.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace upkeep {
namespace {

/// A source that has not said a word for so long after the start is down, not just slow.
constexpr Duration kFirstReading = std::chrono::seconds(10);

/// Who answers by turns as one and as another is told of once; after so long it is news again.
constexpr Duration kNewsAgain = std::chrono::hours(1);
/// Who answers for itself for so long does so for good: nobody else answers there by turns.
constexpr Duration kWellForGood = std::chrono::minutes(2);
constexpr std::size_t kMostReasons = 8;

template <class T>
bool was_read(const Observed<T>& observed) {
  return observed.at != Tick{};
}

/// Whether there is DRBD at all is known a moment after its first reading; a reading without a
/// module and without a configured resource has nothing to tell until then.
bool is_empty(const Observed<std::shared_ptr<const Drbd>>& drbd) {
  return drbd.reading && *drbd.reading != nullptr && !(*drbd.reading)->module_loaded &&
         (*drbd.reading)->resources.empty();
}

}  // namespace

/// One source at one moment.
struct SnapshotBuilder::Health {
  bool in_use = true;
  bool read = false;  ///< It has answered or failed at least once.
  bool up = false;
  std::string error;  ///< Why it isn't up.
};

namespace {

template <class Health, class T>
Health health_of(const Observed<T>& observed, Tick now, Duration max_age) {
  Health health{
      .in_use = true, .read = was_read(observed), .up = observed.fresh(now, max_age), .error = {}};
  if (!observed.reading) {
    health.error = observed.reading.error().message;
  } else if (!health.up) {
    health.error = "the last reading is too old";
  }
  return health;
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(const Clock& clock, const Host& host, const Log& log)
    : clock_(clock), host_(host), log_(log), started_(clock.now()) {}

std::shared_ptr<const Snapshot> SnapshotBuilder::build(const Freshness& freshness) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = ++generation_;
  snapshot->vms = host_.vms();
  snapshot->vm_stats = host_.vm_stats();
  snapshot->drbd_in_use = host_.drbd_in_use();
  snapshot->drbd = host_.drbd();
  snapshot->node = host_.node();
  snapshot->peers = host_.peers();
  snapshot->health = host_.health();
  // After the readings: none of them may look as if it came from the future.
  const Tick now = clock_.now();
  snapshot->at = now;
  snapshot->wall = clock_.wall();

  note(SourceKind::libvirt, health_of<Health>(snapshot->vms, now, freshness.vms), now);
  note(SourceKind::node, health_of<Health>(snapshot->node, now, freshness.node), now);
  auto drbd = health_of<Health>(snapshot->drbd, now, freshness.drbd);
  drbd.in_use = snapshot->drbd_in_use && !is_empty(snapshot->drbd);
  note(SourceKind::drbd, drbd, now);
  for (const Peer& peer : snapshot->peers) note(peer, now);
  return snapshot;
}

void SnapshotBuilder::note(const Peer& peer, Tick now) {
  auto& [said, well_since, seen] = misled_[peer.name];
  const bool answers = !peer.error && peer.facts.reading;
  if (!answers) {
    well_since.reset();
  } else if (!well_since) {
    well_since = now;
  }
  if (said && well_since && now - *well_since >= kWellForGood) {
    log_.info("peer answers for itself again", {{"peer", peer.name.value}});
    said = false;
    seen.clear();
  }
  // One that can't be reached is news for whoever waits for it, and a metric.
  if (!peer.error || peer.error->code != Errc::invalid) return;
  std::erase_if(seen, [&](const auto& reason) { return now - reason.second > kNewsAgain; });
  const auto known = seen.find(peer.error->message);
  if (known != seen.end()) {
    known->second = now;
    return;
  }
  if (seen.size() >= kMostReasons) return;
  seen.emplace(peer.error->message, now);
  said = true;
  log_.warn("what answers as a peer is not taken for it",
            {{"peer", peer.name.value}, {"error", peer.error->message}});
}

void SnapshotBuilder::note(SourceKind source, const Health& health, Tick now) {
  auto& said = up_[static_cast<std::size_t>(source)];
  if (!health.in_use) {
    said.reset();
    return;
  }
  if (!health.read && now - started_ < kFirstReading) return;
  if (said == health.up) return;
  const bool first = !said.has_value();
  said = health.up;
  if (health.up) {
    log_.info(first ? "source answers" : "source answers again", {{"source", to_string(source)}});
  } else {
    log_.warn("source does not answer: nothing is done that needs it",
              {{"source", to_string(source)}, {"error", health.error}});
  }
}

bool all_read(const Snapshot& snapshot) {
  return was_read(snapshot.vms) && was_read(snapshot.node) &&
         (!snapshot.drbd_in_use || was_read(snapshot.drbd));
}

}  // namespace upkeep
