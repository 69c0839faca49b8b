// What a person's word about degraded starts and dead nodes does in the loop.

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/model/node_names.h"
#include "remediation/drbd_peer.h"
#include "remediation/gates/storage_gate.h"
#include "remediation/reconciler.h"
#include "remediation/words.h"

namespace upkeep {
namespace {

std::set<NodeName> nodes_of_drbd(const Step& step) {
  const auto& drbd = step.snapshot.drbd.reading;
  return drbd ? drbd_peers(**drbd) : std::set<NodeName>{};
}

std::string words(const std::set<NodeName>& names, std::string_view between) {
  std::string text;
  for (const NodeName& name : names)
    text += (text.empty() ? "" : std::string(between)) + name.value;
  return text;
}

/// Which nodes of DRBD's a person may mean who says `typed` of the configuration's `node`.
std::set<NodeName> nodes_behind(const NodeName& typed, const NodeName& node, const Step& step) {
  std::set<NodeName> names = nodes_of_drbd(step);
  std::erase_if(names, [&](const NodeName& name) {
    return !is_name_of(name, typed) && !is_name_of(name, node);
  });
  return names;
}

/// What the configuration's node called itself when it last answered; empty: it never did.
NodeName own_name(const NodeName& node, const Step& step) {
  const auto peer = std::ranges::find(step.snapshot.peers, node, &Peer::name);
  if (peer == step.snapshot.peers.end() || !peer->facts.reading) return {};
  return peer->facts.reading->node;
}

/// The configuration's node, where that is certain.
Result<NodeName> meant(const NodeName& typed, const NodeName& node, const Step& step) {
  if (likeness(typed, node) > Likeness::but_for_domain) return node;
  const NodeName own = own_name(node, step);
  if (!own.value.empty() && !is_name_of(own, typed)) {
    return fail(Errc::not_found, fmt::format("no node named '{}'; [[peer]] {} calls itself {}",
                                             typed.value, node.value, own.value));
  }
  const std::set<NodeName> drbd = nodes_of_drbd(step);
  if (drbd.contains(typed) && counterpart(typed, step.policy.peers, drbd) != nullptr) return node;
  std::set<NodeName> behind = nodes_behind(typed, node, step);
  if (behind.empty() || (behind.size() == 1 && is_name_of(*behind.begin(), node))) return node;
  behind.insert(node);
  return fail(Errc::conflict,
              fmt::format("'{}' may be {}: name the [[peer]] with its domain, or let each VM start "
                          "with `upkeep allow-degraded`",
                          typed.value, words(behind, " or ")));
}

/// The node that a person means. Of the names that it goes by the configuration's counts, which
/// the gates know it by.
Result<NodeName> meant(const NodeName& typed, const Step& step) {
  const std::set<NodeName> configured(step.policy.peers.begin(), step.policy.peers.end());
  const std::set<NodeName> drbd = nodes_of_drbd(step);
  if (const NodeName* node = only_one_called(typed, configured)) return meant(typed, *node, step);
  for (const std::set<NodeName>* names : {&configured, &drbd}) {
    if (const NodeName* node = only_one_called(typed, *names)) return *node;
    std::set<NodeName> found = *names;
    std::erase_if(found, [&](const NodeName& name) { return !is_name_of(name, typed); });
    if (found.empty()) continue;
    return fail(Errc::conflict, fmt::format("'{}' may be {}: say which, with its domain",
                                            typed.value, words(found, " or ")));
  }
  std::set<NodeName> known = configured;
  known.insert(drbd.begin(), drbd.end());
  return fail(Errc::not_found,
              fmt::format("no node named '{}'; known are: {}", typed.value, words(known, ", ")));
}

/// DRBD's nodes may be it, and of none is it certain.
bool only_may_be_drbds(const NodeName& node, const Step& step) {
  const std::set<NodeName> drbd = nodes_of_drbd(step);
  bool may_be_one = false;
  for (const NodeName& name : drbd) {
    if (!is_name_of(name, node)) continue;
    const NodeName* configured = counterpart(name, step.policy.peers, drbd);
    if (configured != nullptr && *configured == node) return false;
    may_be_one = may_be_one || configured == nullptr;
  }
  return may_be_one && std::ranges::count(step.policy.peers, node) > 0;
}

/// What declare-dead does, what it doesn't, and what ends it.
std::string reach_of_burial(const NodeName& node, const Step& step) {
  const std::string& name = node.value;
  const bool asked = std::ranges::count(step.policy.peers, node) > 0;
  std::string text = only_may_be_drbds(node, step)
                         ? "VMs on DRBD still wait, for `upkeep allow-degraded`: which of DRBD's "
                           "nodes it is can't be told by its name"
                         : "VMs on DRBD that provably ran here last start without it";
  if (asked) {
    text += fmt::format(
        "; VMs that it said it runs, and those on shared storage, no longer wait for its word, "
        "while it is silent (for {} at least) and until this node boots",
        span(step.policy.freshness.peers));
  }
  text +=
      ". Split brain, missing proof of who wrote last, and what other nodes run or want still "
      "hold them. It ends when DRBD connects to " +
      name;
  if (asked) text += ", or its host makes or refuses a connection at its url";
  return text + "; `upkeep peer declare-dead " + name + " --undo` ends it now";
}

/// Words on the same node by other names that it has or had: from before the configuration, or
/// DRBD, called it as now. What stands on another node of the configuration is none of them.
std::vector<StandingKey> aliases_of(const Standing& word, const Standings& standings,
                                    const Step& step) {
  std::vector<StandingKey> keys;
  if (word.kind != Standing::Kind::peer_dead) return keys;
  for (const auto& [key, other] : standings) {
    const NodeName subject{other.subject};
    if (key.first != word.kind || key == key_of(word)) continue;
    if (!is_name_of(subject, NodeName{word.subject})) continue;
    const NodeName* node = only_one_called(subject, step.policy.peers);
    if (node == nullptr || node->value == word.subject) keys.push_back(key);
  }
  return keys;
}

/// The node that the one word is about that may be meant by `typed`; nothing when none is, or more
/// than one.
std::optional<NodeName> declared_as(const NodeName& typed, const Standings& standings) {
  std::vector<NodeName> subjects;
  for (const auto& [key, word] : standings) {
    if (key.first == Standing::Kind::peer_dead) subjects.push_back({word.subject});
  }
  const NodeName* found = only_one_called(typed, subjects);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

/// What the word changes for the VM.
std::string effect_on(const Vm& vm, const World& world) {
  const auto clearance = storage_gate(vm, world);
  if (clearance) return fmt::format("{} may start now", vm.name.value);
  return fmt::format("{} is still held: {}", vm.name.value, clearance.error().detail);
}

}  // namespace

Result<void> Reconciler::keep_word(const Standing& word, bool take_back, const Step& step) {
  const StandingKeeper::Memory before = standings_.memory();
  const auto aliases = aliases_of(word, before.standings, step);
  for (const StandingKey& alias : aliases) standings_.take_back(alias, step.now);
  if (take_back) {
    standings_.take_back(key_of(word), step.now);
  } else {
    standings_.say(word, step.now);
  }
  journal_.flush({.now = step.now, .wall = step.wall});
  if (journal_.ok()) {
    tell_wishes();
    return {};
  }
  standings_.put_back(before);
  // Its line may be on the disk although something after it could not be written.
  journal_.changed(key_of(word));
  for (const StandingKey& alias : aliases) journal_.changed(alias);
  return fail(Errc::unavailable, "the journal can't be written, so it would not last: see the log");
}

Result<std::string> Reconciler::carry_out(const AllowDegraded& command, const Step& step) {
  const std::string& name = command.vm.value;
  const Vm* vm = find_vm(step.snapshot, command.vm);
  if (vm == nullptr) return fail(Errc::not_found, fmt::format("no VM named '{}'", name));
  if (!may_lie_on_drbd(*vm)) {
    return fail(Errc::conflict, fmt::format("{} has no disk on DRBD: it waits for no peer", name));
  }
  if (!command.take_back && is_up(vm->state)) {
    return fail(Errc::conflict, fmt::format("{} runs: there is nothing to allow", name));
  }
  const Standing word{.kind = Standing::Kind::allow_degraded,
                      .subject = vm->uuid.value,
                      .by = command.by,
                      .reason = command.reason,
                      .at = step.wall};
  const bool was_said = history_.standings.contains(key_of(word));
  if (const auto kept = keep_word(word, command.take_back, step); !kept) {
    return std::unexpected(kept.error());
  }
  if (command.take_back && !was_said) return fmt::format("{} was not allowed to start so", name);
  const std::string text = (command.take_back ? "a start without its DRBD peer is no longer allowed"
                                              : "allowed to start once without its DRBD peer") +
                           by_whom(word.by, word.reason);
  journal_.note({.at = step.wall,
                 .kind = "allow_degraded",
                 .target = to_string(target_of(command.vm)),
                 .text = text,
                 .action_id = std::nullopt});
  if (command.take_back) return fmt::format("{}: {}", name, text);
  const World world{step.snapshot, step.policy, history_, step.now};
  return fmt::format("{}: {}, within {} h; {}", name, text, kAllowDegradedHolds.count(),
                     effect_on(*vm, world));
}

Result<std::string> Reconciler::carry_out(const DeclareDead& command, const Step& step) {
  Result<NodeName> node = meant(command.node, step);
  // A word may be about a node that the configuration names no more, or otherwise.
  const auto declared = declared_as(command.node, history_.standings);
  if (!node && declared && (command.take_back || *declared == command.node)) node = *declared;
  if (!node) return std::unexpected(std::move(node.error()));
  const std::string& name = node->value;
  const Standing word{.kind = Standing::Kind::peer_dead,
                      .subject = name,
                      .by = command.by,
                      .reason = command.reason,
                      .at = step.wall,
                      .boot = history_.boot};
  const bool was_said = history_.standings.contains(key_of(word)) ||
                        !aliases_of(word, history_.standings, step).empty();
  const std::string alive = sign_of_life(*node, std::nullopt, step);
  if (!command.take_back && !alive.empty()) {
    return fail(Errc::conflict, fmt::format("{} is not dead: {}", name, alive));
  }
  if (const auto kept = keep_word(word, command.take_back, step); !kept) {
    return std::unexpected(kept.error());
  }
  if (command.take_back && !was_said) return fmt::format("{} was not declared dead", name);
  const std::string text = (command.take_back ? "no longer declared dead" : "declared dead") +
                           by_whom(word.by, word.reason);
  journal_.note({.at = step.wall,
                 .kind = "declare_dead",
                 .target = "peer/" + name,
                 .text = text,
                 .action_id = std::nullopt});
  if (command.take_back) return fmt::format("{}: {}", name, text);
  return fmt::format("{}: {}. {}", name, text, reach_of_burial(*node, step));
}

}  // namespace upkeep
