#include "exporter/sources/replication/link_evidence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "journal.h"
#include "kmsg.h"
#include "tests/support/fake_clock.h"
#include "transcript.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;

using Stories = std::map<std::uint32_t, LinkStory>;

DrbdResource stand_alone(const std::string& name, std::uint32_t minor,
                         const std::string& peer = "peer") {
  DrbdResource resource;
  resource.name = ResourceName{name};
  resource.in_kernel = true;
  DrbdDevice device;
  device.minor = DeviceMinor{minor};
  resource.devices.push_back(device);
  DrbdPeer link;
  link.name = NodeName{peer};
  link.connection = stated(kDrbdConnections, "StandAlone");
  resource.peers.push_back(link);
  return resource;
}

const std::vector<std::string> kBroughtUp{
    "[  100.000000] drbd r0: Starting worker thread (from drbdsetup-84 [882])",
    "[  100.500000] drbd r0: conn( StandAlone -> Unconnected ) ",
    "[  100.600000] drbd r0: conn( Unconnected -> WFConnection ) ",
    "[  101.000000] drbd r0: conn( WFConnection -> WFReportParams ) ",
    "[  101.100000] block drbd10: peer( Unknown -> Secondary ) conn( WFReportParams -> Connected ) "
    "pdsk( DUnknown -> UpToDate ) "};
// notes: 8.4.11, Debian 12, an unresolved split brain.
const std::vector<std::string> kSplitBrain{
    "[  749.000000] drbd r0: conn( Unconnected -> WFConnection ) ",
    "[  750.000000] drbd r0: conn( WFConnection -> WFReportParams ) ",
    "[  750.863085] block drbd10: uuid_compare()=100 by rule 90",
    "[  750.863254] block drbd10: helper command: /sbin/drbdadm initial-split-brain minor-10",
    "[  751.210548] block drbd10: Split-Brain detected but unresolved, dropping connection!",
    "[  751.210935] block drbd10: helper command: /sbin/drbdadm split-brain minor-10",
    "[  751.340527] drbd r0: conn( WFReportParams -> NetworkFailure ) ",
    "[  751.458632] drbd r0: conn( NetworkFailure -> Disconnecting ) ",
    "[  751.458852] drbd r0: error receiving ReportState, e: -5 l: 0!",
    "[  751.484970] drbd r0: conn( Disconnecting -> StandAlone ) "};
const std::vector<std::string> kDisconnected{
    "[  274.363695] drbd r0: peer( Secondary -> Unknown ) conn( Connected -> Disconnecting ) pdsk( "
    "UpToDate -> DUnknown ) ",
    "[  274.397365] drbd r0: conn( Disconnecting -> StandAlone ) "};

class LinkEvidenceTest : public ::testing::Test {
 protected:
  // What a daemon that starts now makes of the link.
  std::optional<LinkLoss> loss(DrbdResource& resource) {
    LinkEvidence evidence(kmsg_.root(), clock_);
    evidence.read();
    EXPECT_FALSE(evidence.problem());
    judge_losses({}, evidence, resource);
    return resource.peers.at(0).loss;
  }

  FakeKmsg kmsg_;
  test::FakeClock clock_;
};

TEST_F(LinkEvidenceTest, TellsASplitBrainToADaemonThatStartsLater) {
  kmsg_.log(kBroughtUp);
  kmsg_.log(kSplitBrain);
  DrbdResource r0 = stand_alone("r0", 10);
  const auto lost = loss(r0);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->cause, LinkLossCause::split_brain);
  EXPECT_EQ(lost->what, "block drbd10: Split-Brain detected but unresolved, dropping connection!");
  // 751.210548 s after boot.
  const auto boot = clock_.wall() - clock_.now().time_since_epoch();
  EXPECT_LT(std::chrono::abs(lost->at - (boot + 751210548us)), 1us);
  ASSERT_TRUE(r0.split_brain);
  EXPECT_EQ(r0.split_brain->what, lost->what);

  DrbdResource other = stand_alone("r1", 11);
  EXPECT_EQ(loss(other)->cause, LinkLossCause::unknown) << "not its device";
  EXPECT_FALSE(other.split_brain);
}

