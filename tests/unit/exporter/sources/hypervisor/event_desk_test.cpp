#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

#include "exporter/sources/hypervisor/event_feed.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/exporter/sources/hypervisor/recording_listener.h"

namespace upkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const VmUuid kUuid{"11111111-0000-0000-0000-000000000000"};
const VmName kName{"web1"};

class EventDeskTest : public testing::Test {
 protected:
  void io_error() {
    desk_.happened({.uuid = kUuid,
                    .name = kName,
                    .kind = VmEventKind::io_error,
                    .detail = "/dev/drbd0: ignored",
                    .at = {},
                    .wall = {}});
  }

  test::FakeClock clock_;
  RecordingListener listener_;
  std::shared_ptr<Outlet> outlet_ = std::make_shared<Outlet>(clock_, listener_);
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  EventDesk desk_{outlet_, inbox_};
};

TEST_F(EventDeskTest, AnEventIsStampedHandedOverAndLeavesANote) {
  desk_.lifecycle(kUuid, kName, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FAILED);
  ASSERT_EQ(listener_.events().size(), 1U);
  const VmEvent event = listener_.events().front();
  EXPECT_EQ(event.uuid, kUuid);
  EXPECT_EQ(event.name, kName);
  EXPECT_EQ(event.kind, VmEventKind::stopped_failed);
  EXPECT_EQ(event.at, clock_.now());
  EXPECT_EQ(event.wall, clock_.wall());
  EXPECT_EQ(inbox_->take().announced.at(kUuid), std::vector{VmEventKind::stopped_failed});
}

TEST_F(EventDeskTest, ARenameIsNoEventButTheVmIsReadAgain) {
  desk_.lifecycle(kUuid, kName, VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_RENAMED);
  EXPECT_TRUE(listener_.events().empty());
  EXPECT_TRUE(inbox_->take().changed.contains(kUuid));
}

TEST_F(EventDeskTest, AnEventOfANewerLibvirtIsReported) {
  desk_.lifecycle(kUuid, kName, 99, 1);
  EXPECT_EQ(listener_.unparsed(), std::vector<std::string>{"lifecycle event 99/1"});
  EXPECT_TRUE(inbox_->take().changed.contains(kUuid));
}

TEST_F(EventDeskTest, AFloodOfEqualIoErrorsIsHandedOverOnceASecond) {
  for (int i = 0; i < 100; ++i) io_error();
  EXPECT_EQ(listener_.events().size(), 1U);
  clock_.advance(milliseconds(999));
  io_error();
  EXPECT_EQ(listener_.events().size(), 1U);
  clock_.advance(milliseconds(1));
  io_error();
  EXPECT_EQ(listener_.events().size(), 2U);
}

TEST_F(EventDeskTest, StopsAreNeverTakenForRepetitions) {
  for (int i = 0; i < 3; ++i) {
    desk_.lifecycle(kUuid, kName, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FAILED);
  }
  EXPECT_EQ(listener_.events().size(), 3U);
}

TEST_F(EventDeskTest, AClosedOutletReachesNeitherListenerNorClock) {
  outlet_->close();
  desk_.lifecycle(kUuid, kName, VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FAILED);
  outlet_->publish(Observed<std::shared_ptr<const Vms>>{});
  outlet_->read_finished(SourceKind::libvirt, {}, true);
  EXPECT_TRUE(listener_.events().empty());
  EXPECT_EQ(listener_.published_count(SourceKind::libvirt), 0);
  EXPECT_EQ(outlet_->now(), Tick{});
}

}  // namespace
}  // namespace upkeep
