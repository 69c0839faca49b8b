#include "exporter/sources/replication/drbd_source.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fake_drbd.h"
#include "journal.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;

std::string proc84(const std::string& states, int oos = 0) {
  return "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: F73C670A7EC572DB9CF3E5B \n\n10: " +
         states +
         " C r-----\n    ns:1 nr:2 dw:3 dr:4 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:" +
         std::to_string(oos) + "\n";
}
const std::string kConnected = "cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate";
const std::string kConnecting = "cs:WFConnection ro:Secondary/Unknown ds:UpToDate/DUnknown";
const std::string kProc9 = "version: 9.2.18 (api:2/proto:118-123)\n";

const std::string kDump =
    "2026-11-22T12:43:21.712019+00:00 exists resource name:r0 role:Secondary suspended:no\n"
    "exists connection name:r0 peer-node-id:0 conn-name:peer connection:Connected role:Primary "
    "congested:no\n"
    "exists device name:r0 volume:0 minor:10 disk:UpToDate size:100 read:0 written:0\n"
    "exists peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 replication:Established "
    "peer-disk:UpToDate resync-suspended:no received:0 sent:0 out-of-sync:0\n";
const std::string kDumpEnd = "exists -\n";
const std::string kLost =
    "change connection name:r0 peer-node-id:0 conn-name:peer connection:Connecting role:Unknown\n"
    "change peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 replication:Off "
    "peer-disk:DUnknown\n";

// Prints $D/stream and what is added to it, like a stream that stays open.
const std::string kFollow = "exec tail -n +1 -s 0.01 -f $D/stream";
// The same, and reads its input like drbdsetup 9 does.
const std::string kFollowAndAnswer =
    "tail -n +1 -s 0.01 -f $D/stream & while read x; do echo \"$x\" >> $D/asked; done; kill $!";

class DrbdSourceTest : public ::testing::Test {
 protected:
  void start(DrbdSourceOptions options) {
    source_.emplace(std::move(options), clock_, log_);
    source_->start();
  }
  void start() { start(fake_.options()); }

  std::shared_ptr<const Drbd> reading() {
    const auto latest = source_->latest();
    return latest.reading ? *latest.reading : nullptr;
  }
  const DrbdResource* r0() {
    keep_ = reading();
    if (keep_ == nullptr) return nullptr;
    const auto at = std::ranges::find(keep_->resources, ResourceName{"r0"}, &DrbdResource::name);
    return at == keep_->resources.end() ? nullptr : &*at;
  }
  bool wait_for_connection(DrbdConnection state) {
    return log_.wait([&] {
      const DrbdResource* resource = r0();
      return resource != nullptr && !resource->peers.empty() &&
             resource->peers[0].connection == state;
    });
  }
  // `at` passes `since`: a newer confirmed reading is there.
  bool wait_for_newer(Tick since) {
    return log_.wait([&] { return source_->latest().at > since; });
  }

  FakeDrbd fake_;
  SystemClock clock_;
  ListenerLog log_;
  std::optional<DrbdSource> source_;
  std::shared_ptr<const Drbd> keep_;
};

TEST_F(DrbdSourceTest, RunsNoDrbdsetupWhileTheModuleIsAbsent) {
  fake_.drbdsetup("exit 0");
  fake_.drbdadm("case $1 in sh-resources) echo r0 r1;; *) exit 10;; esac");
  start();
  ASSERT_TRUE(log_.wait([&] { return r0() != nullptr && log_.publications >= 4; }));
  const auto drbd = reading();
  EXPECT_FALSE(drbd->module_loaded);
  ASSERT_EQ(drbd->resources.size(), 2U);
  EXPECT_FALSE(drbd->resources[0].in_kernel);
  EXPECT_EQ(drbd->resources[0].configured, true);
  EXPECT_EQ(drbd->resources[0].after_sb_all_disconnect, std::nullopt) << "dump-xml failed";
  EXPECT_TRUE(source_->in_use());
  const auto now = source_->read_now(1s);
  ASSERT_TRUE(now);
  EXPECT_FALSE((*now)->module_loaded);
  EXPECT_EQ((*now)->resources.size(), 2U);
  source_.reset();
  EXPECT_TRUE(fake_.calls("drbdsetup").empty());
}