TEST_F(LinkEvidenceTest, ASettledSplitBrainIsOverAlsoWhenRecordsAreLostAndANewOneIsNot) {
  kmsg_.log(kBroughtUp);
  kmsg_.log(kSplitBrain);
  LinkEvidence evidence(kmsg_.root(), clock_);
  evidence.read();
  const auto diverged = [&](const std::string& name, std::uint32_t minor) {
    DrbdResource resource = stand_alone(name, minor);
    judge_losses({}, evidence, resource);
    return resource.split_brain.has_value();
  };
  ASSERT_TRUE(diverged("r0", 10));
  evidence.settle_split_brain({"r1"}, evidence.told());
  EXPECT_TRUE(diverged("r0", 10)) << "another resource's";
  evidence.settle_split_brain({"r0"}, evidence.told());
  EXPECT_FALSE(diverged("r0", 10));
  DrbdResource r0 = stand_alone("r0", 10);
  judge_losses({}, evidence, r0);
  ASSERT_TRUE(r0.peers.at(0).loss) << "why the link was given up is still known";
  EXPECT_EQ(r0.peers.at(0).loss->cause, LinkLossCause::split_brain);
  evidence.lost_records();
  EXPECT_FALSE(diverged("r0", 10));
  kmsg_.log(kSplitBrain);
  evidence.read();
  EXPECT_TRUE(diverged("r0", 10));
}

TEST_F(LinkEvidenceTest, TellsAnOperatorsDisconnect) {
  kmsg_.log(kBroughtUp);
  kmsg_.log(kDisconnected);
  DrbdResource r0 = stand_alone("r0", 10);
  EXPECT_EQ(loss(r0)->cause, LinkLossCause::disconnected_by_operator);
  EXPECT_FALSE(r0.split_brain);
}

TEST_F(LinkEvidenceTest, ADisconnectWhileWaitingForThePeerWasOrderedToo) {
  kmsg_.log({"drbd r0: conn( WFConnection -> Disconnecting ) ",
             "drbd r0: Discarding network configuration.", "drbd r0: Connection closed",
             "drbd r0: conn( Disconnecting -> StandAlone ) "});
  DrbdResource r0 = stand_alone("r0", 10);
  EXPECT_EQ(loss(r0)->cause, LinkLossCause::disconnected_by_operator);
}

TEST_F(LinkEvidenceTest, AFailedAuthenticationIsNoOrder) {
  kmsg_.log({"drbd r0: conn( Unconnected -> WFConnection ) ",
             "drbd r0: Authentication of peer failed", "drbd r0: Discarding network configuration.",
             "drbd r0: conn( WFConnection -> Disconnecting ) ",
             "drbd r0: conn( Disconnecting -> StandAlone ) "});
  DrbdResource r0 = stand_alone("r0", 10);
  EXPECT_EQ(loss(r0)->cause, LinkLossCause::authentication);
}

TEST_F(LinkEvidenceTest, AFailedPromotionIsNoRoleConflict) {
  kmsg_.log(kBroughtUp);
  kmsg_.log({"block drbd10: State change failed: Multiple primaries not allowed by config"});
  kmsg_.log(kDisconnected);
  DrbdResource r0 = stand_alone("r0", 10);
  EXPECT_EQ(loss(r0)->cause, LinkLossCause::disconnected_by_operator);
}

TEST_F(LinkEvidenceTest, TwoPrimariesThatMeetAreARoleConflict) {
  kmsg_.log({"drbd r0: conn( WFConnection -> WFReportParams ) ",
             "block drbd10: State change failed: Multiple primaries not allowed by config",
             "drbd r0: conn( WFReportParams -> Disconnecting ) ",
             "drbd r0: conn( Disconnecting -> StandAlone ) "});
  DrbdResource r0 = stand_alone("r0", 10);
  EXPECT_EQ(loss(r0)->cause, LinkLossCause::role_conflict);
}

TEST_F(LinkEvidenceTest, ABringUpThatWasCutShortLostNothing) {
  kmsg_.log({kBroughtUp[0], "block drbd10: disk( Diskless -> Attaching ) "});
  DrbdResource r0 = stand_alone("r0", 10);
  EXPECT_FALSE(loss(r0));
}

