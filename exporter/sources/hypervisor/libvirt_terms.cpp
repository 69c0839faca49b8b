#include "exporter/sources/hypervisor/libvirt_terms.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <array>
#include <span>

namespace upkeep {
namespace {

// Indexed by virDomain*Reason; the numbers are libvirt's stable interface.
constexpr std::array kRunning{VmReason::unknown,
                              VmReason::booted,
                              VmReason::migrated,
                              VmReason::restored,
                              VmReason::from_snapshot,
                              VmReason::unpaused,
                              VmReason::migration_canceled,
                              VmReason::save_canceled,
                              VmReason::woken,
                              VmReason::crashed,
                              VmReason::post_copy,
                              VmReason::post_copy_failed};
constexpr std::array kPaused{VmReason::unknown,       VmReason::user,
                             VmReason::migration,     VmReason::save,
                             VmReason::dump,          VmReason::io_error,
                             VmReason::watchdog,      VmReason::from_snapshot,
                             VmReason::shutting_down, VmReason::snapshot,
                             VmReason::crashed,       VmReason::starting_up,
                             VmReason::post_copy,     VmReason::post_copy_failed};
constexpr std::array kShutOff{VmReason::unknown, VmReason::shutdown,      VmReason::destroyed,
                              VmReason::crashed, VmReason::migrated,      VmReason::saved,
                              VmReason::failed,  VmReason::from_snapshot, VmReason::daemon};
constexpr std::array kCrashed{VmReason::unknown, VmReason::panicked};
constexpr std::array kShuttingDown{VmReason::unknown, VmReason::user};

struct Detail {
  std::optional<VmEventKind> kind;
  std::string_view word;
};

using enum VmEventKind;

// Indexed by virDomainEvent*DetailType.
constexpr std::array<Detail, 4> kDefinedDetails{{{defined, "added"},
                                                 {defined, "updated"},
                                                 {std::nullopt, "renamed"},
                                                 {defined, "from_snapshot"}}};
constexpr std::array<Detail, 2> kUndefinedDetails{
    {{undefined, "removed"}, {std::nullopt, "renamed"}}};
constexpr std::array<Detail, 5> kStartedDetails{{{started, "booted"},
                                                 {started, "migrated"},
                                                 {started, "restored"},
                                                 {started, "from_snapshot"},
                                                 {started, "woken"}}};
constexpr std::array<Detail, 9> kSuspendedDetails{{{suspended, "paused"},
                                                   {suspended_migrated, "migrated"},
                                                   {suspended_io_error, "io_error"},
                                                   {suspended, "watchdog"},
                                                   {suspended, "restored"},
                                                   {suspended, "from_snapshot"},
                                                   {suspended, "api_error"},
                                                   {suspended, "post_copy"},
                                                   {suspended, "post_copy_failed"}}};
constexpr std::array<Detail, 5> kResumedDetails{{{resumed, "unpaused"},
                                                 {resumed, "migrated"},
                                                 {resumed, "from_snapshot"},
                                                 {resumed, "post_copy"},
                                                 {resumed, "post_copy_failed"}}};
constexpr std::array<Detail, 7> kStoppedDetails{{{stopped_shutdown, "shutdown"},
                                                 {stopped_destroyed, "destroyed"},
                                                 {stopped_crashed, "crashed"},
                                                 {stopped_migrated, "migrated"},
                                                 {stopped_saved, "saved"},
                                                 {stopped_failed, "failed"},
                                                 {stopped_other, "from_snapshot"}}};
constexpr std::array<Detail, 3> kShutdownDetails{
    {{std::nullopt, "finished"}, {shutdown_guest, "guest"}, {shutdown_host, "host"}}};
constexpr std::array<Detail, 2> kPmSuspendedDetails{
    {{suspended, "suspended_to_memory"}, {suspended, "suspended_to_disk"}}};
constexpr std::array<Detail, 2> kCrashedDetails{
    {{crashed, "panicked"}, {std::nullopt, "crash_loaded"}}};

/// One row a virDomainEventType; `otherwise` is for a detail that this program doesn't know.
struct Row {
  std::span<const Detail> details;
  std::optional<VmEventKind> otherwise;
};

constexpr std::array<Row, 9> kRows{{{kDefinedDetails, defined},
                                    {kUndefinedDetails, std::nullopt},
                                    {kStartedDetails, started},
                                    {kSuspendedDetails, suspended},
                                    {kResumedDetails, resumed},
                                    {kStoppedDetails, stopped_other},
                                    {kShutdownDetails, std::nullopt},
                                    {kPmSuspendedDetails, suspended},
                                    {kCrashedDetails, std::nullopt}}};

static_assert(VIR_DOMAIN_EVENT_DEFINED == 0 && VIR_DOMAIN_EVENT_STOPPED == 5 &&
              VIR_DOMAIN_EVENT_CRASHED == 8);

bool is_stop(VmEventKind kind) {
  return kind == stopped_shutdown || kind == stopped_destroyed || kind == stopped_crashed ||
         kind == stopped_migrated || kind == stopped_saved || kind == stopped_failed ||
         kind == stopped_other;
}

VmReason reason_at(std::span<const VmReason> reasons, int reason) {
  if (reason < 0 || static_cast<std::size_t>(reason) >= reasons.size()) return VmReason::unknown;
  return reasons[static_cast<std::size_t>(reason)];
}

}  // namespace

VmState to_vm_state(int state) {
  switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED: return VmState::running;
    case VIR_DOMAIN_PAUSED: return VmState::paused;
    case VIR_DOMAIN_SHUTDOWN: return VmState::shutting_down;
    case VIR_DOMAIN_SHUTOFF: return VmState::shut_off;
    case VIR_DOMAIN_CRASHED: return VmState::crashed;
    case VIR_DOMAIN_PMSUSPENDED: return VmState::suspended;
    default: return VmState::unknown;
  }
}