TEST_F(DrbdSourceTest, SeesABackingDeviceComeLate) {
  fake_.write("dump", R"(<config><resource name="r0"><host name="alpha"><volume vnr="0">
      <disk>/dev/vg0/r0</disk></volume></host></resource></config>)");
  fake_.drbdadm("case $1 in sh-resources) echo r0;; dump-xml) cat $D/dump;; esac");
  auto options = fake_.options();
  options.host = "alpha";
  start(options);
  const auto is_missing = [&](bool missing) {
    return log_.wait([&] { return r0() != nullptr && r0()->missing_backing.empty() != missing; });
  };
  EXPECT_TRUE(is_missing(true));
  fake_.write("dev/vg0/r0", "");
  EXPECT_TRUE(is_missing(false)) << "DRBD itself tells nothing of it";
}

TEST_F(DrbdSourceTest, IsNotInUseWithoutModuleAndTools) {
  start();
  EXPECT_TRUE(log_.wait([&] { return reading() != nullptr && !source_->in_use(); }));
  EXPECT_TRUE(reading()->resources.empty());
  EXPECT_EQ(source_->config_error(), std::nullopt);
}

TEST_F(DrbdSourceTest, ConfigurationThatCannotBeReadIsNotNoConfiguration) {
  fake_.drbdadm("echo 'r0.res:3: Parse error' >&2; exit 10");
  start();
  // Before drbdadm has answered the error is "not read yet".
  ASSERT_TRUE(log_.wait([&] {
    const auto error = source_->config_error();
    return reading() != nullptr && error && error->message.contains("Parse error") &&
           log_.publications >= 3;
  }));
  EXPECT_TRUE(source_->in_use());
}

TEST_F(DrbdSourceTest, SwitchedOffItDoesNothing) {
  fake_.write("proc/drbd", kProc9);
  fake_.drbdsetup("exit 0");
  fake_.drbdadm("exit 0");
  auto options = fake_.options();
  options.enabled = DrbdSourceOptions::Enabled::off;
  start(options);
  EXPECT_FALSE(source_->in_use());
  EXPECT_FALSE(source_->latest().reading);
  EXPECT_FALSE(source_->read_now(1s));
  source_.reset();
  EXPECT_TRUE(fake_.calls("drbdsetup").empty());
  EXPECT_TRUE(fake_.calls("drbdadm").empty());
}

TEST_F(DrbdSourceTest, Follows84AndConfirmsItWithProcDrbd) {
  fake_.write("proc/drbd", proc84(kConnected, 7));
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup(kFollow);
  start();
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  EXPECT_EQ(fake_.calls("drbdsetup").at(0), "events2 --timestamps --statistics all");
  EXPECT_EQ(r0()->peers[0].devices[0].out_of_sync->count, 7168U) << "from /proc/drbd";
  EXPECT_EQ(r0()->devices[0].written->count, 3072U);
  EXPECT_EQ(reading()->kernel_version, "8.4.11");
  const Tick before = source_->latest().at;
  EXPECT_TRUE(wait_for_newer(before)) << "silent, but confirmed";
  fake_.write("proc/drbd", proc84(kConnecting));
  fake_.append("stream", kLost);
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connecting));
  EXPECT_TRUE(log_.wait([&] {
    return std::ranges::any_of(log_.events, [](const DrbdEvent& event) {
      return event.from == "Connected" && event.to == "Connecting" && !event.initial;
    });
  }));
  EXPECT_EQ(fake_.calls("drbdsetup").size(), 1U);
}

TEST_F(DrbdSourceTest, NamesThePeerOf84AndGoesOnNamingItWhileTheConfigurationCannotBeRead) {
  fake_.write("proc/drbd", proc84(kConnected));
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup("case $* in *--now*) cat $D/stream;; *) " + kFollow + ";; esac");
  fake_.write("dump", "<resource name='r0'><host name='alpha'/><host name='beta'/></resource>");
  fake_.drbdadm("case $1 in sh-resources) echo r0;; dump-xml) cat $D/dump || exit 10;; esac");
  auto options = fake_.options();
  options.host = "alpha";
  options.reread_config = 20ms;
  start(options);
  const auto named = [&] {
    return r0() != nullptr && !r0()->peers.empty() && r0()->peers[0].name.value == "beta";
  };
  ASSERT_TRUE(log_.wait(named));
  const auto now = source_->read_now(5s);
  ASSERT_TRUE(now) << now.error().message;
  EXPECT_EQ((*now)->resources[0].peers[0].name.value, "beta");
  // A network card is down: drbdadm lists the resources and tells nothing of them.
  std::filesystem::remove(fake_.options().root / "dump");
  ASSERT_TRUE(log_.wait([&] { return r0() != nullptr && !r0()->after_sb_all_disconnect; }));
  EXPECT_TRUE(named());
  fake_.append("stream", kLost);
  fake_.write("proc/drbd", proc84(kConnecting));
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connecting));
  EXPECT_TRUE(named());
  ASSERT_TRUE(log_.wait([&] {
    return std::ranges::any_of(log_.events, [](const DrbdEvent& event) {
      return event.to == "Connecting" && event.peer.value == "beta";
    });
  }));
}

