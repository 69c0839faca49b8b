#include "exporter/sources/hypervisor/libvirt_terms.h"

#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

#include <set>
#include <utility>
#include <vector>

namespace upkeep {
namespace {

using enum VmEventKind;

std::vector<VmEventKind> kinds_of(const std::vector<std::pair<int, int>>& events) {
  std::vector<VmEventKind> kinds;
  for (const auto& [event, detail] : events) {
    const LifecycleMeaning meaning = to_lifecycle(event, detail);
    EXPECT_TRUE(meaning.known) << event << "/" << detail;
    if (meaning.kind) kinds.push_back(*meaning.kind);
  }
  return kinds;
}

// What QEMU's driver sends for each cause, measured with libvirt 9.0.0 and QEMU 7.2.
struct Cause {
  const char* what;
  std::vector<std::pair<int, int>> events;
  std::vector<VmEventKind> kinds;
};

TEST(LibvirtTerms, EveryMeasuredCauseIsToldAsWhatItWas) {
  const std::vector<Cause> causes{
      {"start",
       {{VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED},
        {VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED}},
       {resumed, started}},
      {"virsh shutdown obeyed, or guest power-off",
       {{VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_GUEST},
        {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN}},
       {shutdown_guest, stopped_shutdown}},
      {"destroy",
       {{VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_HOST},
        {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED}},
       {shutdown_host, stopped_destroyed}},
      {"QEMU killed",
       {{VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FAILED}},
       {stopped_failed}},
      {"QEMU got SIGTERM",
       {{VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_HOST},
        {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN}},
       {shutdown_host, stopped_shutdown}},
      {"guest panic, on_crash=destroy",
       {{VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED},
        {VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED},
        {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_CRASHED}},
       {suspended, crashed, stopped_crashed}},
      {"guest panic, on_crash=preserve",
       {{VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED}},
       {crashed}},
      {"guest panic, on_crash=restart",
       {{VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED},
        {VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED}},
       {crashed, resumed}},
      {"managedsave",
       {{VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED},
        {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SAVED}},
       {suspended, stopped_saved}},
      {"start from managedsave",
       {{VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_RESTORED},
        {VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT}},
       {started, resumed}},
      {"suspend", {{VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED}}, {suspended}},
      {"I/O error that pauses",
       {{VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_IOERROR}},
       {suspended_io_error}},
      {"migrated away",
       {{VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED},
        {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_MIGRATED}},
       {suspended_migrated, stopped_migrated}},
      {"migrated in",
       {{VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_MIGRATED},
        {VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_ADDED},
        {VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_MIGRATED}},
       {started, defined, resumed}},
      {"undefined",
       {{VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED}},
       {undefined}},
  };
  for (const Cause& cause : causes) EXPECT_EQ(kinds_of(cause.events), cause.kinds) << cause.what;
}

TEST(LibvirtTerms, ARenameIsNeitherAnUndefineNorADefine) {
  EXPECT_TRUE(kinds_of({{VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_RENAMED},
                        {VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_RENAMED}})
                  .empty());
}

TEST(LibvirtTerms, AShutdownThatDoesNotSayWhoseWishItWasNamesNobody) {
  EXPECT_TRUE(kinds_of({{VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_FINISHED}}).empty());
}

TEST(LibvirtTerms, AGuestThatRunsItsCrashKernelHasNotCrashed) {
  EXPECT_TRUE(kinds_of({{VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED}}).empty());
}

TEST(LibvirtTerms, DetailsOfANewerLibvirtAreReportedAndNeverTakenForAKnownOne) {
  const LifecycleMeaning stop = to_lifecycle(VIR_DOMAIN_EVENT_STOPPED, 99);
  EXPECT_FALSE(stop.known);
  EXPECT_EQ(stop.kind, stopped_other);
  for (const auto& [event, detail] :
       std::vector<std::pair<int, int>>{{99, 0},
                                        {-1, 0},
                                        {VIR_DOMAIN_EVENT_CRASHED, 99},
                                        {VIR_DOMAIN_EVENT_SHUTDOWN, -1},
                                        {VIR_DOMAIN_EVENT_UNDEFINED, 99}}) {
    const LifecycleMeaning meaning = to_lifecycle(event, detail);
    EXPECT_FALSE(meaning.known) << event << "/" << detail;
    EXPECT_FALSE(meaning.kind) << event << "/" << detail;
  }
}

TEST(LibvirtTerms, TheTablesHaveARowForEachDetailOfTheseHeaders) {
  const std::vector<std::pair<int, int>> last{
      {VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT},
      {VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_RENAMED},
      {VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_WAKEUP},
      {VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED},
      {VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED},
      {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT},
      {VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_HOST},
      {VIR_DOMAIN_EVENT_PMSUSPENDED, VIR_DOMAIN_EVENT_PMSUSPENDED_DISK},
      {VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED}};
  for (const auto& [event, detail] : last) {
    for (int each = 0; each <= detail; ++each) {
      EXPECT_TRUE(to_lifecycle(event, each).known) << event << "/" << each;
    }
    EXPECT_FALSE(to_lifecycle(event, detail + 1).known) << event;
  }
}

TEST(LibvirtTerms, StatesAreReadAsLibvirtNumbersThem) {
  EXPECT_EQ(to_vm_state(VIR_DOMAIN_RUNNING), VmState::running);
  EXPECT_EQ(to_vm_state(VIR_DOMAIN_BLOCKED), VmState::running);
  EXPECT_EQ(to_vm_state(VIR_DOMAIN_PAUSED), VmState::paused);
  EXPECT_EQ(to_vm_state(VIR_DOMAIN_SHUTDOWN), VmState::shutting_down);
  EXPECT_EQ(to_vm_state(VIR_DOMAIN_SHUTOFF), VmState::shut_off);
  EXPECT_EQ(to_vm_state(VIR_DOMAIN_CRASHED), VmState::crashed);
  EXPECT_EQ(to_vm_state(VIR_DOMAIN_PMSUSPENDED), VmState::suspended);
  EXPECT_EQ(to_vm_state(VIR_DOMAIN_NOSTATE), VmState::unknown);
  EXPECT_EQ(to_vm_state(42), VmState::unknown);
}

TEST(LibvirtTerms, TheSameReasonNumberMeansSomethingElseInEachState) {
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED), VmReason::booted);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_CRASHED), VmReason::crashed);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_POSTCOPY_FAILED),
            VmReason::post_copy_failed);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER), VmReason::user);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR), VmReason::io_error);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_POSTCOPY_FAILED),
            VmReason::post_copy_failed);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_SHUTDOWN, VIR_DOMAIN_SHUTDOWN_USER), VmReason::user);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_SHUTDOWN), VmReason::shutdown);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_DESTROYED), VmReason::destroyed);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_CRASHED), VmReason::crashed);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_MIGRATED), VmReason::migrated);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_SAVED), VmReason::saved);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_FAILED), VmReason::failed);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT),
            VmReason::from_snapshot);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_DAEMON), VmReason::daemon);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_PANICKED), VmReason::panicked);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_SHUTOFF, 99), VmReason::unknown);
  EXPECT_EQ(to_vm_reason(VIR_DOMAIN_PAUSED, -1), VmReason::unknown);
}

