#include "remediation/keepers/standing_keeper.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "remediation/reconciler.h"
#include "simulation/memory_journal.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"
#include "tests/support/fake_recorder.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::uuid_of;

using Kind = Standing::Kind;

/// A daemon in mode observe: nothing but the readings ends what stands.
class StandingKeeperTest : public ::testing::Test {
 protected:
  StandingKeeperTest() { world_.policy.mode = Mode::observe; }

  /// Somebody says so now; the daemon that is started next knows it from the journal.
  void stands(Kind kind, const std::string& subject) {
    const Standing standing{
        .kind = kind, .subject = subject, .by = "anna", .reason = "", .at = clock_.wall()};
    ASSERT_TRUE(journal_.save(standing));
  }
  void start() {
    daemon_ = std::make_unique<Reconciler>(
        Reconciler::Parts{
            .clock = clock_, .journal = journal_, .executor = executor_, .recorder = recorder_},
        std::make_shared<const Policy>(world_.policy), journal_.load().value());
    step();
  }
  void step(Inputs inputs = {}) {
    world_.later(clock_.now() - world_.now);
    for (Peer& peer : world_.snapshot.peers) peer.facts.at = peers_at_.value_or(clock_.now());
    static_cast<void>(
        daemon_->step(std::make_shared<const Snapshot>(world_.snapshot), std::move(inputs)));
  }
  void pass(Duration time) {
    clock_.advance(time);
    step();
  }
  /// The daemon's loop does not come to look.
  void pass_unseen(Duration time) { clock_.advance(time); }
  void declare_dead(const std::string& node) {
    Inputs inputs;
    inputs.commands.emplace_back(
        DeclareDead{.node = {node}, .by = "anna"},
        [](const Result<std::string>& answer) { EXPECT_TRUE(answer) << answer.error().message; });
    step(std::move(inputs));
  }
  /// In the daemon's memory and on the disk alike.
  [[nodiscard]] bool holds(Kind kind, const std::string& subject) {
    const StandingKey key{kind, subject};
    const bool remembered = daemon_->view()->history.standings.contains(key);
    EXPECT_EQ(journal_.state().standings.contains(key), remembered);
    return remembered;
  }

  test::FakeClock clock_;
  test::TestWorld world_;
  simulation::MemoryJournal journal_;
  test::RecordingRecorder recorder_;
  test::ScriptedExecutor executor_;
  std::unique_ptr<Reconciler> daemon_;
  std::optional<Tick> peers_at_;  ///< When the peers' upkeeps answered last; absent: just now.
};

TEST_F(StandingKeeperTest, ADeadPeerIsDeadUntilItIsConnectedAgain) {
  world_.with(a_resource("r0", 0).peer_gone());
  stands(Kind::peer_dead, "node2");
  start();
  pass(72h);
  ASSERT_TRUE(holds(Kind::peer_dead, "node2")) << "no time ends it";
  world_.with(a_resource("r0", 0).peer_gone().second_peer("node3", DrbdConnection::connected,
                                                          DrbdRole::secondary));
  pass(1s);
  ASSERT_TRUE(holds(Kind::peer_dead, "node2")) << "another peer proves nothing";
  start();
  ASSERT_TRUE(holds(Kind::peer_dead, "node2")) << "a restart ends nothing";
  world_.with(a_resource("r0", 0));
  pass(1s);
  EXPECT_FALSE(holds(Kind::peer_dead, "node2"));
}

TEST_F(StandingKeeperTest, AReadingThatFailedShowsNoDeadPeerAlive) {
  world_.with(a_resource("r0", 0));
  world_.snapshot.drbd.reading = fail(Errc::unavailable, "drbdsetup: exited with 20");
  stands(Kind::peer_dead, "node2");
  start();
  EXPECT_TRUE(holds(Kind::peer_dead, "node2"));
}

TEST_F(StandingKeeperTest, APeerWithoutANameMayBeTheDeadOne) {
  DrbdResource resource = a_resource("r0", 0);
  resource.peers.front().name = NodeName{std::string(kPeerOf84)};
  world_.drbd_version("8.4.11").with(resource);
  stands(Kind::peer_dead, "node2");
  start();
  EXPECT_FALSE(holds(Kind::peer_dead, "node2"));
}

TEST_F(StandingKeeperTest, ADeadPeerThatAnswersAfterwardsIsAlive) {
  world_.with(a_resource("r0", 0).peer_gone()).peer("node2");
  peers_at_ = clock_.now();
  clock_.advance(1s);
  stands(Kind::peer_dead, "node2");
  stands(Kind::peer_dead, "node3");
  start();
  EXPECT_TRUE(holds(Kind::peer_dead, "node2")) << "what it answered before is no news";
  peers_at_.reset();
  pass(1s);
  EXPECT_FALSE(holds(Kind::peer_dead, "node2"));
  EXPECT_TRUE(holds(Kind::peer_dead, "node3")) << "not asked";
}

TEST_F(StandingKeeperTest, ADeadPeerAtWhoseAddressSomethingAnswersIsAlive) {
  world_.with(a_resource("r0", 0).peer_gone()).peer("node2");
  peers_at_ = clock_.now();
  clock_.advance(1s);
  stands(Kind::peer_dead, "node2");
  start();
  world_.snapshot.peers.back().heard = clock_.now();
  EXPECT_TRUE(holds(Kind::peer_dead, "node2")) << "in the second in which it was said";
  clock_.advance(1s);
  world_.snapshot.peers.back().heard = clock_.now();
  world_.snapshot.peers.back().error = Error{Errc::invalid, "answers as node3"};
  step();
  EXPECT_FALSE(holds(Kind::peer_dead, "node2"));
}