VmReason to_vm_reason(int state, int reason) {
  switch (state) {
    case VIR_DOMAIN_RUNNING: return reason_at(kRunning, reason);
    case VIR_DOMAIN_PAUSED: return reason_at(kPaused, reason);
    case VIR_DOMAIN_SHUTDOWN: return reason_at(kShuttingDown, reason);
    case VIR_DOMAIN_SHUTOFF: return reason_at(kShutOff, reason);
    case VIR_DOMAIN_CRASHED: return reason_at(kCrashed, reason);
    default: return VmReason::unknown;
  }
}

LifecycleMeaning to_lifecycle(int event, int detail) {
  if (event < 0 || static_cast<std::size_t>(event) >= kRows.size()) {
    return {std::nullopt, "unknown event", false};
  }
  const Row& row = kRows[static_cast<std::size_t>(event)];
  if (detail < 0 || static_cast<std::size_t>(detail) >= row.details.size()) {
    return {row.otherwise, "unknown detail", false};
  }
  const Detail& found = row.details[static_cast<std::size_t>(detail)];
  return {found.kind, found.word, true};
}

bool announces(VmEventKind kind, std::optional<VmState> from, std::optional<VmState> to) {
  if (!from) return kind == defined || kind == started;
  if (!to) return kind == undefined || is_stop(kind);
  switch (*to) {
    // QEMU's RESUMED comes before STARTED: of a VM that was off, only the latter says it all.
    case VmState::running:
      return kind == started || (kind == resumed && *from != VmState::shut_off);
    case VmState::paused:
      return kind == suspended || kind == suspended_io_error || kind == suspended_migrated ||
             kind == started;
    case VmState::suspended: return kind == suspended;
    case VmState::shut_off: return is_stop(kind);
    case VmState::crashed: return kind == crashed;
    case VmState::shutting_down: return kind == shutdown_guest || kind == shutdown_host;
    case VmState::unknown: return true;
  }
  return true;
}

std::string io_error_detail(std::string_view path, int action, std::string_view reason) {
  std::string_view done = "unknown action";
  switch (action) {
    case VIR_DOMAIN_EVENT_IO_ERROR_NONE: done = "ignored"; break;
    case VIR_DOMAIN_EVENT_IO_ERROR_PAUSE: done = "guest paused"; break;
    case VIR_DOMAIN_EVENT_IO_ERROR_REPORT: done = "reported to the guest"; break;
    default: break;
  }
  return reason.empty() ? fmt::format("{}: {}", path, done)
                        : fmt::format("{}: {} ({})", path, done, reason);
}

std::string_view watchdog_detail(int action) {
  constexpr std::array<std::string_view, 7> kActions{"none",     "pause", "reset",     "poweroff",
                                                     "shutdown", "debug", "inject_nmi"};
  if (action < 0 || static_cast<std::size_t>(action) >= kActions.size()) return "unknown";
  return kActions[static_cast<std::size_t>(action)];
}

std::string disk_change_detail(std::string_view alias, std::string_view old_path,
                               std::string_view new_path, int reason) {
  const std::string_view why =
      reason == VIR_DOMAIN_EVENT_DISK_DROP_MISSING_ON_START ? ", missing at start" : "";
  if (new_path.empty()) return fmt::format("{}: {} dropped{}", alias, old_path, why);
  return fmt::format("{}: {} replaced by {}{}", alias, old_path, new_path, why);
}

}  // namespace upkeep
