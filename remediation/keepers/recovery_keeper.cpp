#include "remediation/keepers/recovery_keeper.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "remediation/boot_check.h"
#include "remediation/gates/budget.h"
#include "remediation/gates/storm.h"
#include "remediation/keepers/remembered.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

/// A boot that upkeep hears of later than this was over before it came: the outage it counts begins
/// with upkeep's own start then.
constexpr auto kBootIsNews = std::chrono::minutes(15);

/// As long as the budget remembers. A VM that nobody could try for so long (a peer that is silent
/// for days, a call that hangs) isn't part of the outage any more; what an open recovery may do is
/// not counted.
constexpr Duration kLongest = kBudgetHour;

World world_of(const History& history, const Step& step) {
  return {.snapshot = step.snapshot, .policy = step.policy, .history = history, .now = step.now};
}

const Decision* decision_on(const Target& target, const std::vector<Decision>& decisions) {
  const auto found = std::ranges::find_if(decisions, [&](const Decision& one) {
    return one.finding.subject == target &&
           (one.finding.rule == "vm_down" || one.finding.rule == "vm_missing");
  });
  return found == decisions.end() ? nullptr : &*found;
}

}  // namespace

RecoveryKeeper::RecoveryKeeper(History& history, JournalKeeper& journal, Recorder& recorder,
                               std::optional<Recovery> last)
    : history_(history), journal_(journal), recorder_(recorder) {
  if (!last) return;
  latest_ = std::make_shared<const Recovery>(std::move(*last));
  if (is_open()) {
    history_.recovery = latest_->id;
    return;
  }
  for (const RecoveryMember& member : latest_->members) {
    if (!member.back_at) left_down_.emplace(member.uuid, std::nullopt);
  }
}

void RecoveryKeeper::booted(const BootRecord& boot, const Step& step) {
  const bool is_news = step.wall - boot.booted < kBootIsNews && boot.booted <= step.wall;
  boot_ = Boot{.id = boot.id, .at = is_news ? boot.booted : step.wall};
}

void RecoveryKeeper::resumed(const BootRecord& boot, const Step& step) {
  const bool is_news = step.wall - boot.booted < kBootIsNews && boot.booted <= step.wall;
  const bool is_known = latest_ != nullptr && latest_->opened >= boot.booted;
  if (is_news && !is_known) boot_ = Boot{.id = boot.id, .at = boot.booted};
}

void RecoveryKeeper::open(RecoveryCause cause, std::string detail, WallTime opened,
                          const Step& step) {
  if (is_open()) {  // The power went once more before everybody was back.
    Recovery cut = *latest_;
    cut.ended = step.wall;
    share(std::move(cut));
    journal_.changed(*latest_);
    recorder_.recovery_ended(*latest_);
  }
  const std::int64_t id = latest_ == nullptr ? 1 : latest_->id + 1;
  share({.id = id,
         .cause = cause,
         .detail = std::move(detail),
         .opened = opened,
         .ended = std::nullopt,
         .members = {}});
  history_.recovery = id;
  stays_.clear();
  left_down_.clear();
}

void RecoveryKeeper::look(const Step& step) {
  if (vms_in_sight(world_of(history_, step)) == nullptr) return;
  if (boot_) open_boot(step);
  if (!is_open()) open_lost(step);
  if (is_open()) join_down(step);
}

void RecoveryKeeper::open_boot(const Step& step) {
  const Boot boot = *std::exchange(boot_, std::nullopt);
  if (wanted_vms(world_of(history_, step)) == 0) return;
  open(RecoveryCause::node_boot, boot.id.value, boot.at, step);
  join_wanted(step);
  claim_actions(to_tick(boot.at, {.now = step.now, .wall = step.wall}));
  recorder_.recovery_opened(*latest_);
}

void RecoveryKeeper::open_lost(const Step& step) {
  const World world = world_of(history_, step);
  for (FailureGroup& group : by_cause(history_.storm.failures)) {
    std::erase_if(group.failures, [&](const VmFailure& one) { return is_old(one); });
    if (!is_one_outage(group, world)) continue;
    const Tick since = group.failures.front().at;
    open(RecoveryCause::lost_vms, group.cause, to_wall(since, {.now = step.now, .wall = step.wall}),
         step);
    for (const VmFailure& failure : group.failures) join(failure.uuid, failure.name);
    claim_actions(since);
    recorder_.recovery_opened(*latest_);
    return;
  }
}

/// True for what was down when the last recovery ended: it is no news that it still is.
bool RecoveryKeeper::is_old(const VmFailure& failure) {
  if (last_ended_ && failure.at <= *last_ended_) return true;
  const auto left = left_down_.find(failure.uuid);
  if (left == left_down_.end()) return false;
  if (!left->second) {
    const auto line = history_.intents.find(failure.uuid);
    if (line != history_.intents.end() && line->second.changed > *latest_->ended) {
      left_down_.erase(left);
      return false;
    }
    left->second = failure.at;
  }
  return failure.at <= *left->second;
}

/// What was begun since the first failure was part of it before anybody could know. What the
/// journal has in the future, for the clock was set back, was read as of the daemon's start: it
/// isn't.
void RecoveryKeeper::claim_actions(Tick since) {
  for (auto& [id, entry] : history_.budget.spent) {
    if (entry.begun >= since && entry.begun != history_.started) entry.recovery = latest_->id;
  }
}