TEST_F(DrbdSourceTest, PublishesNothingBeforeTheDumpIsComplete) {
  fake_.write("proc/drbd", proc84(kConnected));
  fake_.write("stream", kDump);
  fake_.drbdsetup(kFollow);
  start();
  ASSERT_TRUE(log_.wait([&] { return log_.events.size() >= 3; }));
  EXPECT_FALSE(source_->latest().reading);
  fake_.append("stream", kDumpEnd);
  EXPECT_TRUE(wait_for_connection(DrbdConnection::connected));
}

TEST_F(DrbdSourceTest, AStreamThatDisagreesWithProcDrbdIsNotBelievedAndRestarted) {
  fake_.write("proc/drbd", proc84(kConnected));
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup(kFollow);
  auto options = fake_.options();
  options.disagreement_limit = 200ms;
  start(options);
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  // The kernel moves on, the stream says nothing: a lost message.
  fake_.write("proc/drbd", proc84(kConnecting));
  ASSERT_TRUE(log_.wait([&] { return log_.failures >= 1; }));
  EXPECT_EQ(r0()->peers[0].connection, DrbdConnection::connected) << "the last good one is kept";
  const Tick stale = source_->latest().at;
  EXPECT_GE(clock_.now() - stale, 200ms) << "with its old time";
  fake_.write("stream", kDump + kLost + kDumpEnd);
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connecting));
  EXPECT_GE(fake_.calls("drbdsetup").size(), 2U);
}

TEST_F(DrbdSourceTest, ADeadStreamIsRespawnedAndTheStateRebuilt) {
  fake_.write("proc/drbd", kProc9);
  fake_.drbdsetup(
      "case $N in\n"
      "1) echo 'exists resource name:gone role:Secondary suspended:no'; cat $D/stream; exit 20;;\n"
      "2) exit 20;;\n"
      "3) cat $D/half; exit 121;;\n"
      "*) tail -n +1 -f $D/stream & while read x; do :; done; kill $!;; esac");
  fake_.write("stream", kDump + kDumpEnd);
  fake_.write("half", "exists resource name:ghost role:Secondary suspended:no\n");
  start();
  ASSERT_TRUE(log_.wait([&] { return reading() != nullptr && reading()->resources.size() == 1; }));
  EXPECT_EQ(reading()->resources[0].name.value, "r0");
  ASSERT_TRUE(log_.wait([&] { return log_.failures >= 3; }));
  source_.reset();
  const auto gone = std::ranges::count_if(log_.events, [](const DrbdEvent& event) {
    return event.kind == DrbdEvent::Kind::resource_destroyed && event.resource.value == "gone";
  });
  EXPECT_EQ(gone, 1);
  // What did not change is not told again.
  EXPECT_EQ(std::ranges::count_if(log_.events,
                                  [](const DrbdEvent& event) {
                                    return event.kind == DrbdEvent::Kind::disk_changed &&
                                           event.resource.value == "r0";
                                  }),
            1);
}

TEST_F(DrbdSourceTest, KeepsTheLastReadingForAWhileAndThenSaysWhatIsWrong) {
  fake_.write("proc/drbd", kProc9);
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup("case $N in 1) cat $D/stream;; *) echo 'bad message' >&2; exit 20;; esac");
  auto options = fake_.options();
  options.give_up_after = 400ms;
  start(options);
  ASSERT_TRUE(log_.wait([&] { return r0() != nullptr; }));
  const Tick at = source_->latest().at;
  ASSERT_TRUE(log_.wait([&] { return log_.failures >= 2; }));
  const auto meanwhile = source_->latest();
  EXPECT_TRUE(!meanwhile.reading || meanwhile.at == at);
  ASSERT_TRUE(log_.wait([&] { return !source_->latest().reading; }));
  EXPECT_GE(clock_.now() - at, 400ms);
  EXPECT_EQ(source_->latest().reading.error().code, Errc::unavailable);
  EXPECT_NE(source_->latest().reading.error().message.find("exit code 20: bad message"),
            std::string::npos)
      << source_->latest().reading.error().message;
}

