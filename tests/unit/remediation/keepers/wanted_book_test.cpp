#include "remediation/keepers/wanted_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "remediation/reconciler.h"
#include "simulation/memory_journal.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"
#include "tests/support/fake_recorder.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_vm;
using test::TestWorld;
using test::uuid_of;
using test::vm_target;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class WantedBookTest : public ::testing::Test {
 protected:
  void with(const Vm& vm) {
    const auto told = world_.history.wanted_told;
    world_.with(vm);
    world_.history.wanted_told = told;
  }
  void look() {
    book_.look({.snapshot = world_.snapshot,
                .policy = world_.policy,
                .now = world_.now,
                .wall = test::kWall});
  }
  std::vector<std::string> list() {
    look();
    std::vector<std::string> uuids;
    for (const auto& [uuid, since] : *world_.history.wanted_told) uuids.push_back(uuid.value);
    return uuids;
  }
  Tick since(const std::string& vm) { return world_.history.wanted_told->at({uuid_of(vm)}); }

  TestWorld world_;
  WantedBook book_{world_.history};
};

TEST_F(WantedBookTest, ListsWhatWouldBeStartedHere) {
  with(a_vm("web1").off());
  with(a_vm("web2").off());
  with(a_vm("web3"));
  with(a_vm("new1").off());
  world_.wanted("web1")
      .unwanted("web2", StopCause::operator_destroy)
      .wanted("web3", StopCause::none);
  EXPECT_THAT(list(), UnorderedElementsAre(uuid_of("web1"), uuid_of("web3")));
  world_.marked("web2", Keep::up).marked("web1", Keep::down);
  EXPECT_THAT(list(), UnorderedElementsAre(uuid_of("web2"), uuid_of("web3")));
}

TEST_F(WantedBookTest, WhatMovedAwayIsNotWantedUnlessAPersonSaysSo) {
  with(a_vm("web1").off());
  world_.unwanted("web1", StopCause::moved_away).vm_policy({.match = "web*", .keep = Keep::up});
  EXPECT_THAT(list(), IsEmpty()) << "vm_down holds it, so that its new node may start it";
  world_.marked("web1", Keep::up);
  EXPECT_THAT(list(), ElementsAre(uuid_of("web1")));
  world_.history.intents.at(VmUuid{uuid_of("web1")}).changed = test::kWall + 1s;
  EXPECT_THAT(list(), IsEmpty()) << "a mark of before it moved";
}

TEST_F(WantedBookTest, AStartUnderWayIsListedUntilAReadingCanShowIt) {
  with(a_vm("web1").off());
  world_.unwanted("web1", StopCause::crashed);
  world_.tried(vm_target("web1")).in_flight = 7;
  EXPECT_THAT(list(), ElementsAre(uuid_of("web1")));
  world_.tried(vm_target("web1")).in_flight.reset();
  world_.tried(vm_target("web1")).last_end = world_.now;
  EXPECT_THAT(list(), ElementsAre(uuid_of("web1"))) << "the reading may be of before it ran";
  world_.later(1s);
  EXPECT_THAT(list(), IsEmpty());
}

TEST_F(WantedBookTest, CountsFromWhenThePeersCouldHearIt) {
  with(a_vm("web1").off());
  world_.wanted("web1");
  look();
  EXPECT_EQ(since("web1"), Tick::max());
  book_.told(world_.now + 3s);
  EXPECT_EQ(since("web1"), world_.now + 3s);
  world_.later(10s);
  look();
  book_.told(world_.now);
  EXPECT_EQ(since("web1"), world_.now - 7s) << "told once";
  world_.marked("web1", Keep::down);
  look();
  world_.marked("web1", Keep::up);
  look();
  EXPECT_EQ(since("web1"), Tick::max()) << "wanted anew";
}

TEST_F(WantedBookTest, StaysAsItIsWhileTheVmsCannotBeSeen) {
  world_.snapshot.vms.reading = fail(Errc::unavailable, "no libvirtd");
  look();
  book_.told(world_.now);
  EXPECT_FALSE(world_.history.wanted_told) << "not known is not empty";
  TestWorld seen;
  world_.snapshot = seen.snapshot;
  with(a_vm("web1").off());
  world_.wanted("web1");
  ASSERT_THAT(list(), ElementsAre(uuid_of("web1")));
  world_.now += 1min;
  world_.marked("web1", Keep::down);
  EXPECT_THAT(list(), ElementsAre(uuid_of("web1")));
}

