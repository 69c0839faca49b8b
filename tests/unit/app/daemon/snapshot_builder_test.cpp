#include "app/daemon/snapshot_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/app/daemon/fake_host.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SnapshotBuilderTest : public testing::Test {
 protected:
  SnapshotBuilderTest() { host_.uses_drbd = false; }

  void vms_answer() { host_.said_vms = {.reading = list_of({}), .at = clock_.now()}; }
  void vms_fail(const std::string& why) {
    host_.said_vms = {.reading = fail(Errc::unavailable, why), .at = clock_.now()};
  }
  std::shared_ptr<const Snapshot> build() { return builder_.build(freshness_); }

  TestClock clock_;
  FakeHost host_;
  std::vector<std::string> lines_;
  Log log_{clock_, {.sink = [this](std::string_view line) { lines_.emplace_back(line); }}};
  SnapshotBuilder builder_{clock_, host_, log_};
  Freshness freshness_;
};

TEST_F(SnapshotBuilderTest, TakesWhatTheSourcesSaidLast) {
  host_.said_vms = {.reading = list_of({vm_named("web1", VmState::running)}), .at = clock_.now()};
  host_.said_drbd = {.reading = drbd_with("r0"), .at = clock_.now()};
  host_.uses_drbd = true;
  host_.said_node.reading =
      Node{.boot_id = BootId{"b"}, .boot_time = {}, .load1 = {}, .pressure = {}};
  host_.said_peers.push_back({.name = NodeName{"node2"}});
  clock_.advance(1s);

  const auto snapshot = build();
  EXPECT_NE(find_vm(*snapshot, VmName{"web1"}), nullptr);
  EXPECT_NE(find_resource(*snapshot, ResourceName{"r0"}), nullptr);
  EXPECT_TRUE(snapshot->drbd_in_use);
  EXPECT_EQ(snapshot->node.reading->boot_id, BootId{"b"});
  ASSERT_EQ(snapshot->peers.size(), 1U);
  EXPECT_EQ(snapshot->at, clock_.now());
  EXPECT_EQ(snapshot->wall, clock_.wall());
}

TEST_F(SnapshotBuilderTest, CountsGenerations) {
  const auto first = build()->generation;
  EXPECT_EQ(build()->generation, first + 1);
}

TEST_F(SnapshotBuilderTest, SaysOnceThatASourceIsGoneAndOnceThatItIsBack) {
  vms_answer();
  build();
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("source answers"), HasSubstr("source=libvirt"))));
  lines_.clear();

  vms_fail("can't connect");
  build();
  build();
  vms_fail("another reason");
  build();
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("does not answer"), HasSubstr("level=warn"),
                                        HasSubstr("source=libvirt"), HasSubstr("can't connect"))));
  lines_.clear();

  vms_answer();
  build();
  build();
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("source answers again")));
}

TEST_F(SnapshotBuilderTest, AReadingThatGrowsOldIsASourceThatIsGone) {
  vms_answer();
  build();
  lines_.clear();
  clock_.advance(freshness_.vms);
  build();
  EXPECT_THAT(lines_, IsEmpty());
  clock_.advance(1ms);
  build();
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("too old")));
}

TEST_F(SnapshotBuilderTest, GivesSourcesTimeForTheirFirstReading) {
  build();
  EXPECT_THAT(lines_, IsEmpty());
  clock_.advance(11s);
  build();
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("source=libvirt"), HasSubstr("source=node")));
}

TEST_F(SnapshotBuilderTest, SaysNothingOfDrbdWhereThereIsNone) {
  clock_.advance(11s);
  build();
  EXPECT_THAT(lines_, testing::Each(testing::Not(HasSubstr("source=drbd"))));
}

TEST_F(SnapshotBuilderTest, AReadingOfNoDrbdAtAllIsNotTold) {
  host_.uses_drbd = true;
  host_.said_drbd = {.reading = std::make_shared<const Drbd>(), .at = clock_.now()};
  build();
  EXPECT_THAT(lines_, IsEmpty());
  host_.said_drbd = {.reading = drbd_with("r0"), .at = clock_.now()};
  build();
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("source=drbd")));
}

TEST_F(SnapshotBuilderTest, AllReadMeansEverySourceInUseSpoke) {
  EXPECT_FALSE(all_read(*build()));
  vms_fail("no libvirtd");  // A failure is an answer too.
  host_.said_node = {.reading = Node{}, .at = clock_.now()};
  EXPECT_TRUE(all_read(*build()));
  host_.uses_drbd = true;
  EXPECT_FALSE(all_read(*build()));
  host_.said_drbd = {.reading = drbd_with("r0"), .at = clock_.now()};
  EXPECT_TRUE(all_read(*build()));
}

TEST_F(SnapshotBuilderTest, SaysOnceThatAnotherAnswersInAPeersPlace) {
  host_.said_peers.push_back({.name = NodeName{"node2"}});
  Peer& peer = host_.said_peers.back();
  peer.error = Error{Errc::timed_out, "no answer in time"};
  build();
  EXPECT_THAT(lines_, IsEmpty()) << "silence is told by the metric and by who waits for it";
  peer.error = Error{Errc::invalid, "answers as node1, but [[peer]] calls it node2"};
  build();
  build();
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("level=warn"), HasSubstr("peer=node2"),
                                        HasSubstr("answers as node1"))));
  lines_.clear();
  peer.error = Error{Errc::timed_out, "no answer in time"};
  build();
  EXPECT_THAT(lines_, IsEmpty());
  peer.error.reset();
  peer.facts = {.reading = PeerFacts{}, .at = clock_.now()};
  build();
  clock_.advance(2min);
  build();
  build();
  EXPECT_THAT(lines_, Contains(HasSubstr("answers for itself again")).Times(1));
  lines_.clear();
  peer.error = Error{Errc::invalid, "answers as node1, but [[peer]] calls it node2"};
  build();
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("answers as node1")))
      << "the log does not end with \"again\" while it is broken";
}

TEST_F(SnapshotBuilderTest, SaysOnceOfTwoNodesThatAnswerByTurns) {
  build();
  clock_.advance(11s);
  build();
  lines_.clear();  // The other sources are silent, and that is told.
  host_.said_peers.push_back({.name = NodeName{"node2"}});
  Peer& peer = host_.said_peers.back();
  const auto other = [&](const std::string& name) {
    peer.error = Error{Errc::invalid, "answers as " + name};
    clock_.advance(5s);
    build();
  };
  for (int i = 0; i < 1000; ++i) other(i % 2 == 0 ? "node3" : "node4");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("answers as node3"), HasSubstr("answers as node4")));
  lines_.clear();
  for (int i = 0; i < 1000; ++i) {
    other("node3");
    peer.error.reset();
    peer.facts = {.reading = PeerFacts{}, .at = clock_.now()};
    build();
  }
  EXPECT_THAT(lines_, IsEmpty()) << "node3 is still there";
  for (int i = 0; i < 100; ++i) other("node" + std::to_string(5 + i));
  EXPECT_LE(lines_.size(), 8U);
  lines_.clear();
  clock_.advance(61min);
  other("node3");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("answers as node3"))) << "after an hour it is news";
}

}  // namespace
}  // namespace upkeep