TEST_F(DrbdSourceTest, BacksOffBetweenRespawns) {
  fake_.write("proc/drbd", kProc9);
  fake_.drbdsetup("date +%s%N >> $D/times; exit 20");
  auto options = fake_.options();
  options.first_respawn = 50ms;
  options.last_respawn = 200ms;
  start(options);
  const Tick begin = clock_.now();
  ASSERT_TRUE(log_.wait([&] { return log_.failures >= 6; }));
  // Gaps 50, 100, 200, 200, 200.
  EXPECT_GE(clock_.now() - begin, 750ms);
}

TEST_F(DrbdSourceTest, LostMessagesMakeItReadEverythingAgain) {
  fake_.write("proc/drbd", proc84(kConnected));
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup(kFollow);
  start();
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  fake_.write("proc/drbd", proc84(kConnecting));
  fake_.append("stream", "- skipped 3\n");
  ASSERT_TRUE(log_.wait([&] { return !log_.unknown.empty(); }));
  fake_.write("stream", kDump + kLost + kDumpEnd);
  EXPECT_TRUE(wait_for_connection(DrbdConnection::connecting));
  EXPECT_GE(fake_.calls("drbdsetup").size(), 2U);
}

TEST_F(DrbdSourceTest, GarbageIsReportedAndTheRestIsUsed) {
  fake_.write("proc/drbd", proc84(kConnected));
  fake_.write("stream", "\x01\x02 what\n" + kDump + "exists planet name:r0\n" + kDumpEnd);
  fake_.drbdsetup(kFollow);
  start();
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  EXPECT_TRUE(log_.wait([&] { return log_.unknown.size() == 2; }));
}

TEST_F(DrbdSourceTest, AProgramThatHangsLeavesNoReadingAndEndsWithTheSource) {
  fake_.write("proc/drbd", kProc9);
  fake_.drbdsetup("trap '' TERM; while :; do sleep 60; done");
  auto options = fake_.options();
  options.give_up_after = 100ms;
  start(options);
  ASSERT_TRUE(log_.wait([&] { return log_.publications >= 1; }));
  EXPECT_FALSE(source_->latest().reading);
  const Tick begin = clock_.now();
  source_.reset();
  EXPECT_LT(clock_.now() - begin, 2s);
}

TEST_F(DrbdSourceTest, AsksDrbd9ForEverythingAndCountsOnlyAnswers) {
  fake_.write("proc/drbd", kProc9);
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup(kFollowAndAnswer);
  start();
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  EXPECT_EQ(fake_.calls("drbdsetup").at(0), "events2 --full --poll");
  EXPECT_TRUE(wait_for_newer(source_->latest().at));
  EXPECT_TRUE(wait_for_newer(source_->latest().at));
}

TEST_F(DrbdSourceTest, ADrbd9ThatDoesNotAnswerGrowsStale) {
  fake_.write("proc/drbd", kProc9);
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup(kFollow);  // Never reads its input.
  auto options = fake_.options();
  options.command_deadline = 100ms;
  start(options);
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  const Tick at = source_->latest().at;
  ASSERT_TRUE(log_.wait([&] { return log_.failures >= 1; })) << "restarted after a while";
  EXPECT_EQ(source_->latest().at, at);
}

TEST_F(DrbdSourceTest, AnUnloadedModuleIsAReadingAndStopsTheProgram) {
  fake_.write("proc/drbd", proc84(kConnected));
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup(kFollow);
  start();
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  fake_.unload();
  ASSERT_TRUE(log_.wait([&] { return reading() != nullptr && !reading()->module_loaded; }));
  EXPECT_TRUE(reading()->resources.empty());
  const Tick at = source_->latest().at;
  ASSERT_TRUE(wait_for_newer(at));
  const std::size_t calls = fake_.calls("drbdsetup").size();
  ASSERT_TRUE(wait_for_newer(source_->latest().at));
  EXPECT_EQ(fake_.calls("drbdsetup").size(), calls);
  EXPECT_TRUE(log_.wait([&] {
    return std::ranges::any_of(log_.events, [](const DrbdEvent& event) {
      return event.kind == DrbdEvent::Kind::resource_destroyed;
    });
  }));
}

