// What the plan must decide, read a second time from DESIGN §5 and §6.
#include <algorithm>
#include <chrono>

#include "tests/support/audit.h"
#include "tests/support/plan_auditor.h"
#include "tests/support/world.h"

namespace upkeep::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// What a gate held is asked again soon, what could not even be sent ever later.
double pause_after_refusal(const TargetHistory& tried) {
  const Outcome& outcome = *tried.last_outcome;
  double pause = 5;
  if (outcome.kind != Outcome::Kind::refused || to_hold(outcome.reason)) return pause;
  for (int i = 1; i < tried.unsent_in_row; ++i) pause = std::min(pause * 2, 60.0);
  return pause;
}

}  // namespace

Block block_of(const std::string& vm, const Policy& policy) {
  for (const VmPolicy& block : policy.vms) {
    const bool matches = block.match == "*" || block.match == vm ||
                         (block.match == "web*" && vm.substr(0, 3) == "web");
    if (matches) return {block.keep, block.act_on == ActOn::alerts};
  }
  return {};
}

bool Audit::is_cut_short(const DrbdResource& res) const {
  bool lives = false;
  for (const DrbdDevice& device : res.devices) lives |= device.disk.text != "Diskless";
  for (const DrbdPeer& peer : res.peers) lives |= peer.connection.text != "StandAlone";
  const auto known = world_.history.resources.find(res.name);
  const bool was_up = known != world_.history.resources.end() && known->second.seen_up;
  const auto tried =
      world_.history.targets.find({.kind = Target::Kind::resource, .name = res.name.value});
  return !lives && !was_up && tried != world_.history.targets.end() && tried->second.in_row > 0;
}

/// What §5 asks of a start, beside the storage gate that is audited on its own.
bool Audit::recovers_by_start(const Vm& one, const OpenProblem* problem) const {
  const auto line = world_.history.intents.find(one.uuid);
  const bool known = line != world_.history.intents.end();
  const bool marked = known && line->second.mark && line->second.mark->keep == Keep::up;
  const Block block = block_of(one.name.value, world_.policy);
  if (!one.persistent) return false;
  if (!marked && (!one.other_manager.empty() || world_.policy.foreign_cluster_manager))
    return false;
  const Trigger trigger = problem == nullptr ? Trigger::poll : problem->trigger;
  const bool asked = trigger == Trigger::webhook || trigger == Trigger::manual ||
                     world_.history.asked_by_alert.contains(
                         {"vm_down", {.kind = Target::Kind::vm, .name = one.name.value}});
  if (block.only_alerts && !asked) return false;
  const bool moved = known && line->second.last_stop == StopCause::moved_away;
  if (moved && (!marked || line->second.mark->at < line->second.changed)) return false;
  if (known && !marked) {
    const bool unseen = line->second.last_stop == StopCause::unobserved;
    if (unseen && block.keep == Keep::automatic) return false;
  }
  for (const VmNetwork& network : one.networks) {
    if (network.present == false) return false;
  }
  if (!audited_storage_open(one, world_)) return false;
  if (marked || drbd_ == nullptr || drbd_->kernel_version.rfind("8.", 0) != 0) return true;
  for (const VmDisk& disk : one.disks) {
    if (!disk.in_definition) continue;
    for (const DrbdResource& res : drbd_->resources) {
      const bool under = std::ranges::count(disk.drbd, res.devices.front().minor) > 0;
      if (under && res.role.text != "Primary" && !res.other_manager.empty()) return false;
    }
  }
  return true;
}

bool Audit::recovers_by_adjust(const DrbdResource& res) const {
  const auto known = world_.history.resources.find(res.name);
  const bool was_up = known != world_.history.resources.end() && known->second.seen_up;
  return res.other_manager.empty() && !world_.policy.foreign_cluster_manager && !was_up;
}

Must Audit::pacing(const Target& target) const {
  if (taken_.contains(target)) return Must::wait;
  if (target.kind == Target::Kind::vm) {
    for (const std::string& name : uses_.at(target.name)) {
      if (taken_.contains({.kind = Target::Kind::resource, .name = name})) return Must::wait;
    }
  }
  const auto found = world_.history.targets.find(target);
  if (found == world_.history.targets.end()) return Must::act;
  const TargetHistory& tried = found->second;
  const bool free = tried.last_outcome && (tried.last_outcome->kind == Outcome::Kind::refused ||
                                           tried.last_outcome->kind == Outcome::Kind::conflict);
  std::optional<Tick> last;
  int this_hour = 0;
  for (const Tick at : tried.attempts) {
    if (world_.now - at < hours(1)) ++this_hour;
    last = at;
  }
  if (!free && tried.last_end && (!last || *tried.last_end > *last)) last = tried.last_end;
  if (free && tried.last_end &&
      Seconds(world_.now - *tried.last_end).count() < pause_after_refusal(tried)) {
    return Must::wait;
  }
  if (tried.latched_since || this_hour >= 5) {
    if (target.kind == Target::Kind::resource) return Must::wait;
    const auto since = last ? last : tried.latched_since;
    const bool way_cleared = since && tried.unblocked && *tried.unblocked > *since;
    if (since && world_.now - *since < minutes(way_cleared ? 5 : 30)) return Must::wait;
  }
  if (tried.in_row == 0 || !last) return Must::act;
  double gap = 10;
  for (int i = 1; i < tried.in_row; ++i) gap = std::min(gap * 2, 300.0);
  const double waited = Seconds(world_.now - *last).count();
  if (waited < 0.75 * gap) return Must::wait;
  return waited < 1.25 * gap ? Must::either : Must::act;
}