// The kernel is on its way already when the log is read: what DRBD said before was the bring-up's.
TEST_F(LinkEvidenceTest, ALinkThatLeavesTheStandAloneOfItsBringUpLostNothing) {
  for (const std::string& line : kBroughtUp) {
    kmsg_.log({line});
    DrbdResource r0 = stand_alone("r0", 10);
    EXPECT_FALSE(loss(r0)) << line;
  }
  kmsg_.log({kDisconnected[0]});
  DrbdResource r0 = stand_alone("r0", 10);
  ASSERT_TRUE(loss(r0)) << "it is being lost";
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::unknown);
}

TEST_F(LinkEvidenceTest, ALinkThatLeavesALaterStandAloneOrOneNobodySawBeginIsNotExcused) {
  kmsg_.log({kBroughtUp.begin() + 1, kBroughtUp.begin() + 3});
  DrbdResource r0 = stand_alone("r0", 10);
  ASSERT_TRUE(loss(r0));
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::unknown);
  kmsg_.log(kBroughtUp);
  kmsg_.log(kDisconnected);
  kmsg_.log({kBroughtUp.begin() + 1, kBroughtUp.begin() + 3});
  r0 = stand_alone("r0", 10);
  ASSERT_TRUE(loss(r0));
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::unknown);
  kmsg_.log({kBroughtUp.begin(), kBroughtUp.end() - 1});
  kmsg_.log({"block drbd10: Unrelated data, aborting!"});
  r0 = stand_alone("r0", 10);
  ASSERT_TRUE(loss(r0)) << "it is being refused";
}

TEST_F(LinkEvidenceTest, ANewBringUpEndsALossButNoSplitBrain) {
  kmsg_.log(kBroughtUp);
  kmsg_.log(kSplitBrain);
  kmsg_.log({kBroughtUp[0]});
  DrbdResource r0 = stand_alone("r0", 10);
  EXPECT_FALSE(loss(r0));
  EXPECT_TRUE(r0.split_brain);
  kmsg_.log({kBroughtUp.begin() + 1, kBroughtUp.end()});
  kmsg_.log(kDisconnected);
  r0 = stand_alone("r0", 10);
  EXPECT_EQ(loss(r0)->cause, LinkLossCause::disconnected_by_operator);
  EXPECT_FALSE(r0.split_brain) << "it was connected since";
}

TEST_F(LinkEvidenceTest, WhatNothingTellsOfIsUnknownAndNoBringUp) {
  kmsg_.log({"drbd: initialized. Version: 8.4.11 (api:1/proto:86-101)"});
  DrbdResource r0 = stand_alone("r0", 10);
  ASSERT_TRUE(loss(r0));
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::unknown);
}

TEST_F(LinkEvidenceTest, WhatIsMissingInTheLogMayHaveBeenAnything) {
  LinkEvidence evidence(kmsg_.root(), clock_);
  kmsg_.log(kBroughtUp);
  kmsg_.log(kDisconnected);
  kmsg_.log({kBroughtUp[0]});
  evidence.read();
  DrbdResource r0 = stand_alone("r0", 10);
  judge_losses({}, evidence, r0);
  EXPECT_FALSE(r0.peers[0].loss);
  evidence.lost_records();
  judge_losses({}, evidence, r0);
  ASSERT_TRUE(r0.peers[0].loss);
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::unknown);
}

TEST_F(LinkEvidenceTest, ASplitBrainOutlivesMissingRecordsUntilTheStreamSeesTheLinkUp) {
  LinkEvidence evidence(kmsg_.root(), clock_);
  kmsg_.log(kSplitBrain);
  evidence.read();
  evidence.established(ResourceName{"r0"}, "peer");
  DrbdResource r0 = stand_alone("r0", 10);
  judge_losses({}, evidence, r0);
  EXPECT_TRUE(r0.split_brain) << "while the log is whole it knows better than a late stream";
  evidence.lost_records();
  r0 = stand_alone("r0", 10);
  judge_losses({}, evidence, r0);
  EXPECT_TRUE(r0.split_brain);
  evidence.established(ResourceName{"r0"}, "peer");
  r0 = stand_alone("r0", 10);
  judge_losses({}, evidence, r0);
  EXPECT_FALSE(r0.split_brain);
}

