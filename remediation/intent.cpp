#include "remediation/intent.h"

#include <string>
#include <utility>

namespace upkeep {
namespace {

bool is_off(const Intent& intent) { return intent.last_stop != StopCause::none; }

/// May a start of ours have had a dead guest to drop? Nothing else that it does destroys anything.
bool may_have_dropped(const Intent& intent) { return intent.remains != Remains::nothing; }

/// Our own destroy of a crashed guest: unless the line says so, the next look takes it for the
/// operator's.
void drop(Intent& intent) {
  intent.last_stop_detail = "crashed guest dropped to start it again";
  intent.remains = Remains::dropped;
}

/// How it went off, by an event or a look.
struct How {
  std::string detail;
  Remains remains = Remains::nothing;
};

How told(VmEventKind kind) {
  return {"event " + std::string(to_string(kind)),
          kind == VmEventKind::crashed ? Remains::dead_guest : Remains::nothing};
}

How seen(const Vm& vm) {
  return {"seen " + std::string(to_string(vm.state)) + "/" + std::string(to_string(vm.reason)),
          vm.state == VmState::crashed ? Remains::dead_guest : Remains::nothing};
}

void note(Intent& intent, How how) {
  intent.last_stop_detail = std::move(how.detail);
  intent.remains = how.remains;
}

void see_in(Intent& intent, const BootId& boot) {
  if (!boot.value.empty()) intent.boot = boot;
}

/// `before` with a new wish and cause; `changed` moves only when one of them does.
Intent with(Intent before, bool wanted, StopCause cause, WallTime wall) {
  if (before.wanted != wanted || before.last_stop != cause) before.changed = wall;
  before.wanted = wanted;
  before.last_stop = cause;
  return before;
}

Intent running(Intent intent, WallTime wall) {
  intent = with(std::move(intent), true, StopCause::none, wall);
  intent.last_stop_detail.clear();
  intent.remains = Remains::unknown;
  intent.shutdown_seen.reset();
  return intent;
}

/// A stop never creates a wish; a deliberate one ends it.
Intent stopped(Intent intent, StopCause cause, How how, WallTime wall,
               GuestShutdown guest_shutdown) {
  const bool wanted = intent.wanted && !is_deliberate(cause, guest_shutdown);
  intent = with(std::move(intent), wanted, cause, wall);
  note(intent, std::move(how));
  intent.shutdown_seen.reset();
  return intent;
}

/// A clean end of QEMU: the guest's will, unless the host asked for it.
StopCause cause_of_shutdown(const Intent& intent, const IntentContext& context) {
  const bool host =
      context.host_shutting_down || intent.shutdown_seen == VmEventKind::shutdown_host;
  return host ? StopCause::host_shutdown : StopCause::guest_shutdown;
}

/// While the node goes down, whatever stops a VM is the node's doing; only a migration still counts
/// as one (an evacuated VM runs elsewhere).
StopCause unless_host_goes_down(StopCause cause, const IntentContext& context) {
  return context.host_shutting_down ? StopCause::host_shutdown : cause;
}

std::optional<StopCause> cause_of_event(const Intent& intent, VmEventKind kind,
                                        const IntentContext& context) {
  switch (kind) {
    case VmEventKind::stopped_shutdown: return cause_of_shutdown(intent, context);
    case VmEventKind::stopped_destroyed:
      return unless_host_goes_down(StopCause::operator_destroy, context);
    case VmEventKind::stopped_saved: return unless_host_goes_down(StopCause::saved, context);
    // STOPPED/FAILED is how libvirt tells that QEMU died; its state reason is then "crashed".
    case VmEventKind::stopped_failed:
    case VmEventKind::stopped_crashed:
    case VmEventKind::crashed: return unless_host_goes_down(StopCause::crashed, context);
    case VmEventKind::stopped_other: return unless_host_goes_down(StopCause::unobserved, context);
    case VmEventKind::stopped_migrated: return StopCause::moved_away;
    case VmEventKind::defined:
    case VmEventKind::undefined:
    case VmEventKind::started:
    case VmEventKind::resumed:
    case VmEventKind::suspended:
    case VmEventKind::suspended_io_error:
    case VmEventKind::suspended_migrated:
    case VmEventKind::shutdown_guest:
    case VmEventKind::shutdown_host:
    case VmEventKind::rebooted:
    case VmEventKind::io_error:
    case VmEventKind::watchdog:
    case VmEventKind::disk_changed: return std::nullopt;
  }
  return std::nullopt;
}

Intent after_stop(Intent intent, VmEventKind kind, StopCause cause, const IntentContext& context,
                  WallTime wall) {
  see_in(intent, context.boot);
  // While our start is under way and has not been seen to work, a stop is part of it: the dead
  // guest dropped first, or a start that failed. Once it was seen running, or where there was
  // nothing to drop, a stop is somebody else's.
  const bool by_others = kind == VmEventKind::stopped_migrated ||
                         (kind == VmEventKind::stopped_destroyed && !may_have_dropped(intent));
  if (context.own_action && is_off(intent) && !by_others) {
    if (kind == VmEventKind::stopped_destroyed) drop(intent);
    if (kind == VmEventKind::crashed) note(intent, told(kind));
    intent.shutdown_seen.reset();
    return intent;
  }
  // A preserved crash and STOPPED/CRASHED are one story; a failed start of a VM that is off tells
  // nothing new about how it went off.
  if (kind == VmEventKind::stopped_failed && is_off(intent)) {
    intent.shutdown_seen.reset();
    return intent;
  }
  return stopped(std::move(intent), cause, told(kind), wall, context.guest_shutdown);
}

/// What libvirt's reason says about a stop that no event told of.
StopCause cause_of_reason(const Intent& intent, const Vm& vm, const IntentContext& context) {
  switch (vm.reason) {
    case VmReason::migrated: return StopCause::moved_away;
    case VmReason::shutdown: return cause_of_shutdown(intent, context);
    case VmReason::destroyed: return unless_host_goes_down(StopCause::operator_destroy, context);
    case VmReason::saved: return unless_host_goes_down(StopCause::saved, context);
    case VmReason::crashed:
    case VmReason::panicked:
    case VmReason::daemon: return unless_host_goes_down(StopCause::crashed, context);
    case VmReason::failed: return unless_host_goes_down(StopCause::start_failed, context);
    default: return unless_host_goes_down(StopCause::unobserved, context);
  }
}

/// A stop that the line already knows of: does libvirt's reason tell of a later, deliberate one
/// whose events were lost? Only such a reason goes before the line; "shutdown" can't tell the
/// host's from the guest's.
bool goes_before(StopCause reason, const Intent& line) {
  if (reason == line.last_stop) return false;
  switch (reason) {
    case StopCause::moved_away: return true;
    case StopCause::saved: return line.wanted;
    case StopCause::operator_destroy: return line.wanted && line.remains != Remains::dropped;
    case StopCause::guest_shutdown:
      return line.wanted && line.last_stop != StopCause::host_shutdown;
    default: return false;
  }
}

Intent first_seen(const Vm& vm, const IntentContext& context, bool lives) {
  const How how = lives ? How{.detail = "", .remains = Remains::unknown} : seen(vm);
  return {.uuid = vm.uuid,
          .name = vm.name,
          .wanted = lives,
          .last_stop = is_down(vm.state) || vm.state == VmState::unknown ? StopCause::never_ran
                                                                         : StopCause::none,
          .last_stop_detail = how.detail,
          .remains = how.remains,
          .changed = context.wall,
          .boot = context.boot,
          .mark = std::nullopt,
          .shutdown_seen = std::nullopt};
}

/// Off, in a boot that the line does not know: what was wanted before still is, and libvirt's
/// autostart counts now and only now.
Intent after_boot(Intent intent, const Vm& vm, const IntentContext& context) {
  intent.boot = context.boot;
  intent.shutdown_seen.reset();
  const bool autostarts = vm.autostart.value_or(false) && intent.last_stop != StopCause::moved_away;
  // Nobody knows how it went off before the boot, so the boot does not make it safe.
  if (intent.last_stop == StopCause::unobserved && !autostarts) return intent;
  if (!intent.wanted && !autostarts) return intent;
  // libvirt forgets over a boot why a VM is off, also when libvirt-guests saved it. What it gives a
  // reason for ran again before anybody looked, and somebody stopped it.
  const StopCause since = cause_of_reason(intent, vm, context);
  if (is_deliberate(since, context.guest_shutdown)) {
    return stopped(std::move(intent), since, seen(vm), context.wall, context.guest_shutdown);
  }
  intent = with(std::move(intent), true, StopCause::node_down, context.wall);
  // One that is kept dead ran in this boot: a start of ours drops it first.
  note(intent, vm.state == VmState::crashed ? seen(vm) : How{"off after a boot of the node"});
  return intent;
}

/// While our start is under way: it ran since, and no start leaves a guest saved or shut down, nor
/// destroys one that wasn't dead.
bool is_no_doing_of_ours(const Intent& intent, const Vm& vm) {
  if (is_off(intent) && vm.reason == VmReason::destroyed) return !may_have_dropped(intent);
  return !is_off(intent) && (vm.reason == VmReason::saved || vm.reason == VmReason::shutdown);
}

/// Off, settled.
Intent after_seen_off(Intent intent, const Vm& vm, const IntentContext& context) {
  const bool moved = intent.last_stop == StopCause::moved_away && !intent.wanted;
  if (context.active_elsewhere && !moved) {
    see_in(intent, context.boot);
    return stopped(std::move(intent), StopCause::moved_away, How{"active on another node"},
                   context.wall, context.guest_shutdown);
  }
  // It ran since, unseen, and is dead again.
  if (intent.wanted && is_off(intent) && vm.state == VmState::crashed &&
      !may_have_dropped(intent)) {
    note(intent, seen(vm));
  }
  if (context.own_action && !is_no_doing_of_ours(intent, vm)) {
    const bool was_dead = intent.wanted && is_off(intent);
    if (was_dead && vm.reason == VmReason::destroyed) drop(intent);
    return intent;
  }
  // Without the boot a reboot can't be told from a stop that nobody saw.
  if (context.boot.value.empty()) return intent;
  const bool recorded = !intent.boot.value.empty();
  if (recorded && context.boot != intent.boot) return after_boot(std::move(intent), vm, context);
  intent.boot = context.boot;
  const StopCause cause = cause_of_reason(intent, vm, context);
  if (is_off(intent) && !goes_before(cause, intent)) return intent;
  return stopped(std::move(intent), cause, seen(vm), context.wall, context.guest_shutdown);
}

}  // namespace

Intent after_event(Intent intent, const VmEvent& event, const IntentContext& context) {
  intent.uuid = event.uuid;
  if (!event.name.value.empty()) intent.name = event.name;
  const WallTime wall = event.wall == WallTime{} ? context.wall : event.wall;
  if (const auto cause = cause_of_event(intent, event.kind, context)) {
    return after_stop(std::move(intent), event.kind, *cause, context, wall);
  }
  switch (event.kind) {
    case VmEventKind::shutdown_guest:
    case VmEventKind::shutdown_host: intent.shutdown_seen = event.kind; return intent;
    case VmEventKind::undefined:
      // What migrated away and was undefined by that has moved, which lasts longer.
      if (intent.last_stop == StopCause::moved_away) return intent;
      return stopped(std::move(intent), StopCause::undefined_vm, told(event.kind), wall,
                     context.guest_shutdown);
    case VmEventKind::started:
      // The first half of a migration to here: it still runs over there, and may stay.
      if (context.active_elsewhere) return intent;
      [[fallthrough]];
    case VmEventKind::resumed:
      see_in(intent, context.boot);
      return running(std::move(intent), wall);
    default: return intent;
  }
}

Intent after_observation(const Intent* known, const Vm& vm, bool settled,
                         const IntentContext& context) {
  // A guest that waits for its disk ran and is wanted; one that a person paused says nothing.
  const bool lives =
      is_up(vm.state) || (vm.state == VmState::paused && vm.reason == VmReason::io_error);
  if (known == nullptr) return first_seen(vm, context, lives);
  Intent intent = *known;
  intent.name = vm.name;
  if (!settled) return intent;  // An event may be newer than this look.
  if (lives) {
    see_in(intent, context.boot);
    return is_off(intent) || !intent.wanted ? running(std::move(intent), context.wall) : intent;
  }
  if (!is_down(vm.state)) return intent;
  return after_seen_off(std::move(intent), vm, context);
}

Wish wish_for(const Intent* intent, const VmPolicy& policy) {
  const bool known = intent != nullptr;
  if (known && intent->mark && intent->mark->keep != Keep::automatic) {
    return {.keep = intent->mark->keep, .authority = Wish::Authority::mark, .known = known};
  }
  if (policy.keep != Keep::automatic) {
    return {.keep = policy.keep, .authority = Wish::Authority::config, .known = known};
  }
  return {.keep = known && intent->wanted ? Keep::up : Keep::down,
          .authority = Wish::Authority::automatic,
          .known = known};
}

}  // namespace upkeep