TEST(LibvirtTerms, AChangeIsAnnouncedByTheEventThatNamesItAndNotByAnEarlierOne) {
  EXPECT_TRUE(announces(stopped_failed, VmState::running, VmState::shut_off));
  EXPECT_FALSE(announces(shutdown_guest, VmState::running, VmState::shut_off));
  EXPECT_TRUE(announces(shutdown_guest, VmState::running, VmState::shutting_down));
  EXPECT_TRUE(announces(started, VmState::shut_off, VmState::running));
  EXPECT_FALSE(announces(resumed, VmState::shut_off, VmState::running));
  EXPECT_TRUE(announces(resumed, VmState::paused, VmState::running));
  EXPECT_TRUE(announces(suspended_io_error, VmState::running, VmState::paused));
  EXPECT_TRUE(announces(crashed, VmState::running, VmState::crashed));
  EXPECT_TRUE(announces(defined, std::nullopt, VmState::shut_off));
  EXPECT_FALSE(announces(stopped_failed, std::nullopt, VmState::shut_off));
  EXPECT_TRUE(announces(undefined, VmState::shut_off, std::nullopt));
  EXPECT_TRUE(announces(stopped_failed, VmState::running, std::nullopt)) << "a transient VM";
}

TEST(LibvirtTerms, SentencesNameTheDiskAndWhatBecameOfIt) {
  EXPECT_EQ(io_error_detail("/dev/drbd0", VIR_DOMAIN_EVENT_IO_ERROR_PAUSE, "enospc"),
            "/dev/drbd0: guest paused (enospc)");
  EXPECT_EQ(io_error_detail("/dev/drbd0", VIR_DOMAIN_EVENT_IO_ERROR_REPORT, ""),
            "/dev/drbd0: reported to the guest");
  EXPECT_EQ(io_error_detail("/dev/drbd0", 77, ""), "/dev/drbd0: unknown action");
  EXPECT_EQ(disk_change_detail("virtio-disk1", "/dev/drbd1", "",
                               VIR_DOMAIN_EVENT_DISK_DROP_MISSING_ON_START),
            "virtio-disk1: /dev/drbd1 dropped, missing at start");
  EXPECT_EQ(watchdog_detail(VIR_DOMAIN_EVENT_WATCHDOG_RESET), "reset");
  EXPECT_EQ(watchdog_detail(VIR_DOMAIN_EVENT_WATCHDOG_INJECTNMI), "inject_nmi");
  EXPECT_EQ(watchdog_detail(99), "unknown");
}

}  // namespace
}  // namespace upkeep