TEST_F(LinkEvidenceTest, WithoutALogTheStreamIsTheOnlyWitness) {
  LinkEvidence evidence(kmsg_.root() / "nowhere", clock_);
  evidence.read();
  ASSERT_TRUE(evidence.problem());
  EXPECT_EQ(evidence.problem()->code, Errc::not_found);
  LinkStory created(LinkStory::Witness::stream);
  created.created();
  LinkStory disconnected = created;
  disconnected.moved(LinkPhase::established, "", {});
  disconnected.moved(LinkPhase::disconnecting, "", {});
  disconnected.moved(LinkPhase::stand_alone, "", {});
  LinkStory late = created;
  late.moved(LinkPhase::established, "", {});  // The reading is newer than the stream.
  DrbdResource r0 = stand_alone("r0", 10);
  judge_losses({{0, created}}, evidence, r0);
  EXPECT_FALSE(r0.peers[0].loss);
  judge_losses({{0, disconnected}}, evidence, r0);
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::disconnected_by_operator);
  judge_losses({{0, late}}, evidence, r0);
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::unknown);
}

TEST_F(LinkEvidenceTest, ALinkThatIsNotStandAloneHasNoLoss) {
  kmsg_.log(kBroughtUp);
  kmsg_.log(kDisconnected);
  DrbdResource r0 = stand_alone("r0", 10);
  r0.peers[0].connection = stated(kDrbdConnections, "Connecting");
  EXPECT_FALSE(loss(r0));
}

TEST_F(LinkEvidenceTest, EachPeerOf9HasItsOwnStory) {
  kmsg_.log({"drbd r0: Starting worker thread (node-id 0)",
             "drbd r0 b: conn( Connecting -> Connected ) peer( Unknown -> Secondary ) [connected]",
             "drbd r0 c: conn( Connecting -> Connected ) peer( Unknown -> Secondary ) [connected]",
             "drbd r0 b: conn( Connected -> Disconnecting ) peer( Secondary -> Unknown ) "
             "[disconnect]",
             "drbd r0 b: conn( Disconnecting -> StandAlone ) [disconnected]",
             "drbd r0/0 drbd10 c: Split-Brain detected but unresolved, dropping connection!",
             "drbd r0 c: conn( Connecting -> Disconnecting ) [split-brain]",
             "drbd r0 c: conn( Disconnecting -> StandAlone ) [disconnected]"});
  DrbdResource r0 = stand_alone("r0", 10, "b");
  r0.peers.push_back(stand_alone("r0", 10, "c").peers[0]);
  r0.peers[1].node_id = 2;
  EXPECT_EQ(loss(r0)->cause, LinkLossCause::disconnected_by_operator);
  EXPECT_EQ(r0.peers[1].loss->cause, LinkLossCause::split_brain);
  EXPECT_TRUE(r0.split_brain);
}

// A daemon that starts when the ring buffer has lost what was logged before.
class LostBeginningTest : public LinkEvidenceTest {
 protected:
  LostBeginningTest() { kept_.boot(); }

  // The journal keeps `past`, the ring buffer has the rest.
  void split(const std::vector<std::string>& past, const std::vector<std::string>& rest) {
    kept_.kernel(past);
    kept_.kernel(rest);
    ring_.log(rest);
  }
  DrbdResource recalled() {
    journalctl_.keeps(kept_);
    LinkEvidence evidence(ring_.root(), clock_);
    evidence.recall(journalctl_.request());
    problem_ = evidence.problem() ? evidence.problem()->message : "";
    return judged(evidence);
  }
  // The same, after the stream has shown the link established since.
  DrbdResource recalled_and_seen_up() {
    journalctl_.keeps(kept_);
    LinkEvidence evidence(ring_.root(), clock_);
    evidence.recall(journalctl_.request());
    evidence.established(ResourceName{"r0"}, "peer");
    return judged(evidence);
  }
  static DrbdResource judged(const LinkEvidence& evidence) {
    DrbdResource r0 = stand_alone("r0", 10);
    judge_losses({}, evidence, r0);
    return r0;
  }

