#include "remediation/effects/action_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <ranges>
#include <utility>

#include "remediation/adjust_inspection.h"

namespace upkeep {
namespace {

/// Taking back has its own time: it must also happen when the action's is over.
constexpr Duration kTakeBackDeadline = std::chrono::seconds(30);

constexpr std::string_view kAsksLibvirt = "asking libvirt about the VM";

AdjustScope scope_of(const BringUpResource& bring_up) {
  return bring_up.skip_disk ? AdjustScope::all_but_disk : AdjustScope::everything;
}

Outcome refused(Hold hold, std::string detail) {
  return {.kind = Outcome::Kind::refused,
          .reason = std::string(to_string(hold)),
          .detail = std::move(detail)};
}

}  // namespace

Wishes wishes_of(const Ticket& ticket) {
  return {.policy = ticket.policy,
          .intents = ticket.history->intents,
          .standings = ticket.history->standings};
}

ActionRun::ActionRun(const Ticket& ticket, const ActionTools& tools, ActionConditions conditions)
    : ticket_(ticket),
      tools_(tools),
      conditions_(std::move(conditions)),
      taken_(tools.clock->now()) {}

Outcome ActionRun::run() { return with_steps(carry_out(ticket_.action)); }

Outcome ActionRun::thrown(const Error& error) {
  const Outcome outcome = outcome_of(error);
  const auto* start = std::get_if<StartVm>(&ticket_.action);
  // A start that was sent may have happened.
  if (start != nullptr && !(starting_ && command_sent_)) take_back(*start);
  return with_steps(outcome);
}

Outcome ActionRun::carry_out(const Action& action) {
  struct {
    ActionRun& run;
    Outcome operator()(const StartVm& start) const { return run.start(start); }
    Outcome operator()(const BringUpResource& bring_up) const { return run.bring_up(bring_up); }
    Outcome operator()(const AttachDevice& attach) const { return run.attach(attach); }
    Outcome operator()(const ReconnectResource& reconnect) const {
      return run.send([&] {
        return run.tools_.replication->connect(reconnect.resource,
                                               run.terms(&ActionRun::look_and_go));
      });
    }
    Outcome operator()(const ResumeVm& resume) const {
      return run.send_to_vm([&](auto& session) { return session.resume(resume.uuid); });
    }
    Outcome operator()(const ResetVm& reset) const {
      return run.send_to_vm([&](auto& session) { return session.reset(reset.uuid); });
    }
    Outcome operator()(const ReattachDisk& reattach) const {
      return run.send_to_vm(
          [&](auto& session) { return session.attach_disk(reattach.uuid, reattach.disk); });
    }
    Outcome operator()(const ResolveSplitBrain& resolve) const { return run.resolve(resolve); }
  } const each{*this};
  return std::visit(each, action);
}

std::optional<Outcome> ActionRun::take_place() {
  if (auto stop = out_of_time()) return stop;
  auto session = tools_.hypervisor->session(terms(&ActionRun::judge_and_go));
  if (!session) return outcome_of(session.error());
  session_ = std::move(*session);
  return std::nullopt;
}

Outcome ActionRun::start(const StartVm& start) {
  if (auto stop = take_place()) return *stop;
  if (start.destroy_first) {
    if (auto stop = drop_crashed(start)) return *stop;
  }
  for (const ResourceName& resource : start.promote) {
    if (auto stop = promote(resource)) {
      take_back(start);
      return *stop;
    }
  }
  if (auto stop = look()) {
    take_back(start);
    return *stop;
  }
  return send_start(start);
}

Outcome ActionRun::send_start(const StartVm& start) {
  conditions_.doing(kAsksLibvirt);
  const Tick began = tools_.clock->now();
  times_.storage = since_first_look();
  starting_ = true;
  const auto started = attempt([&] { return session_->start(start.uuid); });
  times_.start = tools_.clock->now() - began;
  if (started) return {.kind = Outcome::Kind::succeeded, .reason = "", .detail = ""};
  if (auto stop = std::exchange(stopped_, std::nullopt)) {
    take_back(start);
    return *stop;
  }
  Outcome outcome = outcome_of(started.error());
  // After a conflict it runs, after a timeout it may: its disks stay as they are.
  if (outcome.kind == Outcome::Kind::failed) {
    facts_.reset();
    take_back(start);
  }
  return outcome;
}

std::optional<Outcome> ActionRun::drop_crashed(const StartVm& start) {
  if (auto stop = look()) return stop;
  conditions_.doing(kAsksLibvirt);
  const auto dropped = attempt([&] { return session_->destroy_crashed(start.uuid); });
  if (!dropped) return ended_by(dropped.error());
  steps_.emplace_back("dropped the crashed guest");
  return std::nullopt;
}

std::optional<Outcome> ActionRun::promote(const ResourceName& resource) {
  const auto done = attempt(
      [&] { return tools_.replication->promote(resource, terms(&ActionRun::look_and_go)); });
  if (!done) return ended_by(done.error());
  promoted_.push_back(resource);
  steps_.push_back(fmt::format("promoted {}", resource.value));
  return std::nullopt;
}

void ActionRun::take_back(const StartVm& start) {
  session_.reset();  // Nothing more is asked of libvirt.
  conditions_.doing("demoting what it had promoted");
  // Somebody else may have started the guest since: then what it needs stays.
  const Vm* vm = facts_ == nullptr ? nullptr : find_vm(*facts_, start.uuid);
  if (vm != nullptr && !is_down(vm->state)) return;
  for (const ResourceName& resource : std::views::reverse(promoted_)) {
    const auto demoted = demote(resource);
    if (demoted) {
      steps_.push_back(fmt::format("demoted {} again", resource.value));
    } else {
      steps_.push_back(
          fmt::format("{} stays Primary: {}", resource.value, demoted.error().message));
    }
  }
  promoted_.clear();
}

Result<void> ActionRun::demote(const ResourceName& resource) {
  try {
    return tools_.replication->demote(resource, kTakeBackDeadline);
  } catch (const std::exception& exception) {
    return fail(Errc::failed, exception.what());
  }
}

Outcome ActionRun::bring_up(const BringUpResource& bring_up) {
  if (auto stop = inspect_adjust(bring_up)) return *stop;
  // The dry run may have taken its time.
  return send([&] {
    return tools_.replication->adjust(bring_up.resource, scope_of(bring_up),
                                      terms(&ActionRun::look_and_go));
  });
}

Outcome ActionRun::attach(const AttachDevice& attach) {
  const DrbdVolume volume{.resource = attach.resource, .volume = attach.volume};
  const auto probed = tools_.replication->probe_backing(volume, terms(&ActionRun::look_and_probe));
  times_.storage = since_first_look();
  // Without a look it had no turn: that says nothing about the device.
  if (!probed && (stopped_ || !judged_)) return ended_by(probed.error());
  if (!probed) {  // Nor do the seconds that the wait and the look have left of the action's.
    if (auto stop = out_of_time()) return *stop;
  }
  // A device that can't be read isn't attached, which is no attempt: nothing was sent to DRBD. Only
  // a command of DRBD's that hangs makes the resource one to send nothing more to.
  if (!probed) {
    const bool missing = probed.error().code == Errc::not_found;
    return refused(missing ? Hold::disk_missing : Hold::disk_unreadable, probed.error().message);
  }
  steps_.emplace_back("its backing device can be read");
  return send([&] { return tools_.replication->attach(volume, terms(&ActionRun::look_and_go)); });
}

Outcome ActionRun::send_to_vm(const std::function<Result<void>(HypervisorSession&)>& call) {
  if (auto stop = take_place()) return *stop;
  if (auto stop = look()) return *stop;
  conditions_.doing(kAsksLibvirt);
  return send([&] { return call(*session_); });
}

Outcome ActionRun::send(const std::function<Result<void>()>& command) {
  if (auto stop = order(command)) return *stop;
  return {.kind = Outcome::Kind::succeeded, .reason = "", .detail = ""};
}

Result<void> ActionRun::attempt(const std::function<Result<void>()>& command) {
  command_sent_.reset();
  return command();
}

std::optional<Outcome> ActionRun::order(const std::function<Result<void>()>& command) {
  const auto done = attempt(command);
  if (command_sent_) {
    times_.storage = *command_sent_ - judged_.value_or(*command_sent_) - times_.start;
    times_.start += tools_.clock->now() - *command_sent_;
  }
  if (!done) return ended_by(done.error());
  return std::nullopt;
}

std::optional<Outcome> ActionRun::inspect_adjust(const BringUpResource& bring_up) {
  const auto commands = tools_.replication->dry_run_adjust(bring_up.resource, scope_of(bring_up),
                                                           terms(&ActionRun::look_and_ask));
  times_.storage = since_first_look();
  if (!commands) return ended_by(commands.error());
  sent_ = false;  // It changed nothing: whether this is an attempt is up to the command itself.
  if (const auto line = unsafe_line(*commands)) {
    return refused(Hold::unsafe_adjust, fmt::format("it would run: {}", *line));
  }
  return std::nullopt;
}

}  // namespace upkeep
