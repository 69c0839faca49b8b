#include "remediation/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "exporter/model/monitor.h"
#include "remediation/boot_check.h"
#include "remediation/gates/pause.h"
#include "remediation/gates/storage_gate.h"
#include "remediation/gates/tries.h"
#include "remediation/last_writes.h"
#include "remediation/rules/finding.h"
#include "remediation/sight.h"
#include "remediation/words.h"

namespace upkeep {
namespace {

std::string name_of_subject(const Target& target) {
  return target.kind == Target::Kind::vm ? target.name : "DRBD resource " + target.name;
}

std::string verb(const Action& action) {
  struct {
    std::string operator()(const StartVm& /*start*/) const { return "start it"; }
    std::string operator()(const BringUpResource& bring_up) const {
      return bring_up.skip_disk ? "bring it up without its disk" : "bring it up";
    }
    std::string operator()(const ReconnectResource& /*reconnect*/) const { return "reconnect it"; }
    std::string operator()(const AttachDevice& attach) const {
      return fmt::format("attach the disk of its volume {}", attach.volume.value);
    }
    std::string operator()(const ResumeVm& /*resume*/) const { return "resume it"; }
    std::string operator()(const ResetVm& /*reset*/) const { return "reset it"; }
    std::string operator()(const ReattachDisk& reattach) const {
      return fmt::format("attach its disk {} again", reattach.disk.value);
    }
    std::string operator()(const ResolveSplitBrain& resolve) const {
      return resolve.side == SplitBrainSide::discard_local
                 ? "connect it and give up this node's changes"
                 : "connect it and keep this node's changes";
    }
  } const verbs;
  return std::visit(verbs, action);
}

std::string verdict_sentence(const Act& act, Tick /*now*/) {
  return fmt::format("upkeep is about to {}.", verb(act.action));
}

std::string verdict_sentence(const WouldAct& would, Tick /*now*/) {
  return fmt::format("The mode is dry-run; in mode act upkeep would {} now.", verb(would.action));
}

std::string verdict_sentence(const Held& held, Tick now) {
  std::string text(meaning(held.reason));
  if (!held.detail.empty()) text += fmt::format(" ({})", held.detail);
  if (held.retry_at && *held.retry_at > now) {
    text += fmt::format(" Next try in {}.", span(*held.retry_at - now));
  }
  return text;
}

/// Everything known about one target, looked up once.
struct Known {
  const Snapshot& snapshot;
  const RemediationView& view;
  const Policy& policy;
  World world;
  const TargetHistory* tried = nullptr;
};

Known known_of(const Target& target, const Snapshot& snapshot, const RemediationView& view) {
  static const Policy unset;
  const Policy& policy = view.policy ? *view.policy : unset;
  const auto tried = view.history.targets.find(target);
  return {
      .snapshot = snapshot,
      .view = view,
      .policy = policy,
      .world = {.snapshot = snapshot, .policy = policy, .history = view.history, .now = view.at},
      .tried = tried == view.history.targets.end() ? nullptr : &tried->second};
}

void add_command(Explanation& explanation, std::string command) {
  if (command.empty() || std::ranges::count(explanation.commands, command) > 0) return;
  explanation.commands.push_back(std::move(command));
}

/// True when a decision tells the story.
bool explain_decisions(Explanation& explanation, const Target& target, const Known& known) {
  for (const Decision& decision : known.view.decisions) {
    if (decision.finding.subject != target) continue;
    std::string text = sentence(decision, known.view.at);
    if (explanation.headline.empty()) {
      explanation.headline = std::move(text);
    } else {
      explanation.facts.push_back(std::move(text));
    }
    if (const auto* held = std::get_if<Held>(&decision.verdict)) {
      add_command(explanation, held->opens_with);
    }
  }
  return !explanation.headline.empty();
}

void explain_attempts(Explanation& explanation, const Target& target, const Known& known) {
  const auto wall = [&](Tick at) {
    return known.view.wall - std::chrono::duration_cast<WallTime::duration>(known.view.at - at);
  };
  if (known.tried == nullptr) return;
  if (known.tried->last_outcome) {
    const Outcome& outcome = *known.tried->last_outcome;
    const std::string when = known.tried->last_end ? on(wall(*known.tried->last_end)) : "";
    const std::string_view why = outcome.detail.empty() ? outcome.reason : outcome.detail;
    explanation.facts.push_back(fmt::format("last attempt: {}{}{}{}", to_string(outcome.kind), when,
                                            why.empty() ? "" : ": ", why));
  }
  if (known.tried->in_row > 0) {
    explanation.facts.push_back(
        fmt::format("attempts since it was last stable: {}", known.tried->in_row));
  }
  if (const auto since = given_up_since(*known.tried)) {
    explanation.facts.push_back("latched" + on(wall(*since)));
    add_command(explanation, "upkeep release " + to_string(target));
  }
}

/// Also while nothing is wrong: who looks wants to know what will not happen.
void explain_pauses(Explanation& explanation, const Target& target, const Known& known) {
  for (const Standing* pause : pauses_over(target, known.world)) {
    explanation.facts.push_back(pause_text(*pause, known.view.history));
    add_command(explanation, pause_ends_with(*pause, known.view.history));
  }
}

void explain_gate(Explanation& explanation, const Vm& vm, const Known& known) {
  if (!is_down(vm.state)) return;
  const auto clearance = storage_gate(vm, known.world);
  if (clearance) {
    explanation.facts.emplace_back("storage gate: open");
    return;
  }
  const Held& held = clearance.error();
  explanation.facts.push_back(
      fmt::format("storage gate: closed, {}: {}", to_string(held.reason), held.detail));
}

void explain_blind_vm(Explanation& explanation, const VmName& name, const Known& known) {
  const Intent* line = line_by_name(name, known.view.history);
  const auto blind = blindness({.vms = true, .drbd = false}, known.world);
  if (blind && explanation.headline.empty()) {
    explanation.headline = fmt::format("Nothing is known of {} now. {}", name.value,
                                       verdict_sentence(*blind, known.view.at));
  }
  if (explanation.headline.empty()) {
    explanation.headline =
        line == nullptr
            ? fmt::format("upkeep knows no VM {}.", name.value)
            : fmt::format("libvirt no longer lists {}; upkeep only remembers it.", name.value);
  }
  if (line == nullptr) return;
  explanation.facts.push_back("wish: " +
                              who_wants(wish_for(line, policy_for(known.policy, name)), line));
}

void explain_vm(Explanation& explanation, const VmName& name, const Known& known) {
  const bool fresh = vms_in_sight(known.world) != nullptr;
  const Vm* vm = fresh ? find_vm(known.snapshot, name) : nullptr;
  if (vm == nullptr) {
    explain_blind_vm(explanation, name, known);
    return;
  }
  const auto found = known.view.history.intents.find(vm->uuid);
  const Intent* line = found == known.view.history.intents.end() ? nullptr : &found->second;
  const Wish wish = wish_for(line, policy_for(known.policy, name));
  const std::string trouble = health_trouble(*vm, known.world);
  if (explanation.headline.empty() && !trouble.empty()) {
    explanation.headline = fmt::format("{} is running, {}.", name.value, trouble);
  }
  if (explanation.headline.empty()) explanation.headline = vm_headline(*vm, wish, line);
  explanation.facts.push_back("libvirt: " + state_of(*vm));
  if (is_monitor_stuck(*vm).value_or(false)) {
    explanation.facts.push_back("QEMU: has not answered for " + span(*vm->monitor_blocked));
  }
  if (!trouble.empty()) explanation.facts.push_back("health: " + trouble);
  explanation.facts.push_back(
      fmt::format("wish: {}, {}", to_string(wish.keep), who_wants(wish, line)));
  if (line != nullptr && !line->last_stop_detail.empty()) {
    explanation.facts.push_back(fmt::format("last stop: {}{}, {}", to_string(line->last_stop),
                                            on(line->changed), line->last_stop_detail));
  }
  explain_gate(explanation, *vm, known);
  if (wish.authority == Wish::Authority::mark) {
    add_command(explanation, fmt::format("upkeep mark {} auto", name.value));
  } else if (wish.keep == Keep::up) {
    add_command(explanation, fmt::format("upkeep mark {} down", name.value));
  } else {
    add_command(explanation, fmt::format("upkeep mark {} up", name.value));
  }
}

/// Who is to choose whose writes are lost must know who wrote last.
void explain_last_writes(Explanation& explanation, const DrbdResource& resource,
                         const Known& known) {
  for (std::string& fact : writes_here(resource, known.world)) {
    explanation.facts.push_back("here: " + std::move(fact));
  }
  for (std::string& fact : writes_there(resource, known.world)) {
    explanation.facts.push_back("there: " + std::move(fact));
  }
}

void explain_resource(Explanation& explanation, const ResourceName& name, const Known& known) {
  const bool fresh = drbd_in_sight(known.world) != nullptr && known.snapshot.drbd_in_use;
  const DrbdResource* resource = fresh ? find_resource(known.snapshot, name) : nullptr;
  if (resource == nullptr) {
    const auto blind = blindness({.vms = false, .drbd = true}, known.world);
    if (!explanation.headline.empty()) return;
    explanation.headline = blind ? fmt::format("Nothing is known of DRBD resource {} now. {}",
                                               name.value, verdict_sentence(*blind, known.view.at))
                                 : fmt::format("upkeep knows no DRBD resource {}.", name.value);
    return;
  }
  if (explanation.headline.empty()) {
    explanation.headline =
        fmt::format("DRBD resource {} is {}, and nothing about it needs mending.", name.value,
                    resource->in_kernel ? "up" : "not configured here");
  }
  explanation.facts.push_back(
      fmt::format("role: {}", resource->in_kernel ? resource->role.text : "not in the kernel"));
  for (const DrbdDevice& device : resource->devices) {
    explanation.facts.push_back(
        fmt::format("/dev/drbd{}: {}", device.minor.value, device.disk.text));
  }
  for (const DrbdPeer& peer : resource->peers) {
    explanation.facts.push_back(
        fmt::format("{}: {}, {}", peer.name.value, peer.connection.text, peer.role.text));
  }
  if (split_brain_of(*resource, known.world)) explain_last_writes(explanation, *resource, known);
}

}  // namespace

Explanation explain(const Target& target, const Snapshot& snapshot, const RemediationView& view) {
  const Known known = known_of(target, snapshot, view);
  Explanation explanation;
  explain_decisions(explanation, target, known);
  if (target.kind == Target::Kind::vm) {
    explain_vm(explanation, VmName{target.name}, known);
  } else {
    explain_resource(explanation, ResourceName{target.name}, known);
  }
  explain_attempts(explanation, target, known);
  explain_pauses(explanation, target, known);
  if (view.mode != Mode::act) {
    explanation.facts.push_back(fmt::format("mode: {}", to_string(view.mode)));
  }
  return explanation;
}

std::string supposed_sentence(const Decision& decision, Tick now) {
  const auto* would = std::get_if<WouldAct>(&decision.verdict);
  if (would == nullptr) return sentence(decision, now);
  return fmt::format("{} is {}. In mode act upkeep would {} now.",
                     name_of_subject(decision.finding.subject), decision.finding.detail,
                     verb(would->action));
}

std::string sentence(const Decision& decision, Tick now) {
  const std::string said = std::visit(
      [&](const auto& verdict) { return verdict_sentence(verdict, now); }, decision.verdict);
  return fmt::format("{} is {}. {}", name_of_subject(decision.finding.subject),
                     decision.finding.detail, said);
}

}  // namespace upkeep