  FakeKmsg ring_{4711};
  FakeJournal kept_;
  FakeJournalctl journalctl_;
  std::string problem_;
};

const std::vector<std::string> kLater{
    "[  800.000000] IPv6: ADDRCONF(NETDEV_CHANGE): vnet0: link becomes ready",
    "[  800.100000] vnet0: entered promiscuous mode"};

TEST_F(LostBeginningTest, TheJournalTellsASplitBrainThatTheRingBufferHasLost) {
  kept_.kernel(kBroughtUp);
  split(kSplitBrain, kLater);
  const DrbdResource r0 = recalled();
  ASSERT_TRUE(r0.split_brain);
  ASSERT_TRUE(r0.peers[0].loss);
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::split_brain);
  // 751.210548 s after boot.
  const auto boot = clock_.wall() - clock_.now().time_since_epoch();
  EXPECT_LT(std::chrono::abs(r0.peers[0].loss->at - (boot + 751210548us)), 1us);
  EXPECT_EQ(problem_, "");
  EXPECT_EQ(journalctl_.calls(), 1U);
}

TEST_F(LostBeginningTest, WhatTheRingBufferSaysComesAfterWhatTheJournalTold) {
  kept_.kernel(kBroughtUp);
  split(kSplitBrain, {"[  800.000000] drbd r0: conn( StandAlone -> Unconnected ) ",
                      "[  800.100000] drbd r0: conn( Unconnected -> WFConnection ) ",
                      "[  800.200000] drbd r0: conn( WFConnection -> WFReportParams ) ",
                      "[  800.300000] block drbd10: conn( WFReportParams -> Connected ) ",
                      "[  801.000000] drbd r0: conn( Connected -> Disconnecting ) ",
                      "[  801.100000] drbd r0: conn( Disconnecting -> StandAlone ) "});
  const DrbdResource r0 = recalled();
  EXPECT_FALSE(r0.split_brain) << "it was connected since";
  ASSERT_TRUE(r0.peers[0].loss);
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::disconnected_by_operator);
}

TEST_F(LostBeginningTest, AWholeRingBufferNeedsNoJournal) {
  LinkEvidence evidence(kmsg_.root(), clock_);
  kmsg_.log(kBroughtUp);
  evidence.recall(journalctl_.request());
  EXPECT_EQ(journalctl_.calls(), 0U);
  EXPECT_FALSE(evidence.problem());
}

TEST_F(LostBeginningTest, TheJournalIsAskedOnceAlsoWhenItDoesNotAnswer) {
  ring_.log(kLater);
  journalctl_.script("echo 'Failed to open files: Permission denied' >&2; exit 1");
  LinkEvidence evidence(ring_.root(), clock_);
  evidence.read();
  EXPECT_FALSE(evidence.problem()) << "reading never asks";
  evidence.recall(journalctl_.request());
  evidence.recall(journalctl_.request());
  EXPECT_EQ(journalctl_.calls(), 1U);
  ASSERT_TRUE(evidence.problem());
  EXPECT_NE(evidence.problem()->message.find("lost its beginning"), std::string::npos);
  EXPECT_NE(evidence.problem()->message.find("Permission denied"), std::string::npos);
  DrbdResource r0 = stand_alone("r0", 10);
  judge_losses({}, evidence, r0);
  ASSERT_TRUE(r0.peers[0].loss);
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::unknown);
}

TEST_F(LostBeginningTest, ItIsAskedWhenTheRingBufferCanBeRead) {
  LinkEvidence evidence(ring_.root(), clock_);
  evidence.recall(journalctl_.request());
  ASSERT_TRUE(evidence.problem());
  EXPECT_EQ(evidence.problem()->code, Errc::not_found);
  split(kBroughtUp, kLater);
  journalctl_.keeps(kept_);
  evidence.recall(journalctl_.request());
  EXPECT_EQ(journalctl_.calls(), 1U);
  EXPECT_FALSE(evidence.problem());
}

