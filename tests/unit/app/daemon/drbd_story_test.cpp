#include "app/daemon/drbd_story.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/app/daemon/fake_host.h"

namespace upkeep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DrbdStoryTest : public testing::Test {
 protected:
  void link(const std::string& from, const std::string& to, bool initial = false) {
    tell(DrbdEvent::Kind::connection_changed, from, to, initial);
  }
  void disk(const std::string& from, const std::string& to, bool initial = false) {
    tell(DrbdEvent::Kind::disk_changed, from, to, initial);
  }
  void tell(DrbdEvent::Kind kind, const std::string& from, const std::string& to, bool initial) {
    DrbdEvent event;
    event.kind = kind;
    event.resource = ResourceName{"r0"};
    event.peer = NodeName{"node2"};
    event.from = from;
    event.to = to;
    event.initial = initial;
    story_.tell(event);
  }

  TestClock clock_;
  std::vector<std::string> lines_;
  Log log_{clock_, {.sink = [this](std::string_view line) {
             lines_.emplace_back(line.substr(line.find("level=")));
           }}};
  DrbdStory story_{log_};
};

TEST_F(DrbdStoryTest, TellsALostLinkOnceAndFromWhereItWas) {
  link("", "Connected", true);
  link("Connected", "NetworkFailure");
  link("NetworkFailure", "Unconnected");
  link("Unconnected", "Connecting");
  EXPECT_THAT(lines_, ElementsAre("level=warn msg=\"drbd link lost\" resource=r0 peer=node2 "
                                  "from=Connected to=Connecting"));
  lines_.clear();
  link("Connecting", "Connected");
  EXPECT_THAT(lines_, ElementsAre("level=info msg=\"drbd link connected\" resource=r0 peer=node2 "
                                  "from=Connecting to=Connected"));
}

TEST_F(DrbdStoryTest, DoesNotCallALinkLostThatWasJustMade) {
  link("", "StandAlone");
  EXPECT_THAT(lines_, IsEmpty());
  link("StandAlone", "Connecting");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("drbd link changed")));
}

TEST_F(DrbdStoryTest, KnowsWhereALinkWasWithoutAFirstDump) {
  link("Connected", "NetworkFailure");
  link("NetworkFailure", "Connecting");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("level=warn msg=\"drbd link lost\"")));
}

TEST_F(DrbdStoryTest, TellsNothingOfTheFirstDump) {
  link("", "StandAlone", true);
  disk("", "Diskless", true);
  tell(DrbdEvent::Kind::role_changed, "", "Primary", true);
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(DrbdStoryTest, WarnsOfADiskThatIsGoneAndNotOfOneThatIsNew) {
  disk("", "Diskless");
  disk("Diskless", "Attaching");
  disk("Attaching", "UpToDate");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("level=info msg=\"drbd disk changed\" resource=r0 "
                                            "from=Diskless to=UpToDate")));
  lines_.clear();
  disk("UpToDate", "Failed");
  disk("Failed", "Diskless");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("level=warn msg=\"drbd disk lost\""),
                                  HasSubstr("from=Failed to=Diskless")));
}

TEST_F(DrbdStoryTest, TellsAStateNobodyKnows) {
  link("", "Connected", true);
  link("Connected", "Levitating");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("from=Connected to=Levitating")));
}

TEST_F(DrbdStoryTest, WarnsOfSplitBrainWhenTheHelperIsCalled) {
  tell(DrbdEvent::Kind::helper, "", "before-resync-target", false);
  EXPECT_THAT(lines_, IsEmpty());
  tell(DrbdEvent::Kind::helper, "", "split-brain", false);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("level=warn msg=\"drbd calls its helper\"")));
}

Drbd lost(LinkLossCause cause) {
  Drbd drbd;
  DrbdPeer peer;
  peer.name = NodeName{"node2"};
  peer.loss = {cause, "a line of the kernel log", {}};
  DrbdResource resource;
  resource.name = ResourceName{"r0"};
  resource.peers = {peer};
  drbd.resources = {resource};
  return drbd;
}

TEST_F(DrbdStoryTest, TellsTheCauseOfALossOnceAndAgainWhenItChanges) {
  story_.tell(lost(LinkLossCause::unknown));
  story_.tell(lost(LinkLossCause::unknown));
  story_.tell(lost(LinkLossCause::split_brain));
  EXPECT_THAT(lines_,
              ElementsAre("level=warn msg=\"drbd link is StandAlone\" resource=r0 peer=node2 "
                          "cause=unknown what=\"a line of the kernel log\"",
                          HasSubstr("cause=split_brain")));
  lines_.clear();
  story_.tell(Drbd{});
  story_.tell(lost(LinkLossCause::split_brain));
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("cause=split_brain"))) << "lost anew";
}

TEST_F(DrbdStoryTest, ACauseThatIsBeingSettledIsNoNewLoss) {
  story_.tell(lost(LinkLossCause::split_brain));
  lines_.clear();
  story_.tell(lost(LinkLossCause::unknown));
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(DrbdStoryTest, APeerThatGetsItsNameIsNoNewLoss) {
  Drbd nameless = lost(LinkLossCause::unknown);
  nameless.resources[0].peers[0].name = NodeName{std::string(kPeerOf84)};
  story_.tell(nameless);
  story_.tell(lost(LinkLossCause::unknown));
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("peer=peer")));
}

TEST_F(DrbdStoryTest, WarnsOnceOfAClosedKernelLog) {
  Drbd drbd;
  drbd.kernel_log_problem = "open /dev/kmsg: Permission denied";
  story_.tell(drbd);
  story_.tell(drbd);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("error=\"open /dev/kmsg: Permission denied\"")));
}

TEST_F(DrbdStoryTest, WarnsOnceOfPeersThatAreNamedOtherwise) {
  DrbdStory story(log_, {{"n2"}});
  story.tell(Drbd{});
  Drbd drbd = lost(LinkLossCause::unknown);
  drbd.resources[0].peers[0].loss.reset();
  story.tell(drbd);
  story.tell(Drbd{});
  story.tell(drbd);
  EXPECT_THAT(lines_, ElementsAre(testing::AllOf(HasSubstr("level=warn"), HasSubstr("[[peer]] n2"),
                                                 HasSubstr("named like its node2"))));
}

TEST_F(DrbdStoryTest, ForgetsAResourceThatWentDown) {
  link("", "Connected", true);
  tell(DrbdEvent::Kind::resource_destroyed, "", "", false);
  lines_.clear();
  link("", "Connecting");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("level=info msg=\"drbd link changed\"")));
}

}  // namespace
}  // namespace upkeep