void RecoveryKeeper::join(const VmUuid& uuid, const VmName& name) {
  if (std::ranges::count(latest_->members, uuid, &RecoveryMember::uuid) > 0) return;
  Recovery changed = *latest_;
  changed.members.push_back({.uuid = uuid,
                             .name = name,
                             .state = MemberState::waiting,
                             .why = "",
                             .back_at = std::nullopt,
                             .phases = {}});
  std::ranges::sort(changed.members, {}, &RecoveryMember::name);
  share(std::move(changed));
  journal_.changed(*latest_);
}

void RecoveryKeeper::join_wanted(const Step& step) {
  const World world = world_of(history_, step);
  for (const auto& [uuid, line] : history_.intents) {
    if (is_gone(line, world)) continue;
    if (wish_for(uuid, line.name, world).keep == Keep::up) join(uuid, line.name);
  }
}

void RecoveryKeeper::join_down(const Step& step) {
  const World world = world_of(history_, step);
  for (const Vm& vm : *vms_in_sight(world)) {
    if (!is_down(vm.state) || wish_for(vm.uuid, vm.name, world).keep != Keep::up) continue;
    join(vm.uuid, vm.name);
  }
}

void RecoveryKeeper::outage_over(const Target& target, const OutagePhases& phases) {
  if (latest_ == nullptr || target.kind != Target::Kind::vm) return;
  Recovery changed = *latest_;
  const auto member = std::ranges::find_if(
      changed.members, [&](const RecoveryMember& one) { return one.name.value == target.name; });
  // The last start may return after everybody was seen healthy; a later outage is another story.
  if (member == changed.members.end() || (!is_open() && !member->phases.empty())) return;
  member->phases = phases;
  share(std::move(changed));
  journal_.changed(*latest_);
}

RecoveryKeeper::Progress RecoveryKeeper::progress_of(const RecoveryMember& member,
                                                     const std::vector<Decision>& decisions,
                                                     const Step& step) const {
  const World world = world_of(history_, step);
  const Target target = target_of(member.name);
  if (wish_for(member.uuid, member.name, world).keep != Keep::up)
    return {MemberState::unwanted, ""};
  const Vm* vm = find_vm(step.snapshot, member.uuid);
  if (vm != nullptr && is_healthy(*vm, world)) return {MemberState::healthy, ""};
  const auto line = history_.targets.find(target);
  const bool tried = line != history_.targets.end();
  if (vm != nullptr && is_up(vm->state)) {
    const bool late = running_for(*vm, world) >= policy_for(step.policy, member.name).boot_timeout;
    return {late ? MemberState::unverified : MemberState::starting, ""};
  }
  if (tried && line->second.latched_since) return {MemberState::latched, ""};
  if (tried && line->second.in_flight) return {MemberState::starting, ""};
  const Decision* decision = decision_on(target, decisions);
  const auto hold = decision == nullptr ? std::nullopt : hold_of(*decision);
  if (!hold || passes_by_itself(*hold)) return {MemberState::waiting, ""};
  return {MemberState::held, std::string(to_string(*hold))};
}

void RecoveryKeeper::follow(const std::vector<Decision>& decisions, const Step& step) {
  if (!is_open()) return;
  if (vms_in_sight(world_of(history_, step)) == nullptr) return;
  Recovery now = *latest_;
  for (RecoveryMember& member : now.members) {
    Progress progress = progress_of(member, decisions, step);
    member.state = progress.state;
    member.why = std::move(progress.why);
    if (member.state != MemberState::healthy) {
      member.back_at.reset();
    } else if (!member.back_at) {
      member.back_at = step.wall;
    }
  }
  // Asked of each: the time of the last one runs while the first still keeps it open.
  const auto open = std::ranges::count_if(
      now.members, [&](const RecoveryMember& member) { return !is_done(member, step); });
  const bool done = open == 0;
  if (done) now.ended = step.wall;
  if (now != *latest_) {
    share(std::move(now));
    journal_.changed(*latest_);
  }
  if (!done) return;
  history_.recovery.reset();
  last_ended_ = step.now;
  recorder_.recovery_ended(*latest_);
}

/// What is held for as long as a tier would wait for it needs a person: the outage is over without.
/// A pause is none: what it holds comes back when it ends, in order and for one of the budget.
bool RecoveryKeeper::is_done(const RecoveryMember& member, const Step& step) {
  const auto [line, is_new] =
      stays_.try_emplace(member.uuid, Stay{.state = member.state, .since = step.now});
  if (!is_new && line->second.state != member.state) {
    line->second = {.state = member.state, .since = step.now};
  }
  const Duration stayed = step.now - line->second.since;
  switch (member.state) {
    case MemberState::waiting:
    case MemberState::starting: return stayed >= kLongest;
    case MemberState::held:
      return stayed >= step.policy.tier_timeout && member.why != to_string(Hold::paused);
    case MemberState::healthy:
    case MemberState::unverified:
    case MemberState::latched:
    case MemberState::unwanted: return true;
  }
  return true;
}

void RecoveryKeeper::share(Recovery recovery) {
  latest_ = std::make_shared<const Recovery>(std::move(recovery));
}

}  // namespace upkeep