TEST_F(LostBeginningTest, WhatAGapMayHaveUndoneCountsNoMoreButASplitBrainDoes) {
  kept_.kernel(kBroughtUp);
  kept_.kernel(kDisconnected);
  kept_.missed();
  split({}, kLater);
  EXPECT_EQ(recalled().peers[0].loss->cause, LinkLossCause::unknown);
  EXPECT_NE(problem_.find("lost some"), std::string::npos) << problem_;
}

TEST_F(LostBeginningTest, ASplitBrainBeforeAGapEndsWhenTheStreamSeesTheLinkUp) {
  kept_.kernel(kSplitBrain);
  kept_.missed();
  split({}, kLater);
  EXPECT_TRUE(recalled().split_brain);
  EXPECT_FALSE(recalled_and_seen_up().split_brain);
}

TEST_F(LostBeginningTest, TheJournalCanNotTellThatNothingEndedALink) {
  // A file between these two may be damaged: journalctl leaves it out without a word.
  split(kBroughtUp, kLater);
  const DrbdResource r0 = recalled();
  ASSERT_TRUE(r0.peers[0].loss);
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::unknown);
  EXPECT_EQ(problem_, "");
}

TEST_F(LostBeginningTest, TheStreamEndsASplitBrainOfTheJournal) {
  split(kSplitBrain, kLater);
  EXPECT_TRUE(recalled().split_brain);
  EXPECT_FALSE(recalled_and_seen_up().split_brain);
}

TEST_F(LostBeginningTest, RecordsThatWentMissingMeanwhileAreAGapToo) {
  kept_.kernel(kBroughtUp);
  split(kDisconnected, kLater);
  journalctl_.keeps(kept_);
  LinkEvidence evidence(ring_.root(), clock_);
  evidence.read();
  evidence.lost_records();
  evidence.recall(journalctl_.request());
  DrbdResource r0 = stand_alone("r0", 10);
  judge_losses({}, evidence, r0);
  EXPECT_EQ(r0.peers[0].loss->cause, LinkLossCause::unknown);
}

TEST_F(LostBeginningTest, AJournalThatBeginsLateIsToldOfAndUsed) {
  kept_ = {};
  kept_.kernel(kBroughtUp);
  split(kDisconnected, kLater);
  EXPECT_EQ(recalled().peers[0].loss->cause, LinkLossCause::disconnected_by_operator);
  EXPECT_NE(problem_.find("lost some"), std::string::npos) << problem_;
}

TEST_F(LostBeginningTest, ASettledSplitBrainMayBeTheJournals) {
  split(kSplitBrain, kLater);
  journalctl_.keeps(kept_);
  LinkEvidence evidence(ring_.root(), clock_);
  evidence.recall(journalctl_.request());
  evidence.settle_split_brain({"r0"}, evidence.told());
  DrbdResource r0 = stand_alone("r0", 10);
  judge_losses({}, evidence, r0);
  EXPECT_FALSE(r0.split_brain);
}

TEST_F(LostBeginningTest, OfALongPastTheNewestIsKept) {
  for (int i = 0; i < 300; ++i) kept_.kernel(kBroughtUp);
  split(kDisconnected, kLater);
  EXPECT_EQ(recalled().peers[0].loss->cause, LinkLossCause::disconnected_by_operator);
}