TEST_F(DrbdSourceTest, SplitBrainEvidenceIsInTheReadingAlsoWhenReadNow) {
  fake_.write("proc/drbd", proc84(kConnected));
  fake_.write("stream", kDump + kDumpEnd);
  fake_.write("dump", kDump + kDumpEnd);
  fake_.drbdsetup("case \"$*\" in *--now*) exec cat $D/dump;; esac\n" + kFollow);
  start();
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  fake_.append("stream",
               "call helper name:r0 peer-node-id:0 conn-name:peer volume:0 minor:10 "
               "helper:split-brain\n");
  ASSERT_TRUE(log_.wait([&] { return r0() != nullptr && r0()->split_brain.has_value(); }));
  const auto now = source_->read_now(5s);
  ASSERT_TRUE(now) << now.error().message;
  EXPECT_TRUE((*now)->resources.at(0).split_brain.has_value());
  EXPECT_EQ(fake_.calls("drbdsetup").back(), "events2 --now --statistics all");
}

TEST_F(DrbdSourceTest, ASettledSplitBrainCountsNoMoreAndANewOneDoes) {
  const std::string split_brain =
      "call helper name:r0 peer-node-id:0 conn-name:peer volume:0 minor:10 helper:split-brain\n";
  fake_.write("proc/drbd", proc84(kConnected));
  fake_.write("stream", kDump + kDumpEnd);
  fake_.write("dump", kDump + kDumpEnd);
  fake_.write("dev/kmsg",
              "6,0,700000000,-;drbd r0: conn( WFConnection -> WFReportParams ) \n"
              "1,1,700100000,-;block drbd10: Split-Brain detected but unresolved, dropping "
              "connection!\n");
  fake_.drbdsetup("case \"$*\" in *--now*) exec cat $D/dump;; esac\n" + kFollow);
  start();
  ASSERT_TRUE(log_.wait([&] { return r0() != nullptr && r0()->split_brain.has_value(); }));
  fake_.append("stream", split_brain);
  ASSERT_TRUE(log_.wait(
      [&] { return r0()->split_brain && r0()->split_brain->what == "helper split-brain"; }));

  const auto settle = source_->split_brain_settler({"r0"});
  EXPECT_TRUE((*source_->read_now(5s))->resources.at(0).split_brain) << "not settled yet";
  settle();
  EXPECT_FALSE((*source_->read_now(5s))->resources.at(0).split_brain);
  EXPECT_TRUE(log_.wait([&] { return !r0()->split_brain.has_value(); }));

  // What the stream tells from here on is new, also by the same words.
  fake_.append("stream", split_brain);
  EXPECT_TRUE(log_.wait([&] { return r0()->split_brain.has_value(); }));
  source_->split_brain_settler({"r0"})();
  EXPECT_TRUE(log_.wait([&] { return !r0()->split_brain.has_value(); }));
  // And so is what the kernel logs.
  const auto too_early = source_->split_brain_settler({"r0"});
  fake_.append("dev/kmsg",
               "1,3,800100000,-;block drbd10: Split-Brain detected but unresolved, dropping "
               "connection!\n");
  too_early();
  EXPECT_TRUE((*source_->read_now(5s))->resources.at(0).split_brain);
}

// The link of T1 in 8.4: connected, then taken down here.
const std::string kOrderedDown =
    "change connection name:r0 peer-node-id:0 conn-name:peer connection:Disconnecting "
    "role:Unknown\n"
    "change peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 replication:Off "
    "peer-disk:DUnknown\n"
    "change connection name:r0 peer-node-id:0 conn-name:peer connection:StandAlone\n"
    "destroy peer-device name:r0 peer-node-id:0 conn-name:peer volume:0\n"
    "destroy connection name:r0 peer-node-id:0 conn-name:peer\n";