TEST_F(StandingKeeperTest, ADomainHidesNoSignOfLife) {
  world_.with(a_resource("r0", 0));
  stands(Kind::peer_dead, "node2.example");
  start();
  EXPECT_FALSE(holds(Kind::peer_dead, "node2.example")) << "DRBD is connected to node2";
  world_.with(a_resource("r0", 0).peer_gone());
  stands(Kind::peer_dead, "node2.a");
  stands(Kind::peer_dead, "Node2");
  start();
  world_.peer("node2.b");
  pass(1s);
  EXPECT_TRUE(holds(Kind::peer_dead, "node2.a")) << "node2.b is another";
  EXPECT_FALSE(holds(Kind::peer_dead, "Node2")) << "which of them was meant is not known";
}

TEST_F(StandingKeeperTest, AWallClockThatIsSetBackHidesNoSignOfLife) {
  world_.with(a_resource("r0", 0).peer_gone()).peer("node2");
  peers_at_ = clock_.now();
  pass_unseen(1min);
  for (const bool restarted : {false, true}) {
    start();
    declare_dead("node2");
    ASSERT_TRUE(holds(Kind::peer_dead, "node2"));
    clock_.step_wall(-3h);
    if (restarted) start();
    pass(1s);
    ASSERT_TRUE(holds(Kind::peer_dead, "node2")) << "a clock that is set is no sign of life";
    peers_at_.reset();
    pass(1s);
    EXPECT_FALSE(holds(Kind::peer_dead, "node2")) << restarted;
    peers_at_ = clock_.now();
    pass(1min);
  }
}

TEST_F(StandingKeeperTest, AWallClockThatIsSetForwardMakesNoOldAnswerASignOfLife) {
  world_.with(a_resource("r0", 0).peer_gone()).peer("node2");
  peers_at_ = clock_.now();
  pass_unseen(1min);
  start();
  declare_dead("node2");
  clock_.step_wall(3h);
  pass(1s);
  EXPECT_TRUE(holds(Kind::peer_dead, "node2"));
}

TEST_F(StandingKeeperTest, ASignOfLifeThatNobodyLookedAtForLongStillCounts) {
  world_.with(a_resource("r0", 0).peer_gone()).peer("node2");
  peers_at_ = clock_.now();
  pass_unseen(1min);
  start();
  declare_dead("node2");
  pass_unseen(1s);
  peers_at_ = clock_.now();
  pass(1min);
  EXPECT_FALSE(holds(Kind::peer_dead, "node2")) << "the loop was held up while it was there";
}

TEST_F(StandingKeeperTest, AStartWithoutThePeerIsAllowedForTwoHours) {
  world_.with(a_vm("web1").off());
  stands(Kind::allow_degraded, uuid_of("web1"));
  start();
  pass(2h - 1s);
  EXPECT_TRUE(holds(Kind::allow_degraded, uuid_of("web1")));
  pass(1s);
  EXPECT_FALSE(holds(Kind::allow_degraded, uuid_of("web1")));
}

TEST_F(StandingKeeperTest, AWallClockThatIsSetBackDoesNotAllowAStartForLonger) {
  world_.with(a_vm("web1").off());
  stands(Kind::allow_degraded, uuid_of("web1"));
  clock_.step_wall(-3h);
  start();
  EXPECT_FALSE(holds(Kind::allow_degraded, uuid_of("web1")));
}

TEST_F(StandingKeeperTest, AnAllowedStartIsAllowedOnce) {
  world_.with(a_vm("web1").off()).with(a_vm("web2"));
  stands(Kind::allow_degraded, uuid_of("web1"));
  start();
  pass(1min);
  ASSERT_TRUE(holds(Kind::allow_degraded, uuid_of("web1"))) << "web2 is another VM";
  world_.with(a_vm("web1"));
  world_.snapshot.vms.reading = fail(Errc::unavailable, "libvirt: no connection");
  pass(1s);
  ASSERT_TRUE(holds(Kind::allow_degraded, uuid_of("web1"))) << "nobody saw it";
  world_.snapshot.vms.reading = std::make_shared<const Vms>(Vms{a_vm("web1")});
  pass(1s);
  EXPECT_FALSE(holds(Kind::allow_degraded, uuid_of("web1")));
}

/// web1 runs; its disk vda is there or isn't.
Vm web1(bool attached) {
  Vm vm = a_vm("web1");
  vm.disks.front().source = "/dev/vg0/web1";
  vm.disks.front().attached = attached;
  return vm;
}

TEST_F(StandingKeeperTest, ADiskThatLibvirtDroppedIsLostUntilItIsBack) {
  world_.with(web1(true));
  start();
  const std::string disk = uuid_of("web1") + "/vda";
  const auto dropped = [&](const std::string& detail) {
    clock_.advance(1s);
    world_.with(web1(false));
    step({.vm_events = {{.uuid = {uuid_of("web1")},
                         .name = {"web1"},
                         .kind = VmEventKind::disk_changed,
                         .detail = detail,
                         .at = clock_.now(),
                         .wall = clock_.wall()}}});
  };
  dropped("vda: /dev/vg0/web1 ejected");
  EXPECT_FALSE(holds(Kind::disk_lost, disk)) << "a person did that";
  dropped("vda: /dev/vg0/web10 dropped, missing at start");
  EXPECT_FALSE(holds(Kind::disk_lost, disk)) << "another disk";
  dropped("vda: /dev/vg0/web1 dropped, missing at start");
  ASSERT_TRUE(holds(Kind::disk_lost, disk));
  pass(72h);
  start();
  ASSERT_TRUE(holds(Kind::disk_lost, disk)) << "neither time nor a restart brings it back";
  world_.with(web1(true));
  pass(1s);
  EXPECT_FALSE(holds(Kind::disk_lost, disk));
}

}  // namespace
}  // namespace upkeep