// Each recorded kernel log, wherever the ring buffer happens to begin. Only that nothing has ended
// a link since its creation is not known from a journal.
TEST_F(LostBeginningTest, JournalAndRingBufferTellWhatTheWholeLogDoes) {
  int logs = 0;
  int with_cause = 0;
  const auto judged = [&](const LinkEvidence& evidence, const std::string& name) {
    std::vector<DrbdResource> resources;
    for (std::uint32_t minor = 0; minor < 20; ++minor) {
      DrbdResource resource = stand_alone(name, minor);
      judge_losses({}, evidence, resource);
      if (resource.split_brain) resource.split_brain->at = {};
      if (auto& loss = resource.peers[0].loss) {
        loss->at = {};
        if (loss->cause != LinkLossCause::unknown) ++with_cause;
      }
      resources.push_back(resource);
    }
    return resources;
  };
  const auto check = [&](const std::vector<std::string>& log) {
    static const std::regex resource(R"(.*\] drbd (\S+?)[ :].*)");
    std::set<std::string> names;
    for (const std::string& line : log) {
      std::smatch match;
      if (std::regex_match(line, match, resource)) names.insert(match[1]);
    }
    ++logs;
    FakeKmsg whole;
    whole.log(log);
    LinkEvidence known(whole.root(), clock_);
    known.read();
    for (std::size_t cut = 1; cut < log.size(); cut += 1 + log.size() / 5) {
      FakeKmsg rest{cut};
      rest.log({log.begin() + static_cast<std::ptrdiff_t>(cut), log.end()});
      FakeJournal kept;
      kept.boot();
      kept.kernel(log);
      journalctl_.keeps(kept);
      LinkEvidence evidence(rest.root(), clock_);
      evidence.recall(journalctl_.request());
      ASSERT_FALSE(evidence.problem()) << evidence.problem()->message;
      for (const std::string& name : names) {
        auto told = judged(evidence, name);
        const auto all = judged(known, name);
        for (std::size_t i = 0; i < all.size(); ++i) {
          auto& loss = told[i].peers[0].loss;
          const bool unknown = loss && loss->cause == LinkLossCause::unknown;
          if (unknown && !all[i].peers[0].loss) loss.reset();
        }
        EXPECT_EQ(told, all) << name << " cut at " << log[cut];
      }
    }
  };
  for (const auto& path : transcript::files()) {
    std::vector<std::string> log;
    for (const auto& line : transcript::read(path)) {
      if (line.kind == transcript::Line::Kind::command) {
        if (log.size() > 7) check(log);
        log.clear();
      } else if (line.text.starts_with("[ ")) {
        log.push_back(line.text);
      }
    }
  }
  EXPECT_GE(logs, 10);
  EXPECT_GE(with_cause, 10);
}

// Each recorded kernel log, cut where it says that a link became StandAlone.
TEST_F(LinkEvidenceTest, FindsTheCauseInEveryRecordedLog) {
  static const std::regex lost(
      R"(.*\] drbd (\S+?)( (\S+))?: conn\( Disconnecting -> StandAlone \).*)");
  std::map<LinkLossCause, int> seen;
  for (const auto& path : transcript::files()) {
    std::vector<std::string> log;
    std::string node;
    for (const auto& line : transcript::read(path)) {
      if (line.kind == transcript::Line::Kind::command) {
        log.clear();  // Another node's, or cut off the front by dmesg -c.
        continue;
      }
      if (!line.text.starts_with("[ ")) continue;
      log.push_back(line.text);
      std::smatch match;
      if (!std::regex_match(line.text, match, lost)) continue;
      FakeKmsg kmsg;
      kmsg.log(log);
      LinkEvidence evidence(kmsg.root(), clock_);
      evidence.read();
      // In these recordings resource and minor have the same number, r0 of alpha and beta is 10.
      const std::string name = match[1];
      const bool lab = path.filename().string().find("commands-and-proc") != std::string::npos;
      const std::uint32_t number =
          name == "vm1" ? 11 : static_cast<std::uint32_t>(name.back() - '0');
      DrbdResource resource = stand_alone(name, lab && number < 10 ? number + 10 : number,
                                          match[3].matched ? match[3].str() : "peer");
      judge_losses({}, evidence, resource);
      ASSERT_TRUE(resource.peers[0].loss) << line.text;
      ++seen[resource.peers[0].loss->cause];
      // One recording begins too late to tell.
      if (log.size() < 7) continue;
      EXPECT_NE(resource.peers[0].loss->cause, LinkLossCause::unknown) << path << line.text;
    }
  }
  EXPECT_EQ(seen[LinkLossCause::split_brain], 4);
  EXPECT_GE(seen[LinkLossCause::disconnected_by_operator], 2);
  EXPECT_LE(seen[LinkLossCause::unknown], 1);
}

}  // namespace
}  // namespace upkeep