/// A person's pause, of the target or of what its start would open.
bool Audit::paused(const Target& target) const {
  std::set<std::string> held{"node"};
  if (target.kind == Target::Kind::vm) {
    held.insert("vm/" + uuid_of(target.name));
    const auto uses = uses_.find(target.name);
    if (uses != uses_.end()) {
      for (const std::string& name : uses->second) held.insert("resource/" + name);
    }
  } else {
    held.insert("resource/" + target.name);
  }
  for (const auto& [key, standing] : world_.history.standings) {
    if (key.first == Standing::Kind::maintenance) return true;
    if (key.first == Standing::Kind::paused && held.contains(key.second)) return true;
  }
  return false;
}

bool Audit::general_gates_open(const Finding& finding) const {
  if (paused(finding.subject)) return false;
  if (world_.policy.mode == Mode::observe || !world_.history.journal_ok) return false;
  if (world_.policy.allowed_risk < Risk::low) return false;
  const auto& node = world_.snapshot.node;
  if (!node.reading.has_value() || world_.now - node.at > seconds(60)) return false;
  if (node.reading->shutting_down) return false;
  if (!world_.history.settled_at && world_.now - world_.history.started < seconds(60)) return false;
  const auto tried = world_.history.targets.find(finding.subject);
  const Tick looked =
      finding.subject.kind == Target::Kind::vm ? world_.snapshot.vms.at : world_.snapshot.drbd.at;
  const auto late = seconds(finding.subject.kind == Target::Kind::resource ? 2 : 0);
  return tried == world_.history.targets.end() || !tried->second.last_end ||
         looked > *tried->second.last_end + late;
}

Must Audit::expect(const Decision& decision) const {
  const Finding& finding = decision.finding;
  if (!general_gates_open(finding)) return Must::wait;
  const auto entry = world_.history.problems.find({std::string(finding.rule), finding.subject});
  const OpenProblem* problem = entry == world_.history.problems.end() ? nullptr : &entry->second;
  bool confirmed = problem != nullptr && (problem->definite || problem->observations > 1);
  if (finding.rule == "vm_down") {
    const Vm* one = vm(finding.subject.name);
    if (one == nullptr || one->job_active == true) return Must::wait;
    const auto line = world_.history.intents.find(one->uuid);
    const bool known = line != world_.history.intents.end();
    const bool boot = known && line->second.last_stop == StopCause::node_down;
    const bool by_auto = !(known && line->second.mark && line->second.mark->keep == Keep::up) &&
                         block_of(one->name.value, world_.policy).keep == Keep::automatic;
    if (by_auto && known && line->second.last_stop == StopCause::none) return Must::wait;
    const bool hosts = known && line->second.last_stop == StopCause::host_shutdown;
    // Dropping a crashed guest leaves "destroyed" behind when the start after it fails early.
    const bool ours = known && line->second.remains == Remains::dropped;
    const bool on_purpose = (one->reason == VmReason::destroyed && !ours) ||
                            one->reason == VmReason::saved || one->reason == VmReason::migrated ||
                            (one->reason == VmReason::shutdown && !hosts);
    if (by_auto && on_purpose) return Must::wait;
    if (!(confirmed || boot) || !recovers_by_start(*one, problem)) return Must::wait;
    return pacing(finding.subject);
  }
  // What else may be done is audited by its own invariants.
  const bool may_mend = finding.rule == "drbd_standalone" || finding.rule == "drbd_diskless" ||
                        finding.rule == "vm_paused_io" || finding.rule == "vm_disk_missing" ||
                        finding.rule == "vm_unresponsive";
  if (may_mend) return confirmed ? Must::either : Must::wait;
  if (finding.rule != "drbd_down" || !confirmed) return Must::wait;
  const DrbdResource* res = resource(finding.subject.name);
  if (res == nullptr || !recovers_by_adjust(*res)) return Must::wait;
  return pacing(finding.subject);
}

}  // namespace upkeep::test