TEST_F(WantedBookTest, ALostInventoryIsNoWishForNothingNorForAll) {
  with(a_vm("web1").off());
  world_.wanted("web1");
  ASSERT_THAT(list(), ElementsAre(uuid_of("web1")));
  book_.told(world_.now);
  const Tick told = since("web1");
  world_.wanted("web2", StopCause::none)
      .unwanted("web3", StopCause::operator_destroy)
      .wanted("web4", StopCause::undefined_vm);
  world_.later(10s);
  world_.snapshot.vms.reading = std::make_shared<Vms>();
  look();
  ASSERT_TRUE(world_.history.wanted_told) << "null would hold each VM of the other nodes";
  EXPECT_THAT(list(), UnorderedElementsAre(uuid_of("web1"), uuid_of("web2")))
      << "they may run unseen: the URI may be wrong";
  EXPECT_EQ(since("web1"), told);
  EXPECT_EQ(since("web2"), Tick::max());
  EXPECT_FALSE(book_.start_waits()) << "there is nothing to start";
}

TEST_F(WantedBookTest, AMarkEndsTheWishForAVmThatLeftUnseen) {
  world_.wanted("web1", StopCause::none).wanted("web2", StopCause::none);
  world_.snapshot.vms.reading = std::make_shared<Vms>();
  ASSERT_THAT(list(), UnorderedElementsAre(uuid_of("web1"), uuid_of("web2")));
  world_.marked("web1", Keep::down);
  EXPECT_THAT(list(), ElementsAre(uuid_of("web2")));
}

TEST_F(WantedBookTest, ANodeThatItsVmsHaveLeftWantsNone) {
  world_.unwanted("web1", StopCause::moved_away).marked("web1", Keep::up);
  EXPECT_THAT(list(), IsEmpty());
  world_.unwanted("web1", StopCause::operator_destroy).marked("web1", Keep::down);
  EXPECT_THAT(list(), IsEmpty());
}

TEST_F(WantedBookTest, AStartWaitsForThePeersOnlyOfWhatIsOffAndNewOnTheList) {
  with(a_vm("web1"));
  world_.wanted("web1", StopCause::none);
  look();
  EXPECT_FALSE(book_.start_waits()) << "it runs";
  book_.told(world_.now);
  with(a_vm("web1").off());
  look();
  EXPECT_FALSE(book_.start_waits()) << "the peers know";
  with(a_vm("web2").off());
  world_.wanted("web2");
  look();
  EXPECT_TRUE(book_.start_waits());
  book_.told(world_.now);
  look();
  EXPECT_FALSE(book_.start_waits());
}

/// A daemon in mode act whose only VM is off and lies on shared storage.
class WantedAnewTest : public ::testing::Test {
 protected:
  WantedAnewTest() {
    world_.with(a_vm("web1").off().disk("vda", DiskBacking::shared)).peer("node2");
    daemon_ = std::make_unique<Reconciler>(Reconciler::Parts{.clock = clock_,
                                                             .journal = journal_,
                                                             .executor = executor_,
                                                             .recorder = recorder_,
                                                             .reread = [this] { ++rereads_; }},
                                           std::make_shared<const Policy>(world_.policy),
                                           journal_.load().value());
    for (int i = 0; i < 5; ++i) pass(1s);
  }
  /// Time goes on, and everything but the peer is read again.
  void pass(Duration time, std::optional<Mark> mark = std::nullopt) {
    clock_.advance(time);
    const Observed<PeerFacts> said = world_.snapshot.peers.front().facts;
    world_.later(clock_.now() - world_.now);
    world_.snapshot.peers.front().facts = said;
    Inputs inputs;
    if (mark)
      inputs.commands.push_back({MarkVm{.vm = {"web1"}, .mark = *mark}, [](const auto&) {}});
    static_cast<void>(
        daemon_->step(std::make_shared<const Snapshot>(world_.snapshot), std::move(inputs)));
  }
  void peer_answers() { world_.snapshot.peers.front().facts.at = clock_.now(); }

  int rereads_ = 0;
  test::FakeClock clock_;
  test::TestWorld world_;
  simulation::MemoryJournal journal_;
  test::RecordingRecorder recorder_;
  test::ScriptedExecutor executor_;
  std::unique_ptr<Reconciler> daemon_;
};

TEST_F(WantedAnewTest, IsStartedOnlyOnAnAnswerToAQuestionThatCameAfterIt) {
  peer_answers();
  pass(1s);
  const int before = rereads_;
  pass(1s, Mark{.keep = Keep::up});
  EXPECT_EQ(rereads_, before + 1) << "nobody waits for the next round of questions";
  pass(1s);
  pass(1s);
  EXPECT_THAT(executor_.submitted, IsEmpty()) << "node2 may want it since, and did not know of us";
  EXPECT_EQ(rereads_, before + 1);
  peer_answers();
  pass(1s);
  EXPECT_EQ(executor_.submitted.size(), 1U);
}

}  // namespace
}  // namespace upkeep
