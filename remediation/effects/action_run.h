#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "remediation/effects.h"
#include "remediation/effects/action_conditions.h"
#include "remediation/executor.h"

namespace upkeep {

/// What actions work with. Owned together with the threads that use it: a call that hangs outlives
/// whoever asked for it.
struct ActionTools {
  std::shared_ptr<HypervisorControl> hypervisor;
  std::shared_ptr<ReplicationControl> replication;
  std::shared_ptr<FactReader> facts;
  std::shared_ptr<const Clock> clock;
};

/// What was wanted when the action was chosen.
[[nodiscard]] Wishes wishes_of(const Ticket& ticket);

/// One action from its last look to its effect. Before each command that changes something, and
/// once it has its place or its turn, the facts are read again and judged again; what has changed
/// by then ends the action without it. What is wanted, and for libvirt how old the facts are by
/// then, is looked at again right before the call. Used by one worker thread; blocks for as long as
/// libvirt and DRBD do.
class ActionRun {
 public:
  ActionRun(const Ticket& ticket, const ActionTools& tools, ActionConditions conditions);

  [[nodiscard]] Outcome run();
  /// What becomes of it when something throws. A bug; the daemon goes on without this action.
  [[nodiscard]] Outcome thrown(const Error& error);
  [[nodiscard]] const PhaseTimes& times() const { return times_; }

 private:
  // Each returns what ends the action early, or nothing: go on.
  [[nodiscard]] std::optional<Outcome> look();
  /// Judges the facts of the last look by what is wanted now.
  [[nodiscard]] std::optional<Outcome> judge();
  [[nodiscard]] std::optional<Outcome> out_of_time() const;
  [[nodiscard]] std::optional<Outcome> before_command();
  /// The same, of one with an effect: it is on its way.
  [[nodiscard]] std::optional<Outcome> go();
  /// The same, for a place: the facts may have grown old since the last look.
  [[nodiscard]] std::optional<Outcome> judge_and_go();
  // The last look, then the same.
  [[nodiscard]] std::optional<Outcome> look_and_ask();
  [[nodiscard]] std::optional<Outcome> look_and_go();
  [[nodiscard]] std::optional<Outcome> look_and_probe();
  /// Waits for a place to call libvirt from, before the last look: nothing may come between that
  /// and the call.
  [[nodiscard]] std::optional<Outcome> take_place();
  [[nodiscard]] std::optional<Outcome> drop_crashed(const StartVm& start);
  [[nodiscard]] std::optional<Outcome> promote(const ResourceName& resource);
  [[nodiscard]] std::optional<Outcome> inspect_adjust(const BringUpResource& bring_up);

  [[nodiscard]] Outcome start(const StartVm& start);
  [[nodiscard]] Outcome send_start(const StartVm& start);
  [[nodiscard]] Outcome bring_up(const BringUpResource& bring_up);
  [[nodiscard]] Outcome attach(const AttachDevice& attach);
  [[nodiscard]] Outcome resolve(const ResolveSplitBrain& resolve);
  [[nodiscard]] Outcome discard_local(const ResourceName& resource);
  [[nodiscard]] Outcome keep_local(const ResourceName& resource);
  /// A place, then the same as `send`, with one of libvirt's calls.
  [[nodiscard]] Outcome send_to_vm(const std::function<Result<void>(HypervisorSession&)>& call);
  /// The one command that the action is.
  [[nodiscard]] Outcome send(const std::function<Result<void>()>& command);
  /// Every command with an effect goes through it; `command_sent_` says whether it was sent.
  [[nodiscard]] Result<void> attempt(const std::function<Result<void>()>& command);
  /// One command of several; what ends the action, or nothing: it succeeded.
  [[nodiscard]] std::optional<Outcome> order(const std::function<Result<void>()>& command);
  [[nodiscard]] Outcome carry_out(const Action& action);

  /// Demotes what this run promoted, unless the guest may be there by now.
  void take_back(const StartVm& start);
  /// What throws is an error of this demotion only.
  [[nodiscard]] Result<void> demote(const ResourceName& resource);

  /// For a wait that begins now. Nothing is sent without the last word.
  [[nodiscard]] Terms terms(std::optional<Outcome> (ActionRun::*word)());
  /// As a last word says it.
  [[nodiscard]] Result<void> unless(std::optional<Outcome> stop);
  /// What a command that did not succeed ends the action with: the last word, or its own error.
  [[nodiscard]] Outcome ended_by(const Error& error);

  [[nodiscard]] Duration remaining() const;
  /// What `queue` is, before it, is not counted twice.
  [[nodiscard]] Duration since_first_look() const;
  [[nodiscard]] Outcome outcome_of(const Error& error) const;
  /// The outcome with the steps that were done in its detail.
  [[nodiscard]] Outcome with_steps(Outcome outcome) const;

  const Ticket& ticket_;
  const ActionTools& tools_;
  ActionConditions conditions_;
  Tick taken_;
  std::unique_ptr<HypervisorSession> session_;
  std::optional<Tick> judged_;        ///< When the first look ended.
  bool starting_ = false;             ///< The next command, or the last one, is libvirt's start.
  bool sent_ = false;                 ///< A command, whatever came of it; not one that ran dry.
  std::uint64_t edition_ = 0;         ///< Of the wishes that were judged by.
  std::optional<Outcome> stopped_;    ///< What the last word was, when it was no.
  std::optional<Tick> command_sent_;  ///< The last one that was attempted; absent: it was not.
  PhaseTimes times_;
  std::shared_ptr<const Snapshot> facts_;  ///< Of the last look.
  std::vector<ResourceName> promoted_;
  std::vector<std::string> steps_;  ///< For people.
};

}  // namespace upkeep