TEST_F(DrbdSourceTest, TellsThatALinkWasTakenDownByAnOperatorWithoutAnyLog) {
  fake_.write("proc/drbd", proc84(kConnected));
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup(kFollow);
  start();
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  fake_.write("proc/drbd", proc84("cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown"));
  fake_.append("stream", kOrderedDown);
  ASSERT_TRUE(wait_for_connection(DrbdConnection::stand_alone));
  ASSERT_TRUE(r0()->peers[0].loss);
  EXPECT_EQ(r0()->peers[0].loss->cause, LinkLossCause::disconnected_by_operator);
  EXPECT_FALSE(reading()->kernel_log_problem.empty());
  // Taken down and brought up as far as an adjust gets that is cut short.
  fake_.append("stream",
               "destroy device name:r0 volume:0\ndestroy resource name:r0\n"
               "create resource name:r0 role:Secondary suspended:no\n"
               "create device name:r0 volume:0 minor:10 disk:UpToDate\n");
  EXPECT_TRUE(log_.wait(
      [&] { return r0() != nullptr && !r0()->peers.empty() && !r0()->peers[0].loss.has_value(); }));
}

// The first bring-up of a boot loads the module, so that the stream begins in the middle of it.
TEST_F(DrbdSourceTest, ABringUpThatWasUnderWayBeforeTheStreamBeganLostNothing) {
  fake_.write("proc/drbd", proc84("cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown"));
  fake_.write("stream",
              "exists resource name:r0 role:Secondary suspended:no\n"
              "exists connection name:r0 peer-node-id:0 connection:StandAlone role:Unknown\n"
              "exists device name:r0 volume:0 minor:10 disk:UpToDate size:100 read:0 written:0\n"
              "exists peer-device name:r0 peer-node-id:0 volume:0 replication:Off "
              "peer-disk:DUnknown resync-suspended:no\n" +
                  kDumpEnd);
  fake_.drbdsetup(kFollow);
  fake_.write("dev/kmsg",
              "6,0,700000000,-;drbd r0: Starting worker thread (from drbdsetup-84 [882])\n"
              "6,1,700100000,-;drbd r0: conn( StandAlone -> Unconnected ) \n");
  start();
  ASSERT_TRUE(wait_for_connection(DrbdConnection::stand_alone));
  EXPECT_FALSE(r0()->peers[0].loss) << r0()->peers[0].loss->what;
}

TEST_F(DrbdSourceTest, ADaemonStartedLaterKnowsTheSplitBrainFromTheKernelLog) {
  fake_.write("proc/drbd", proc84("cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown"));
  fake_.write("stream",
              "exists resource name:r0 role:Secondary suspended:no\n"
              "exists device name:r0 volume:0 minor:10 disk:UpToDate size:100 read:0 written:0\n" +
                  kDumpEnd);
  fake_.drbdsetup("case \"$*\" in *--now*) exec cat $D/stream;; esac\n" + kFollow);
  fake_.write("dev/kmsg",
              "6,0,700000000,-;drbd r0: conn( WFConnection -> WFReportParams ) \n"
              "1,1,700100000,-;block drbd10: Split-Brain detected but unresolved, dropping "
              "connection!\n"
              "6,2,700200000,-;drbd r0: conn( WFReportParams -> Disconnecting ) \n"
              "6,3,700300000,-;drbd r0: conn( Disconnecting -> StandAlone ) \n");
  start();
  ASSERT_TRUE(log_.wait([&] { return r0() != nullptr; }));
  EXPECT_TRUE(r0()->split_brain);
  ASSERT_TRUE(r0()->peers.at(0).loss);
  EXPECT_EQ(r0()->peers[0].loss->cause, LinkLossCause::split_brain);
  EXPECT_EQ(reading()->kernel_log_problem, "");
  const auto now = source_->read_now(5s);
  ASSERT_TRUE(now) << now.error().message;
  EXPECT_EQ((*now)->resources.at(0).peers.at(0).loss->cause, LinkLossCause::split_brain);
}

