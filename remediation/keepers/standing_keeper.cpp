#include "remediation/keepers/standing_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "exporter/model/node_names.h"
#include "remediation/drbd_peer.h"
#include "remediation/gates/pause.h"

namespace upkeep {
namespace {

/// "ua-data: /dev/vg0/data dropped, missing at start": what libvirt did, not what a person did.
bool tells_of_loss(const std::string& detail, const std::string& source) {
  return detail.find(": " + source + " dropped, missing at start") != std::string::npos;
}

}  // namespace

std::string sign_of_life(const NodeName& node, std::optional<Tick> since, const Step& step) {
  const auto& drbd = step.snapshot.drbd;
  if (drbd.fresh(step.now, step.policy.freshness.drbd)) {
    for (const DrbdResource& resource : (*drbd.reading)->resources) {
      for (const DrbdPeer& peer : resource.peers) {
        if (!may_be(peer, node) || peer.connection != DrbdConnection::connected) continue;
        return fmt::format("DRBD resource {} is connected to it", resource.name.value);
      }
    }
  }
  for (const Peer& peer : step.snapshot.peers) {
    const auto heard = last_heard(peer);
    if (!is_name_of(peer.name, node) || !heard) continue;
    const bool counts = since ? *heard >= *since : step.now - *heard <= step.policy.freshness.peers;
    if (!counts) continue;
    const bool whole = peer.facts.reading && peer.facts.at >= *heard;
    if (whole || !peer.error) return "upkeep answers on it";
    return "its host is there (" + peer.error->message + ")";
  }
  return "";
}

void StandingKeeper::take(const VmEvent& event, const Step& step) {
  if (event.kind != VmEventKind::disk_changed) return;
  const Vm* vm = find_vm(step.snapshot, event.uuid);
  if (vm == nullptr) return;
  for (const VmDisk& disk : vm->disks) {
    if (!disk.in_definition || disk.source.empty() || !tells_of_loss(event.detail, disk.source))
      continue;
    say({.kind = Standing::Kind::disk_lost,
         .subject = vm->uuid.value + "/" + disk.target.value,
         .by = "",
         .reason = event.detail,
         .at = event.wall},
        step.now);
  }
}

/// Its end is the wall clock's; what is left until then passes by the other one, so that a clock
/// that is set makes no pause longer than it was meant to be, nor ends one early.
bool StandingKeeper::pause_is_over(const Standing& pause, const Step& step) {
  if (pause.kind == Standing::Kind::maintenance) return maintenance_is_over(pause, history_.boot);
  const auto left = pause_left(pause, step.wall);
  if (!left) return false;
  const auto [end, is_new] = pauses_end_.try_emplace(
      key_of(pause), step.now + std::chrono::duration_cast<Duration>(*left));
  return step.now >= end->second;
}

Tick StandingKeeper::holds_since(const Standing& standing) const {
  const auto said = said_at_.find(key_of(standing));
  return said == said_at_.end() ? history_.started : said->second;
}

bool StandingKeeper::is_over(const Standing& standing, const Step& step) {
  if (is_pause(standing)) return pause_is_over(standing, step);
  if (standing.kind == Standing::Kind::peer_dead) {
    return !sign_of_life(NodeName{standing.subject}, holds_since(standing), step).empty();
  }
  if (standing.kind == Standing::Kind::allow_degraded &&
      standing_at({{key_of(standing), standing}}, key_of(standing), step.wall) == nullptr) {
    return true;
  }
  const auto& vms = step.snapshot.vms;
  if (!vms.fresh(step.now, step.policy.freshness.vms)) return false;
  const VmUuid uuid{standing.subject.substr(0, standing.subject.find('/'))};
  const Vm* vm = find_vm(step.snapshot, uuid);
  if (standing.kind == Standing::Kind::allow_degraded) return vm != nullptr && is_up(vm->state);
  if (vm == nullptr) return false;
  const std::string target = standing.subject.substr(uuid.value.size() + 1);
  return std::ranges::any_of(vm->disks, [&](const VmDisk& disk) {
    return disk.target.value == target && disk.attached.value_or(false);
  });
}

void StandingKeeper::take_reading(const Step& step) {
  std::vector<StandingKey> over;
  for (const auto& [key, standing] : history_.standings) {
    if (is_over(standing, step)) over.push_back(key);
  }
  for (const StandingKey& key : over) {
    const Standing& standing = history_.standings.at(key);
    if (is_pause(standing)) {
      journal_.note({.at = step.wall,
                     .kind = std::string(pause_kind(standing)),
                     .target = paused_target(standing, history_),
                     .text = "over",
                     .action_id = std::nullopt});
    }
    take_back(key, step.now);
  }
}

void StandingKeeper::say(const Standing& standing, Tick now) {
  history_.standings[key_of(standing)] = standing;
  said_at_[key_of(standing)] = now;
  pauses_end_.erase(key_of(standing));
  if (standing.until) {
    pauses_end_[key_of(standing)] =
        now + std::chrono::duration_cast<Duration>(*standing.until - standing.at);
  }
  journal_.changed(key_of(standing));
}

void StandingKeeper::put_back(Memory memory) {
  history_.standings = std::move(memory.standings);
  history_.resumed = memory.resumed;
  pauses_end_ = std::move(memory.pauses_end);
  said_at_ = std::move(memory.said_at);
}

void StandingKeeper::take_back(const StandingKey& key, Tick now) {
  const auto line = history_.standings.find(key);
  if (line == history_.standings.end()) return;
  if (is_pause(line->second)) history_.resumed = now;
  history_.standings.erase(line);
  pauses_end_.erase(key);
  said_at_.erase(key);
  journal_.changed(key);
}

}  // namespace upkeep