TEST_F(DrbdSourceTest, AsksTheJournalForWhatTheKernelLogHasLostBeforeItTellsOfALink) {
  fake_.write("proc/drbd", proc84("cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown"));
  fake_.write("stream",
              "exists resource name:r0 role:Secondary suspended:no\n"
              "exists device name:r0 volume:0 minor:10 disk:UpToDate size:100 read:0 written:0\n" +
                  kDumpEnd);
  fake_.drbdsetup(kFollow);
  fake_.write("dev/kmsg", "6,4711,800000000,-;vnet0: entered promiscuous mode\n");
  FakeJournal kept;
  kept.boot();
  kept.kernel({"[  700.000000] drbd r0: conn( Connected -> Disconnecting ) ",
               "[  700.100000] drbd r0: conn( Disconnecting -> StandAlone ) ",
               "[  800.000000] vnet0: entered promiscuous mode"});
  const auto pipe = fake_.options().root / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  fake_.journalctl("exec cat $D/pipe");
  auto options = fake_.options();
  options.command_deadline = 20s;
  start(options);
  {
    std::ofstream journal(pipe);  // Waits until journalctl has opened it.
    EXPECT_FALSE(source_->latest().reading) << "nothing is told before the journal has";
    EXPECT_TRUE(fake_.calls("drbdsetup").empty());
    journal << kept.json();
  }
  ASSERT_TRUE(wait_for_connection(DrbdConnection::stand_alone));
  ASSERT_TRUE(r0()->peers[0].loss);
  EXPECT_EQ(r0()->peers[0].loss->cause, LinkLossCause::disconnected_by_operator);
  EXPECT_EQ(reading()->kernel_log_problem, "");
  EXPECT_EQ(fake_.calls("journalctl").size(), 1U);
}

TEST_F(DrbdSourceTest, AJournalThatHangsDelaysTheReadingAndEndsWithTheSource) {
  fake_.write("proc/drbd", proc84(kConnected));
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup(kFollow);
  fake_.write("dev/kmsg", "6,4711,800000000,-;vnet0: entered promiscuous mode\n");
  fake_.journalctl("exec sleep 60");
  auto options = fake_.options();
  options.command_deadline = 100ms;
  start(options);
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  EXPECT_NE(reading()->kernel_log_problem.find("no answer within 0.1 s"), std::string::npos)
      << reading()->kernel_log_problem;
  source_.reset();
  options.command_deadline = 60s;
  start(options);
  source_.reset();  // Would wait for a minute.
}

TEST_F(DrbdSourceTest, ReadNowRefusesWhatItCannotVouchFor) {
  fake_.write("proc/drbd", proc84(kConnecting));
  fake_.write("stream", kDump + kLost + kDumpEnd);
  fake_.write("dump", kDump + kDumpEnd);
  fake_.drbdsetup("case \"$*\" in *--now*) . $D/now;; esac\n" + kFollow);
  fake_.write("now", "exec cat $D/dump");
  start();
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connecting));
  auto now = source_->read_now(5s);
  ASSERT_FALSE(now) << "/proc/drbd says otherwise";
  EXPECT_NE(now.error().message.find("r0: "), std::string::npos) << now.error().message;
  fake_.write("dump", kDump);
  EXPECT_FALSE(source_->read_now(5s)) << "no end of the dump";
  fake_.write("now", "cat $D/dump; echo 'exists -'; exit 20");
  EXPECT_FALSE(source_->read_now(5s)) << "failed";
  fake_.write("now", "sleep 60");
  now = source_->read_now(100ms);
  ASSERT_FALSE(now);
  EXPECT_EQ(now.error().code, Errc::timed_out);
}

TEST_F(DrbdSourceTest, APokeBringsANewReading) {
  fake_.write("proc/drbd", kProc9);
  fake_.write("stream", kDump + kDumpEnd);
  fake_.drbdsetup(kFollowAndAnswer);
  auto options = fake_.options();
  options.reread_9 = 60s;
  start(options);
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connected));
  const Tick poked = clock_.now();
  source_->poke();
  EXPECT_TRUE(wait_for_newer(poked));
}

TEST_F(DrbdSourceTest, TellsAChangeAsAnEvent) {
  fake_.write("proc/drbd", kProc9);
  fake_.drbdsetup("cat $D/dump; read x; while read x; do cat $D/change; done");
  fake_.write("dump", kDump + kDumpEnd);
  fake_.write("change", kLost);
  start();
  ASSERT_TRUE(wait_for_connection(DrbdConnection::connecting));
  log_.wait([&] { return !log_.events.empty(); });
  source_.reset();
  const auto changed = std::ranges::find(log_.events, "Connecting", &DrbdEvent::to);
  ASSERT_NE(changed, log_.events.end());
  EXPECT_EQ(changed->from, "Connected");
}

}  // namespace
}  // namespace upkeep
