#include "remediation/effects/threaded_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_control.h"
#include "tests/support/fake_facts.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::CallScript;
using test::FakeClock;
using test::FakeFacts;
using test::TestWorld;
using test::uuid_of;
using test::vm_target;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Long enough for any machine; only a test that fails waits for it.
constexpr auto kPatience = 30s;

/// r0 lost its disk on this Secondary.
DrbdResource diskless_r0() {
  DrbdResource resource = a_resource("r0", 0).disk(DrbdDisk::diskless);
  resource.devices.front().client = false;
  return resource;
}

const AttachDevice kAttach{.resource = {"r0"}, .volume = {0}};

std::string start_call(const std::string& vm) { return "start " + uuid_of(vm); }

class ThreadedExecutorTest : public ::testing::Test {
 protected:
  ThreadedExecutorTest() {
    for (const char* name : {"web1", "web2", "web3", "web4", "web5", "web6"}) {
      world_.with(a_vm(name).off(VmReason::crashed)).wanted(name);
    }
    publish();
  }
  ~ThreadedExecutorTest() override { script_->release(); }

  void start(ThreadedExecutorOptions options = {}) {
    executor_ = std::make_unique<ThreadedExecutor>(options,
                                                   ActionTools{.hypervisor = hypervisor_,
                                                               .replication = replication_,
                                                               .facts = facts_,
                                                               .clock = clock_},
                                                   [this] {
                                                     const std::scoped_lock lock(mutex_);
                                                     ++woken_;
                                                     woken_changed_.notify_all();
                                                   });
  }

  void publish() { facts_->set(world_.snapshot); }
  /// Time passes, and what is read from then on is of then.
  void let_pass(Duration time) {
    clock_->advance(time);
    world_.later(time);
    publish();
  }

  /// Tells the executor what is wanted in the world of the moment.
  void tell_wishes() {
    executor_->know({.policy = std::make_shared<const Policy>(world_.policy),
                     .intents = world_.history.intents,
                     .standings = world_.history.standings});
  }
  void pause_the_node() {
    const Standing paused{
        .kind = Standing::Kind::paused, .subject = "node", .by = "anna", .reason = ""};
    world_.history.standings = {{key_of(paused), paused}};
    tell_wishes();
  }
  /// web1 waits behind web6, whose start hangs in the only worker there is.
  void queue_web1() {
    start({.workers = 1});
    script_->hang(start_call("web6"));
    executor_->submit(start_of(6, "web6"));
    script_->wait_until_hanging();
    executor_->submit(start_of(1, "web1"));
  }
  /// Lets it go on; how it ended.
  Outcome end_of_web1() {
    script_->release();
    for (const Completed& one : wait_for(2)) {
      if (one.id == 1) return one.outcome;
    }
    ADD_FAILURE() << "no word of web1";
    return {};
  }

  /// web1's disks lie on r0 and, if so wished, r1, which 8.4 must promote first.
  void put_web1_on_drbd(bool also_r1 = false) {
    auto web1 = a_vm("web1").off(VmReason::crashed).on_drbd(0, "vda");
    if (also_r1) web1.on_drbd(1, "vdb");
    world_.drbd_version("8.4.11").with(a_resource("r0", 0)).with(a_resource("r1", 1)).with(web1);
    publish();
  }

  [[nodiscard]] Ticket ticket(std::int64_t id, Finding finding, Action action) const {
    return {.id = id,
            .finding = std::move(finding),
            .action = std::move(action),
            .submitted = clock_->now(),
            .deadline = 120s,
            .policy = std::make_shared<const Policy>(world_.policy),
            .history = std::make_shared<const History>(world_.history)};
  }
  [[nodiscard]] Ticket start_of(std::int64_t id, const std::string& vm,
                                std::vector<ResourceName> promote = {},
                                bool destroy_first = false) const {
    return ticket(id,
                  {.rule = "vm_down",
                   .subject = vm_target(vm),
                   .trigger = Trigger::event,
                   .confirmed = true,
                   .since = clock_->now(),
                   .detail = ""},
                  StartVm{.vm = {vm},
                          .uuid = {uuid_of(vm)},
                          .destroy_first = destroy_first,
                          .promote = std::move(promote)});
  }
  [[nodiscard]] Ticket mending(std::int64_t id, std::string_view rule, const Action& action) const {
    return ticket(id,
                  {.rule = rule,
                   .subject = target_of(action),
                   .trigger = Trigger::event,
                   .confirmed = true,
                   .since = clock_->now() - 60s,
                   .detail = ""},
                  action);
  }
  [[nodiscard]] Ticket bring_up_of(std::int64_t id, const std::string& resource) const {
    return ticket(id,
                  {.rule = "drbd_down",
                   .subject = test::resource_target(resource),
                   .trigger = Trigger::poll,
                   .confirmed = true,
                   .since = clock_->now(),
                   .detail = ""},
                  BringUpResource{{resource}});
  }

  /// Waits for `count` pieces of news.
  std::vector<Completed> wait_for(std::size_t count) {
    std::vector<Completed> news;
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (news.size() < count) {
      int seen = 0;
      {
        const std::scoped_lock lock(mutex_);
        seen = woken_;
      }
      for (Completed& one : executor_->drain()) news.push_back(std::move(one));
      if (news.size() >= count) break;
      std::unique_lock lock(mutex_);
      if (!woken_changed_.wait_until(lock, until, [&] { return woken_ != seen; })) {
        ADD_FAILURE() << "only " << news.size() << " of " << count << " came";
        return news;
      }
    }
    return news;
  }
  Completed wait_for_one() {
    auto news = wait_for(1);
    if (news.size() != 1) std::abort();
    return news[0];
  }

  /// How the only action under way ended; that it is late may be told before, and by then.
  Completed wait_for_end() {
    for (;;) {
      const auto news = wait_for(1);
      if (news.empty()) std::abort();
      if (news.back().ended) return news.back();
    }
  }

  TestWorld world_;
  std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  std::shared_ptr<CallScript> script_ = std::make_shared<CallScript>();
  std::shared_ptr<FakeFacts> facts_ = std::make_shared<FakeFacts>();
  std::shared_ptr<test::FakeHypervisorControl> hypervisor_ =
      std::make_shared<test::FakeHypervisorControl>(script_);
  std::shared_ptr<test::FakeReplicationControl> replication_ =
      std::make_shared<test::FakeReplicationControl>(script_);
  std::mutex mutex_;
  std::condition_variable woken_changed_;
  int woken_ = 0;
  std::unique_ptr<ThreadedExecutor> executor_;
};

TEST_F(ThreadedExecutorTest, StartsAVmAndSaysHowLongEachPartTook) {
  start();
  script_->on(start_call("web1"), [&]() -> Result<void> {
    clock_->advance(3s);
    return {};
  });
  facts_->before_answer([&](int) { clock_->advance(20ms); });
  const Tick submitted = clock_->now();
  executor_->submit(start_of(7, "web1"));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.id, 7);
  EXPECT_EQ(done.outcome, (Outcome{Outcome::Kind::succeeded, "", ""}));
  EXPECT_TRUE(done.ended);
  EXPECT_EQ(done.times.queue, 20ms);
  EXPECT_EQ(done.times.storage, 0ms);
  EXPECT_EQ(done.times.start, 3s);
  EXPECT_EQ(done.times.command_sent, submitted + 20ms);
  EXPECT_EQ(done.at, submitted + 3020ms);
  EXPECT_THAT(script_->calls(), ElementsAre(start_call("web1")));
}

TEST_F(ThreadedExecutorTest, APauseHoldsWhatWasSubmittedBefore) {
  start();
  facts_->before_answer([&](int) { pause_the_node(); });
  executor_->submit(start_of(7, "web1"));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(done.outcome.reason, "paused");
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, APauseBetweenTwoStepsTakesBackTheFirst) {
  put_web1_on_drbd();
  start();
  script_->on("promote r0", [&]() -> Result<void> {
    pause_the_node();
    return {};
  });
  Ticket ticket = start_of(7, "web1");
  std::get<StartVm>(ticket.action).promote = {{"r0"}};
  executor_->submit(ticket);
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.reason, "paused");
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", "demote r0"));
}

TEST_F(ThreadedExecutorTest, AMarkHoldsWhatWasQueuedBefore) {
  queue_web1();
  world_.marked("web1", Keep::down);
  tell_wishes();
  EXPECT_EQ(end_of_web1(),
            (Outcome{Outcome::Kind::conflict, "facts_changed", "it is not wanted up any more"}));
  EXPECT_THAT(script_->calls(), ElementsAre(start_call("web6")));
}

TEST_F(ThreadedExecutorTest, AVmThatIsLeftAloneByNowIsNotStartedFromTheQueue) {
  queue_web1();
  VmPolicy left_alone;
  left_alone.match = "web1";
  left_alone.keep = Keep::ignore;
  world_.vm_policy(left_alone);
  tell_wishes();
  EXPECT_EQ(end_of_web1().kind, Outcome::Kind::conflict);
  EXPECT_THAT(script_->calls(), ElementsAre(start_call("web6")));
}

TEST_F(ThreadedExecutorTest, AModeThatDoesNotActHoldsWhatWasQueuedBefore) {
  for (const Mode mode : {Mode::observe, Mode::dry_run}) {
    world_.policy.mode = Mode::act;
    start({.workers = 1});
    facts_->before_answer([&](int) {
      world_.policy.mode = mode;
      tell_wishes();
    });
    executor_->submit(start_of(1, "web1"));
    const Completed done = wait_for_one();
    EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
    EXPECT_EQ(done.outcome.reason, "observing");
    EXPECT_THAT(script_->calls(), IsEmpty());
  }
}

TEST_F(ThreadedExecutorTest, AMarkBetweenTheLastLookAndTheCallIsNoticed) {
  hypervisor_->before_call = [this] {
    world_.marked("web1", Keep::down);
    tell_wishes();
  };
  start();
  executor_->submit(start_of(1, "web1"));
  EXPECT_EQ(wait_for_one().outcome,
            (Outcome{Outcome::Kind::conflict, "facts_changed", "it is not wanted up any more"}));
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, APauseOrAReloadBetweenTheLastLookAndTheCallTakesThePromotionBack) {
  for (const bool pause : {true, false}) {
    world_.policy.mode = Mode::act;
    put_web1_on_drbd();
    hypervisor_->before_call = [this, pause] {
      if (!pause) world_.policy.mode = Mode::observe;
      pause ? pause_the_node() : tell_wishes();
    };
    start();
    world_.history.standings.clear();
    const auto before = script_->calls().size();
    executor_->submit(start_of(1, "web1", {{"r0"}}));
    const Completed done = wait_for_one();
    EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
    EXPECT_EQ(done.outcome.reason, pause ? "paused" : "observing");
    auto calls = script_->calls();
    calls.erase(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(before));
    EXPECT_THAT(calls, ElementsAre("promote r0", "demote r0"));
    world_.history.standings.clear();
  }
}

TEST_F(ThreadedExecutorTest, FactsThatGrewOldWhileLibvirtLookedTheVmUpStartNothing) {
  for (const Duration lookup : {Duration(1s), Duration(100s)}) {
    put_web1_on_drbd();
    hypervisor_->before_call = [this, lookup] { clock_->advance(lookup); };
    start();
    const auto before = static_cast<std::ptrdiff_t>(script_->calls().size());
    executor_->submit(start_of(1, "web1", {{"r0"}}));
    const Completed done = wait_for_one();
    auto calls = script_->calls();
    calls.erase(calls.begin(), calls.begin() + before);
    if (lookup == 1s) {
      EXPECT_EQ(done.outcome.kind, Outcome::Kind::succeeded) << done.outcome.detail;
      EXPECT_THAT(calls, ElementsAre("promote r0", start_call("web1")));
      world_.later(1s);
      continue;
    }
    EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
    EXPECT_EQ(done.outcome.reason, "stale_libvirt");
    EXPECT_THAT(calls, ElementsAre("promote r0", "demote r0"));
  }
}

TEST_F(ThreadedExecutorTest, AnotherVmsMarkBetweenTheLastLookAndTheCallHoldsNothingUp) {
  hypervisor_->before_call = [this] {
    world_.marked("web2", Keep::down);
    tell_wishes();
  };
  start();
  executor_->submit(start_of(1, "web1"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(script_->calls(), ElementsAre(start_call("web1")));
}

TEST_F(ThreadedExecutorTest, WhatIsStillWantedIsStartedFromTheQueue) {
  queue_web1();
  world_.marked("web2", Keep::down);
  tell_wishes();
  EXPECT_EQ(end_of_web1().kind, Outcome::Kind::succeeded);
}

TEST_F(ThreadedExecutorTest, AFailedStartKeepsLibvirtsWords) {
  start();
  script_->fail(start_call("web1"), Errc::storage, "start VM 'web1': no such file");
  executor_->submit(start_of(1, "web1"));
  EXPECT_EQ(wait_for_one().outcome,
            (Outcome{Outcome::Kind::failed, "storage", "start VM 'web1': no such file"}));
}

TEST_F(ThreadedExecutorTest, WhatSomebodyElseStartedIsAConflictWithoutACommand) {
  start();
  world_.with(a_vm("web1"));
  publish();
  executor_->submit(start_of(1, "web1"));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::conflict);
  EXPECT_FALSE(costs_attempt(done.outcome));
  EXPECT_EQ(done.times.command_sent, Tick{});
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, AGateThatClosedRefuses) {
  start();
  world_.with(a_vm("web1").off(VmReason::crashed).network("lan", false));
  publish();
  executor_->submit(start_of(1, "web1"));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(done.outcome.reason, "network_missing");
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, WhatCannotBeReadAgainIsNotTouched) {
  start();
  facts_->fail({Errc::unavailable, "read VM 'web1' again: no connection"});
  executor_->submit(start_of(1, "web1"));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome, (Outcome{Outcome::Kind::refused, "unavailable",
                                   "read VM 'web1' again: no connection"}));
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, PromotesThenStarts) {
  put_web1_on_drbd(true);
  start();
  executor_->submit(start_of(1, "web1", {{"r0"}, {"r1"}}));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::succeeded) << done.outcome.detail;
  EXPECT_EQ(done.outcome.detail, "promoted r0, promoted r1");
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", "promote r1", start_call("web1")));
}

TEST_F(ThreadedExecutorTest, DropsACrashedGuestFirst) {
  start();
  world_.with(a_vm("web1").crashed());
  publish();
  script_->on("destroy_crashed " + uuid_of("web1"), [&]() -> Result<void> {
    world_.with(a_vm("web1").off(VmReason::destroyed));
    publish();
    return {};
  });
  executor_->submit(start_of(1, "web1", {}, true));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(script_->calls(),
              ElementsAre("destroy_crashed " + uuid_of("web1"), start_call("web1")));
}

TEST_F(ThreadedExecutorTest, AFailedStartDemotesWhatItPromotedInReverse) {
  put_web1_on_drbd(true);
  start();
  script_->fail(start_call("web1"), Errc::failed, "start VM 'web1': qemu exited");
  executor_->submit(start_of(1, "web1", {{"r0"}, {"r1"}}));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::failed);
  EXPECT_THAT(done.outcome.detail, HasSubstr("start VM 'web1': qemu exited (promoted r0"));
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", "promote r1", start_call("web1"),
                                            "demote r1", "demote r0"));
}

TEST_F(ThreadedExecutorTest, AResourceThatIsOpenStaysPrimary) {
  put_web1_on_drbd();
  start();
  script_->fail(start_call("web1"), Errc::failed, "start VM 'web1': qemu exited");
  script_->fail("demote r0", Errc::conflict, "demote r0: device is held open");
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  EXPECT_THAT(wait_for_one().outcome.detail,
              HasSubstr("r0 stays Primary: demote r0: device is held open"));
}

TEST_F(ThreadedExecutorTest, APromotionThatFailsDemotesTheOnesBefore) {
  put_web1_on_drbd(true);
  start();
  script_->fail("promote r1", Errc::conflict, "promote r1: Multiple primaries not allowed");
  executor_->submit(start_of(1, "web1", {{"r0"}, {"r1"}}));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::conflict);
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", "promote r1", "demote r0"));
}

TEST_F(ThreadedExecutorTest, AStartThatMayStillHappenKeepsItsDisks) {
  put_web1_on_drbd();
  start();
  script_->fail(start_call("web1"), Errc::timed_out, "start VM 'web1': no answer");
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::timed_out);
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", start_call("web1")));
}

TEST_F(ThreadedExecutorTest, AGateThatClosesAfterThePromotionTakesItBack) {
  put_web1_on_drbd();
  start();
  script_->on("promote r0", [&]() -> Result<void> {
    world_.peer("node2", {"web1"});  // It has just come up over there.
    publish();
    return {};
  });
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(done.outcome.reason, "runs_elsewhere");
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", "demote r0"));
}

TEST_F(ThreadedExecutorTest, WhatSomebodyStartedAfterThePromotionKeepsItsDisks) {
  put_web1_on_drbd();
  start();
  script_->on("promote r0", [&]() -> Result<void> {
    world_.with(a_vm("web1").on_drbd(0, "vda"));
    publish();
    return {};
  });
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::conflict);
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0"));
}

TEST_F(ThreadedExecutorTest, StoppingBetweenPromoteAndStartTakesThePromotionBack) {
  put_web1_on_drbd();
  start();
  script_->on("promote r0", [&]() -> Result<void> {
    executor_->stop_acting();
    return {};
  });
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", "demote r0"));
}

TEST_F(ThreadedExecutorTest, StoppingRefusesWhatWaitsAndWhatHasNotSentItsCommand) {
  start({.workers = 1});
  script_->hang(start_call("web1"));
  executor_->submit(start_of(1, "web1"));
  executor_->submit(start_of(2, "web2"));
  script_->wait_until_hanging();
  executor_->stop_acting();
  executor_->submit(start_of(3, "web3"));
  const auto refused = wait_for(2);
  for (const Completed& one : refused) {
    EXPECT_EQ(one.outcome.kind, Outcome::Kind::refused);
    EXPECT_TRUE(one.ended);
  }
  script_->release();
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(script_->calls(), ElementsAre(start_call("web1")));
}

TEST_F(ThreadedExecutorTest, StoppingEndsAtOnceWhatHangsAndHasSentNothing) {
  script_->hang("look");
  facts_->before_answer([this](int number) {
    if (number <= 2) (void)script_->call("look");
  });
  start();
  executor_->submit(start_of(1, "web1"));
  script_->wait_until_hanging();
  clock_->advance(121s);
  EXPECT_FALSE(wait_for_one().ended);
  world_.later(121s);
  publish();
  executor_->submit(start_of(2, "web2"));
  script_->wait_until_hanging(2);
  script_->hang(start_call("web3"));
  executor_->submit(start_of(3, "web3"));
  script_->wait_until_hanging(3);
  executor_->stop_acting();
  const auto news = executor_->drain();
  ASSERT_THAT(news, SizeIs(2)) << "web3's may still happen";
  for (const Completed& one : news) {
    EXPECT_TRUE(one.ended);
    EXPECT_NE(one.id, 3);
    EXPECT_EQ(one.outcome.kind, Outcome::Kind::refused);
    EXPECT_THAT(one.outcome.detail,
                HasSubstr(one.id == 1 ? "nothing could be sent" : "upkeep is shutting down"));
  }
  // Each end is told once, and they send nothing when they return.
  script_->release();
  const Completed last = wait_for_one();
  EXPECT_EQ(last.id, 3);
  EXPECT_EQ(last.outcome.kind, Outcome::Kind::succeeded);
  executor_->stop_acting();
  EXPECT_THAT(executor_->drain(), IsEmpty());
  EXPECT_THAT(script_->calls(), ElementsAre("look", "look", start_call("web3")));
}

TEST_F(ThreadedExecutorTest, StoppingDuringTheLastLookSendsNoCommand) {
  start();
  facts_->before_answer([&](int) { executor_->stop_acting(); });
  executor_->submit(start_of(1, "web1"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::refused);
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, ACallPastItsDeadlineIsToldAtOnceAndAgainWhenItEnds) {
  start();
  script_->hang(start_call("web1"));
  executor_->submit(start_of(1, "web1"));
  script_->wait_until_hanging();
  clock_->advance(119s);
  EXPECT_THAT(executor_->drain(), IsEmpty());
  clock_->advance(2s);
  const auto late = executor_->drain();
  ASSERT_THAT(late, SizeIs(1));
  EXPECT_EQ(late[0].outcome.kind, Outcome::Kind::timed_out);
  EXPECT_FALSE(late[0].ended);
  EXPECT_THAT(late[0].outcome.detail, HasSubstr("within 120 s"));
  EXPECT_THAT(late[0].outcome.detail, HasSubstr("(waiting for its command to return)"));
  EXPECT_THAT(executor_->drain(), IsEmpty());
  script_->release();
  const Completed ended = wait_for_one();
  EXPECT_TRUE(ended.ended);
  EXPECT_EQ(ended.outcome.kind, Outcome::Kind::succeeded);
  EXPECT_EQ(ended.outcome.detail,
            "at its deadline of 120 s it was still waiting for its command to return");
}

TEST_F(ThreadedExecutorTest, WhatWasInTheWayIsSaidBesideWhereItHungAtTheDeadline) {
  script_->hang("place");
  hypervisor_->before_session = [this](Duration /*deadline*/) -> Result<void> {
    (void)script_->call("place");
    return fail(Errc::unavailable, "others hang on 8 connections");
  };
  start();
  executor_->submit(start_of(1, "web1"));
  script_->wait_until_hanging();
  clock_->advance(121s);
  EXPECT_EQ(wait_for_one().outcome.detail,
            "nothing could be sent within 120 s (waiting for its turn among other commands)");
  script_->release();
  EXPECT_EQ(wait_for_one().outcome,
            (Outcome{Outcome::Kind::refused, "unavailable",
                     "others hang on 8 connections; at its deadline of 120 s it was still waiting "
                     "for its turn among other commands"}));
}

TEST_F(ThreadedExecutorTest, TheWatchdogWakesTheLoopAtTheDeadline) {
  start();
  script_->hang(start_call("web1"));
  Ticket hopeless = start_of(1, "web1");
  hopeless.deadline = 1ms;
  executor_->submit(hopeless);
  script_->wait_until_hanging();
  clock_->advance(1ms);
  // Nobody asks: the watchdog must tell by itself.
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(woken_changed_.wait_for(lock, kPatience, [&] { return woken_ > 0; }));
}

TEST_F(ThreadedExecutorTest, AnActionOutOfTimeBeforeItsCommandDoesNotSendIt) {
  start();
  Ticket ticket = start_of(1, "web1");
  ticket.deadline = 1s;
  facts_->before_answer([&](int) { clock_->advance(2s); });
  executor_->submit(ticket);
  const Completed done = wait_for_end();
  // Nothing is under way that could still happen: it may be tried again, and costs no attempt.
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(done.outcome.reason, to_string(Errc::timed_out));
  EXPECT_TRUE(done.ended);
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, WithoutAPlaceNothingIsLookedAtOrSent) {
  hypervisor_->before_session = [](Duration deadline) -> Result<void> {
    EXPECT_EQ(deadline, 120s) << "it counts against the action's";
    return fail(Errc::unavailable, "others hang");
  };
  facts_->before_answer([](int) { ADD_FAILURE() << "what for?"; });
  start();
  executor_->submit(start_of(1, "web1"));
  EXPECT_EQ(wait_for_one().outcome,
            (Outcome{Outcome::Kind::refused, "unavailable", "others hang"}));
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, AnAnswerCountsAlsoWhenItCameBeforeAnythingWasSent) {
  for (const Errc code : {Errc::denied, Errc::invalid}) {
    hypervisor_->before_session = [code](Duration /*deadline*/) -> Result<void> {
      return fail(code, "no");
    };
    start();
    executor_->submit(start_of(1, "web1"));
    EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::failed) << "the next try gets it as well";
  }
}

TEST_F(ThreadedExecutorTest, OutOfTimeAfterACommandIsAFailureThatCounts) {
  put_web1_on_drbd();
  start();
  facts_->before_answer([&](int number) {
    if (number != 2) return;
    clock_->advance(121s);
    world_.later(121s);
    publish();
  });
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  const Completed done = wait_for_end();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(done.outcome.reason, "timed_out");
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", "demote r0"));
}

TEST_F(ThreadedExecutorTest, ALookThatFailsAfterACommandIsAFailureThatCounts) {
  put_web1_on_drbd();
  start();
  facts_->before_answer([&](int number) {
    if (number == 2) facts_->fail({Errc::unavailable, "read VM 'web1' again: no connection"});
  });
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::failed) << "r0's role flaps at each try";
  EXPECT_EQ(done.outcome.reason, "unavailable");
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", "demote r0"));
}

TEST_F(ThreadedExecutorTest, APlaceThatThrowsCostsNoAttempt) {
  hypervisor_->before_session = [](Duration /*deadline*/) -> Result<void> {
    throw std::runtime_error("no thread");
  };
  start();
  executor_->submit(start_of(1, "web1"));
  EXPECT_EQ(wait_for_one().outcome, (Outcome{Outcome::Kind::refused, "failed", "no thread"}));
}

TEST_F(ThreadedExecutorTest, LooksWhenThePlaceIsThere) {
  hypervisor_->before_session = [this](Duration /*deadline*/) -> Result<void> {
    world_.peer("node2", {"web1"});  // It has moved while this one waited.
    publish();
    return {};
  };
  start();
  executor_->submit(start_of(1, "web1"));
  EXPECT_EQ(wait_for_one().outcome.reason, "runs_elsewhere");
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, APromotionIsNotMadeBeforeThereIsAPlaceForTheStart) {
  put_web1_on_drbd();
  hypervisor_->before_session = [](Duration /*deadline*/) -> Result<void> {
    return fail(Errc::unavailable, "others hang");
  };
  start();
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::refused);
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, WhatSentNothingByItsDeadlineHasNotEndedBeforeItReturns) {
  // Something before the call hangs, and does not keep to its deadline.
  script_->hang("place");
  hypervisor_->before_session = [this](Duration /*deadline*/) { return script_->call("place"); };
  start();
  executor_->submit(start_of(1, "web1"));
  script_->wait_until_hanging();
  clock_->advance(121s);
  const Completed late = wait_for_one();
  EXPECT_EQ(late.outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(late.outcome.reason, "timed_out");
  EXPECT_THAT(late.outcome.detail, HasSubstr("nothing could be sent within 120 s"));
  EXPECT_FALSE(late.ended) << "its thread still hangs";
  EXPECT_THAT(executor_->drain(), IsEmpty());
  world_.later(121s);
  publish();
  script_->release();
  const Completed ended = wait_for_one();
  EXPECT_TRUE(ended.ended);
  EXPECT_EQ(ended.outcome.kind, Outcome::Kind::refused);
  EXPECT_THAT(ended.outcome.detail, HasSubstr("nothing could be sent within 120 s"));
  EXPECT_THAT(script_->calls(), ElementsAre("place"));
  // And the target can be tried again.
  executor_->submit(start_of(2, "web1"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
}

TEST_F(ThreadedExecutorTest, ALastLookThatHangsHasNotEndedAndSendsNothingLater) {
  script_->hang("look");
  facts_->before_answer([this](int /*number*/) { (void)script_->call("look"); });
  start();
  executor_->submit(start_of(1, "web1"));
  script_->wait_until_hanging();
  clock_->advance(121s);
  const Completed late = wait_for_one();
  EXPECT_EQ(late.outcome.reason, "timed_out");
  EXPECT_FALSE(late.ended);
  EXPECT_THAT(late.outcome.detail, HasSubstr("(reading the facts once more)"));
  EXPECT_EQ(late.times.command_sent, Tick{});
  // What it reads in the end is fresh, and would let it go on.
  world_.later(121s);
  publish();
  script_->release();
  const Completed ended = wait_for_one();
  EXPECT_TRUE(ended.ended);
  EXPECT_EQ(ended.outcome, late.outcome);
  EXPECT_EQ(ended.times.command_sent, Tick{});
  EXPECT_THAT(script_->calls(), ElementsAre("look"));
}

TEST_F(ThreadedExecutorTest, LooksThatHangKeepTheirWorkersUpToTheBoundAndNoFurther) {
  script_->hang("look");
  facts_->before_answer([this](int /*number*/) { (void)script_->call("look"); });
  start({.workers = 1, .replacements = 1});
  for (std::int64_t id = 1; id <= 2; ++id) {
    executor_->submit(start_of(id, "web" + std::to_string(id)));
    script_->wait_until_hanging(static_cast<int>(id));
    clock_->advance(121s);
    EXPECT_FALSE(wait_for_one().ended);
  }
  executor_->submit(start_of(3, "web3"));
  const Completed third = wait_for_one();
  EXPECT_EQ(third.id, 3);
  EXPECT_TRUE(third.ended);
  EXPECT_THAT(script_->calls(), SizeIs(2));
  script_->release();
  for (const Completed& one : wait_for(2)) EXPECT_TRUE(one.ended);
  EXPECT_THAT(script_->calls(), SizeIs(2));
}

TEST_F(ThreadedExecutorTest, StuckCallsDoNotHoldUpOthers) {
  start({.workers = 2, .replacements = 1});
  script_->hang(start_call("web1"));
  script_->hang(start_call("web2"));
  executor_->submit(start_of(1, "web1"));
  executor_->submit(start_of(2, "web2"));
  executor_->submit(start_of(3, "web3"));
  script_->wait_until_hanging(2);
  clock_->advance(121s);
  world_.later(121s);
  publish();
  // Two timeouts, and web3 by the replacement.
  const auto news = wait_for(3);
  std::vector<std::int64_t> ended;
  for (const Completed& one : news) {
    if (one.ended) ended.push_back(one.id);
  }
  EXPECT_THAT(ended, ElementsAre(3));
  script_->release();
  (void)wait_for(2);
  // And the pool is as it was: everything still runs.
  executor_->submit(start_of(4, "web4"));
  executor_->submit(start_of(5, "web5"));
  executor_->submit(start_of(6, "web6"));
  EXPECT_THAT(wait_for(3), SizeIs(3));
}

TEST_F(ThreadedExecutorTest, FourHungStartsHoldUpNoFifth) {
  start();
  for (std::int64_t id = 1; id <= 4; ++id) {
    const std::string vm = "web" + std::to_string(id);
    script_->hang(start_call(vm));
    executor_->submit(start_of(id, vm));
  }
  executor_->submit(start_of(5, "web5"));
  script_->wait_until_hanging(4);
  clock_->advance(121s);
  world_.later(121s);
  publish();
  const auto news = wait_for(5);
  for (const Completed& one : news) {
    EXPECT_EQ(one.outcome.kind, one.id == 5 ? Outcome::Kind::succeeded : Outcome::Kind::timed_out);
    EXPECT_EQ(one.ended, one.id == 5);
  }
}

TEST_F(ThreadedExecutorTest, ATicketThatNoWorkerCanTakeIsRefusedAndDrbdIsStillRepaired) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0).down());
  publish();
  start({.workers = 1, .replacements = 1});
  script_->hang(start_call("web1"));
  script_->hang(start_call("web2"));
  executor_->submit(start_of(1, "web1"));
  script_->wait_until_hanging();
  clock_->advance(121s);
  world_.later(121s);
  publish();
  EXPECT_FALSE(wait_for_one().ended);
  executor_->submit(start_of(2, "web2"));
  script_->wait_until_hanging(2);
  executor_->submit(start_of(3, "web3"));  // May still be taken.
  EXPECT_THAT(executor_->drain(), IsEmpty());
  clock_->advance(121s);
  world_.later(121s);
  publish();
  for (const Completed& one : wait_for(2)) {
    EXPECT_EQ(one.ended, one.id == 3);
    EXPECT_EQ(one.outcome.kind, one.id == 3 ? Outcome::Kind::refused : Outcome::Kind::timed_out);
  }
  executor_->submit(start_of(4, "web4"));
  const Completed hopeless = wait_for_one();
  EXPECT_EQ(hopeless.outcome, (Outcome{Outcome::Kind::refused, "unavailable",
                                       "2 earlier commands have not ended, and no more are sent"}));
  EXPECT_TRUE(hopeless.ended);
  executor_->submit(bring_up_of(5, "r0"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  script_->release();
  (void)wait_for(2);
  executor_->submit(start_of(6, "web6"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
}

TEST_F(ThreadedExecutorTest, StartsThatHangKeepNoTurnOfDrbd) {
  put_web1_on_drbd();
  world_.with(a_vm("web2").off(VmReason::crashed).on_drbd(1, "vda"))
      .with(a_resource("r2", 2).down());
  publish();
  start();
  script_->hang(start_call("web1"));
  script_->hang(start_call("web2"));
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  executor_->submit(start_of(2, "web2", {{"r1"}}));
  script_->wait_until_hanging(2);
  executor_->submit(bring_up_of(3, "r2"));
  EXPECT_THAT(executor_->drain(), IsEmpty()) << "two of them are under way";
  clock_->advance(121s);
  world_.later(121s);
  publish();
  for (const Completed& one : wait_for(3)) {
    EXPECT_EQ(one.outcome.kind, one.id == 3 ? Outcome::Kind::succeeded : Outcome::Kind::timed_out);
  }
}

TEST_F(ThreadedExecutorTest, WithoutAThreadForAWorkerTicketsAreRefusedUntilThereIsOne) {
  const auto left = std::make_shared<std::atomic<int>>(0);
  start({.workers = 2, .new_thread = [left](std::function<void()> work) {
           if (left->fetch_sub(1) <= 0) {
             left->store(0);
             throw std::system_error(EAGAIN, std::generic_category());
           }
           return std::jthread(std::move(work));
         }});
  executor_->submit(start_of(1, "web1"));
  EXPECT_EQ(wait_for_one().outcome,
            (Outcome{Outcome::Kind::refused, "unavailable", "the system has no thread for it"}));
  left->store(1);
  script_->hang(start_call("web2"));
  executor_->submit(start_of(2, "web2"));
  script_->wait_until_hanging();
  // The watchdog finds none for the one that hangs, and says so of what waits.
  executor_->submit(start_of(3, "web3"));
  clock_->advance(121s);
  world_.later(121s);
  publish();
  for (const Completed& one : wait_for(2)) {
    EXPECT_EQ(one.ended, one.id == 3);
    EXPECT_EQ(one.outcome.kind, one.id == 3 ? Outcome::Kind::refused : Outcome::Kind::timed_out);
  }
  left->store(2);
  executor_->submit(start_of(4, "web4"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  script_->release();
  EXPECT_EQ(wait_for_one().id, 2);
}

TEST_F(ThreadedExecutorTest, NeverMoreAtOnceThanWorkers) {
  start({.workers = 2, .replacements = 0});
  for (const char* name : {"web1", "web2", "web3"}) script_->hang(start_call(name));
  executor_->submit(start_of(1, "web1"));
  executor_->submit(start_of(2, "web2"));
  executor_->submit(start_of(3, "web3"));
  script_->wait_until_hanging(2);
  EXPECT_THAT(script_->calls(), SizeIs(2));
  script_->release();
  EXPECT_THAT(wait_for(3), SizeIs(3));
}

TEST_F(ThreadedExecutorTest, AtMostTwoActionsOnDrbdAndTheOthersGoAhead) {
  world_.drbd_version("8.4.11");
  for (const char* name : {"r0", "r1", "r2"}) {
    world_.with(a_resource(name, static_cast<std::uint32_t>(name[1] - '0')).down());
    script_->hang(std::string("adjust ") + name);
  }
  publish();
  start();
  executor_->submit(bring_up_of(1, "r0"));
  executor_->submit(bring_up_of(2, "r1"));
  executor_->submit(bring_up_of(3, "r2"));
  executor_->submit(start_of(4, "web1"));
  EXPECT_EQ(wait_for_one().id, 4);
  script_->wait_until_hanging(2);
  EXPECT_THAT(script_->calls(), ::testing::Not(::testing::Contains("dry_run r2")));
  script_->release();
  EXPECT_THAT(wait_for(3), SizeIs(3));
}

TEST_F(ThreadedExecutorTest, WhatChangedWhileACommandWaitedForItsTurnIsSeen) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0).down());
  publish();
  replication_->before_turn = [&](const std::string& call) {
    if (call != "adjust r0") return;
    world_.with(a_resource("r0", 0));  // Somebody else brought it up.
    publish();
  };
  start();
  executor_->submit(bring_up_of(1, "r0"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::conflict);
  EXPECT_THAT(script_->calls(), ElementsAre("dry_run r0"));
}

TEST_F(ThreadedExecutorTest, APromotionThatWaitedForItsTurnIsNotMadeForAVmThatMoved) {
  put_web1_on_drbd();
  replication_->before_turn = [&](const std::string& call) {
    if (call != "promote r0") return;
    world_.peer("node2", {"web1"});
    publish();
  };
  start();
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  EXPECT_EQ(wait_for_one().outcome.reason, "runs_elsewhere");
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, ATurnThatNeverComesCostsNoAttempt) {
  world_.with(diskless_r0()).with(a_resource("r1", 1).down());
  publish();
  for (const char* call : {"probe r0/0", "dry_run r1"}) {
    replication_->no_turn[call] = {Errc::unavailable, "other DRBD commands took all the time"};
  }
  start();
  executor_->submit(mending(1, "drbd_diskless", kAttach));
  executor_->submit(bring_up_of(2, "r1"));
  for (const Completed& one : wait_for(2)) {
    EXPECT_EQ(one.outcome, (Outcome{Outcome::Kind::refused, "unavailable",
                                    "other DRBD commands took all the time"}));
  }
  EXPECT_THAT(script_->calls(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, ADryRunIsNoAttemptWhenNoTurnComesForTheCommandItself) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0).down());
  publish();
  replication_->no_turn["adjust r0"] = {Errc::unavailable, "other DRBD commands took all the time"};
  start();
  executor_->submit(bring_up_of(1, "r0"));
  EXPECT_EQ(wait_for_one().outcome, (Outcome{Outcome::Kind::refused, "unavailable",
                                             "other DRBD commands took all the time"}));
  EXPECT_THAT(script_->calls(), ElementsAre("dry_run r0"));
}

TEST_F(ThreadedExecutorTest, ADryRunThatFailsIsDrbdsAnswerAndCounts) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0).down());
  publish();
  script_->fail("dry_run r0", Errc::failed, "exit code 10");
  start();
  executor_->submit(bring_up_of(1, "r0"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::failed);
}

TEST_F(ThreadedExecutorTest, AnEarlierCommandThatStillRunsMakesNoVmStuckThatItWasNotSentFor) {
  put_web1_on_drbd(true);
  replication_->no_turn["promote r1"] = {Errc::timed_out, "an earlier command is still running"};
  start();
  executor_->submit(start_of(1, "web1", {{"r0"}, {"r1"}}));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::failed) << "nothing of it may still happen";
  EXPECT_EQ(done.outcome.reason, "timed_out");
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", "demote r0"));
}

TEST_F(ThreadedExecutorTest, APromotionThatMayStillHappenIsTimedOut) {
  put_web1_on_drbd(true);
  script_->fail("promote r1", Errc::timed_out, "did not terminate within 5 seconds");
  start();
  executor_->submit(start_of(1, "web1", {{"r0"}, {"r1"}}));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::timed_out);
}

TEST_F(ThreadedExecutorTest, AnEarlierCommandThatStillRunsIsTheOutcomeOfThisOneToo) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0).down());
  publish();
  replication_->no_turn["dry_run r0"] = {Errc::timed_out, "an earlier command is still running"};
  start();
  executor_->submit(bring_up_of(1, "r0"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::timed_out);
}

TEST_F(ThreadedExecutorTest, BringsUpAResourceAfterInspectingTheDryRun) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0).down());
  publish();
  replication_->dry_run = {"drbdsetup-84 new-resource r0", "drbdsetup-84 new-minor r0 0 0"};
  start();
  executor_->submit(bring_up_of(1, "r0"));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::succeeded) << done.outcome.detail;
  EXPECT_NE(done.times.command_sent, Tick{});
  EXPECT_THAT(script_->calls(), ElementsAre("dry_run r0", "adjust r0"));
}

TEST_F(ThreadedExecutorTest, ADryRunThatWantsMoreThanBringingUpIsRefused) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0).down());
  publish();
  replication_->dry_run = {"drbdsetup-84 new-resource r0", "drbdsetup-84 detach 0"};
  start();
  executor_->submit(bring_up_of(1, "r0"));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(done.outcome.reason, "unsafe_adjust");
  EXPECT_THAT(done.outcome.detail, HasSubstr("drbdsetup-84 detach 0"));
  EXPECT_EQ(done.times.command_sent, Tick{});
  EXPECT_THAT(script_->calls(), ElementsAre("dry_run r0"));
}

TEST_F(ThreadedExecutorTest, AResourceBroughtUpDuringTheDryRunIsLeftAlone) {
  world_.drbd_version("8.4.11").with(a_resource("r0", 0).down());
  publish();
  script_->on("dry_run r0", [&]() -> Result<void> {
    world_.with(a_resource("r0", 0));
    publish();
    return {};
  });
  start();
  executor_->submit(bring_up_of(1, "r0"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::conflict);
  EXPECT_THAT(script_->calls(), ElementsAre("dry_run r0"));
}

TEST_F(ThreadedExecutorTest, AToolThatThrowsIsAFailureOfThatActionOnly) {
  start();
  script_->on(start_call("web1"), []() -> Result<void> { throw std::runtime_error("a bug"); });
  executor_->submit(start_of(1, "web1"));
  EXPECT_EQ(wait_for_one().outcome, (Outcome{Outcome::Kind::failed, "failed", "a bug"}));
  executor_->submit(start_of(2, "web2"));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
}

TEST_F(ThreadedExecutorTest, WhatWasPromotedBeforeAToolThrewIsDemotedAgain) {
  put_web1_on_drbd(true);
  start();
  script_->on("promote r1", []() -> Result<void> { throw std::runtime_error("a bug"); });
  script_->on("demote r0", []() -> Result<void> { throw std::runtime_error("another"); });
  executor_->submit(start_of(1, "web1", {{"r0"}, {"r1"}}));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(done.outcome.detail, "a bug (promoted r0, r0 stays Primary: another)");
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", "promote r1", "demote r0"));
}

TEST_F(ThreadedExecutorTest, AStartThatThrewMayHaveHappenedAndKeepsItsDisks) {
  put_web1_on_drbd();
  start();
  script_->on(start_call("web1"), []() -> Result<void> { throw std::runtime_error("a bug"); });
  executor_->submit(start_of(1, "web1", {{"r0"}}));
  EXPECT_EQ(wait_for_one().outcome.detail, "a bug (promoted r0)");
  EXPECT_THAT(script_->calls(), ElementsAre("promote r0", start_call("web1")));
}

TEST_F(ThreadedExecutorTest, ItsEndDoesNotWaitForACallThatHangs) {
  start({.stop_grace = 5ms});
  script_->hang(start_call("web1"));
  executor_->submit(start_of(1, "web1"));
  script_->wait_until_hanging();
  executor_.reset();  // Would hang the test.
  // The call returns into what it still owns; TSan and ASan watch.
  script_->release();
}

TEST_F(ThreadedExecutorTest, ItsEndWaitsForACallThatEnds) {
  start({.stop_grace = kPatience});
  script_->hang("hold");
  std::atomic<bool> ended = false;
  script_->on(start_call("web1"), [&]() -> Result<void> {
    (void)script_->call("hold");
    ended = true;
    return {};
  });
  executor_->submit(start_of(1, "web1"));
  script_->wait_until_hanging();
  const std::jthread releaser([&] { script_->release(); });
  executor_.reset();
  EXPECT_TRUE(ended);
}

TEST_F(ThreadedExecutorTest, EachWaitOfARepairIsInOneOfItsParts) {
  world_.with(diskless_r0()).with(a_resource("r1", 1).down());
  publish();
  replication_->before_turn = [this](const std::string& call) {
    let_pass(call.starts_with("probe") || call.starts_with("dry") ? 30s : 5s);
  };
  facts_->before_answer([this](int /*number*/) { let_pass(20ms); });
  for (const char* call : {"probe r0/0", "dry_run r1"}) {
    script_->on(call, [this]() -> Result<void> {
      let_pass(1s);
      return {};
    });
  }
  for (const char* call : {"attach r0/0", "adjust r1"}) {
    script_->on(call, [this]() -> Result<void> {
      let_pass(2s);
      return {};
    });
  }
  start();
  for (const Ticket& repair : {mending(1, "drbd_diskless", kAttach), bring_up_of(2, "r1")}) {
    Ticket now = repair;
    now.submitted = clock_->now();
    executor_->submit(now);
    const Completed done = wait_for_one();
    EXPECT_EQ(done.outcome.kind, Outcome::Kind::succeeded) << done.outcome.detail;
    EXPECT_EQ(done.times.queue, 30020ms);
    EXPECT_EQ(done.times.storage, 6020ms);
    EXPECT_EQ(done.times.start, 2s);
  }
}

TEST_F(ThreadedExecutorTest, LibvirtsLookupIsPartOfTheStartOnly) {
  put_web1_on_drbd();
  hypervisor_->before_call = [this] { let_pass(2s); };
  start();
  script_->on("promote r0", [this]() -> Result<void> {
    let_pass(1s);
    return {};
  });
  for (const bool promotes : {false, true}) {
    Ticket starting = start_of(1, promotes ? "web1" : "web2");
    if (promotes) std::get<StartVm>(starting.action).promote = {{"r0"}};
    executor_->submit(starting);
    const Completed done = wait_for_one();
    EXPECT_EQ(done.outcome.kind, Outcome::Kind::succeeded) << done.outcome.detail;
    EXPECT_EQ(done.times.storage, promotes ? 1s : 0s);
    EXPECT_EQ(done.times.start, 2s);
  }
}

TEST_F(ThreadedExecutorTest, APartThatFailsTookItsTime) {
  world_.with(diskless_r0());
  publish();
  replication_->before_turn = [this](const std::string& /*call*/) { let_pass(30s); };
  script_->on("probe r0/0", [this]() -> Result<void> {
    let_pass(1s);
    return fail(Errc::storage, "read at 0 of /dev/vg0/r0: Input/output error");
  });
  start();
  executor_->submit(mending(1, "drbd_diskless", kAttach));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.times.queue, 30s);
  EXPECT_EQ(done.times.storage, 1s);
}

TEST_F(ThreadedExecutorTest, AttachesADiskOnlyAfterItProvedReadable) {
  world_.with(diskless_r0());
  publish();
  start();
  executor_->submit(mending(1, "drbd_diskless", kAttach));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::succeeded) << done.outcome.detail;
  EXPECT_THAT(script_->calls(), ElementsAre("probe r0/0", "attach r0/0"));
}

TEST_F(ThreadedExecutorTest, ADiskThatCannotBeReadIsNotAttachedAndCostsNoTry) {
  world_.with(diskless_r0());
  publish();
  script_->fail("probe r0/0", Errc::storage, "read at 0 of /dev/vg0/r0: Input/output error");
  start();
  executor_->submit(mending(1, "drbd_diskless", kAttach));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(done.outcome.reason, "disk_unreadable");
  EXPECT_THAT(done.outcome.detail, HasSubstr("Input/output error"));
  EXPECT_THAT(script_->calls(), ElementsAre("probe r0/0"));
}

TEST_F(ThreadedExecutorTest, ADiskIsNotCalledUnreadableForALookThatTookItsTime) {
  for (const Errc code : {Errc::timed_out, Errc::unavailable}) {
    world_.with(diskless_r0());
    publish();
    facts_->before_answer([this](int /*number*/) { let_pass(119s); });
    script_->on("probe r0/0", [this, code]() -> Result<void> {
      let_pass(1s);  // As much as is left.
      return fail(code, "no answer within 1 s");
    });
    start();
    executor_->submit(mending(1, "drbd_diskless", kAttach));
    const Completed done = wait_for_end();
    EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
    EXPECT_EQ(done.outcome.reason, "timed_out");
    EXPECT_EQ(replication_->given["probe r0/0"], 120s) << "the device's own time begins later";
  }
}

TEST_F(ThreadedExecutorTest, ADiskThatIsGoneIsMissingAndNotUnreadable) {
  world_.with(diskless_r0());
  publish();
  script_->fail("probe r0/0", Errc::not_found, "open /dev/vg0/r0: No such file or directory");
  start();
  executor_->submit(mending(1, "drbd_diskless", kAttach));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(done.outcome.reason, "disk_missing");
  EXPECT_THAT(script_->calls(), ElementsAre("probe r0/0"));
}

TEST_F(ThreadedExecutorTest, NothingIsAttachedUnderAGuestThatCameDuringTheProbe) {
  world_.with(diskless_r0());
  publish();
  script_->on("probe r0/0", [this]() -> Result<void> {
    DrbdResource primary = diskless_r0();
    primary.role = stated(kDrbdRoles, "Primary");
    world_.with(primary);
    publish();
    return {};
  });
  start();
  executor_->submit(mending(1, "drbd_diskless", kAttach));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(done.outcome.reason, "primary_here");
  EXPECT_THAT(script_->calls(), ElementsAre("probe r0/0"));
}

TEST_F(ThreadedExecutorTest, ReconnectsPlainlyUnlessEvidenceCameUp) {
  DrbdResource cut_short = a_resource("r0", 0).stand_alone();
  cut_short.after_sb_all_disconnect = true;
  world_.with(cut_short);
  publish();
  start();
  executor_->submit(mending(1, "drbd_standalone", ReconnectResource{{"r0"}}));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(script_->calls(), ElementsAre("connect r0"));
  cut_short.peers.front().loss =
      LinkLoss{.cause = LinkLossCause::disconnected_by_operator, .what = ""};
  world_.with(cut_short);
  publish();
  executor_->submit(mending(2, "drbd_standalone", ReconnectResource{{"r0"}}));
  const Completed held = wait_for_one();
  EXPECT_EQ(held.outcome.reason, "disconnected_by_operator");
  EXPECT_THAT(script_->calls(), SizeIs(1));
}

TEST_F(ThreadedExecutorTest, ResumesOnlyWhatIsStillPausedByTheError) {
  world_.with(a_vm("web1").state(VmState::paused, VmReason::io_error));
  world_.wanted("web1", StopCause::none);
  world_.history.storage_open_since[{uuid_of("web1")}] = clock_->now() - 60s;
  publish();
  start();
  const Action resume = ResumeVm{.vm = {"web1"}, .uuid = {uuid_of("web1")}};
  executor_->submit(mending(1, "vm_paused_io", resume));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(script_->calls(), ElementsAre("resume " + uuid_of("web1")));
  world_.with(a_vm("web1").state(VmState::paused, VmReason::user));
  publish();
  executor_->submit(mending(2, "vm_paused_io", resume));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::conflict);
  EXPECT_THAT(script_->calls(), SizeIs(1));
}

TEST_F(ThreadedExecutorTest, ResetsWhatStillRuns) {
  world_.with(a_vm("web1")).wanted("web1", StopCause::none);
  world_.history.asked_by_alert[{"vm_unresponsive", vm_target("web1")}] = clock_->now() - 10s;
  world_.policy.allowed_risk = Risk::high;
  publish();
  start();
  const Action reset = ResetVm{.vm = {"web1"}, .uuid = {uuid_of("web1")}};
  executor_->submit(mending(1, "vm_unresponsive", reset));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(script_->calls(), ElementsAre("reset " + uuid_of("web1")));
  world_.with(a_vm("web1").state(VmState::paused, VmReason::user));
  publish();
  executor_->submit(mending(2, "vm_unresponsive", reset));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::conflict);
  EXPECT_THAT(script_->calls(), SizeIs(1));
}

TEST_F(ThreadedExecutorTest, AttachesTheDiskThatIsMissing) {
  VmDisk lost;
  lost.target = {"vdb"};
  lost.source = "/dev/vg0/data";
  lost.backing = DiskBacking::local;
  lost.attached = false;
  world_.with(a_vm("web1").disk(lost)).wanted("web1", StopCause::none);
  world_.history.standings[{Standing::Kind::disk_lost, uuid_of("web1") + "/vdb"}] = {};
  publish();
  start();
  executor_->submit(
      mending(1, "vm_disk_missing",
              ReattachDisk{.vm = {"web1"}, .uuid = {uuid_of("web1")}, .disk = {"vdb"}}));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(script_->calls(), ElementsAre("attach_disk " + uuid_of("web1") + " vdb"));
}

// A person decided whose changes are lost.

constexpr const char* kSplitBrain = "drbd_split_brain";

Action resolve_r0(SplitBrainSide side) {
  return ResolveSplitBrain{.resource = {"r0"}, .side = side};
}

DrbdResource split_r0(DrbdConnection connection = DrbdConnection::stand_alone,
                      DrbdRole role = DrbdRole::secondary) {
  return a_resource("r0", 0)
      .peer(connection, DrbdRole::unknown)
      .role(role)
      .split_brain("helper split-brain");
}

TEST_F(ThreadedExecutorTest, DiscardsInEveryModeWhatAPersonGaveUp) {
  world_.with(split_r0());
  world_.policy.mode = Mode::observe;
  publish();
  start();
  executor_->submit(mending(1, kSplitBrain, resolve_r0(SplitBrainSide::discard_local)));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(script_->calls(), ElementsAre("connect --discard-my-data r0"));
  EXPECT_THAT(facts_->settled(), IsEmpty()) << "until the sides are one, this copy is stale";
}

TEST_F(ThreadedExecutorTest, DisconnectsALinkThatStillTriesBeforeItDiscards) {
  world_.with(split_r0(DrbdConnection::connecting));
  publish();
  script_->on("disconnect r0", [this]() -> Result<void> {
    world_.with(split_r0());
    publish();
    return {};
  });
  start();
  executor_->submit(mending(1, kSplitBrain, resolve_r0(SplitBrainSide::discard_local)));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(done.outcome.detail, HasSubstr("disconnected it"));
  EXPECT_THAT(script_->calls(), ElementsAre("disconnect r0", "connect --discard-my-data r0"));
}

TEST_F(ThreadedExecutorTest, DiscardsNothingUnderAGuestThatCameInBetween) {
  world_.with(split_r0(DrbdConnection::connecting));
  publish();
  script_->on("disconnect r0", [this]() -> Result<void> {
    world_.with(split_r0(DrbdConnection::stand_alone, DrbdRole::primary));
    publish();
    return {};
  });
  start();
  executor_->submit(mending(1, kSplitBrain, resolve_r0(SplitBrainSide::discard_local)));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(done.outcome.reason, "primary_here");
  EXPECT_THAT(script_->calls(), ElementsAre("disconnect r0"));
}

TEST_F(ThreadedExecutorTest, ADisconnectThatFailsEndsIt) {
  world_.with(split_r0(DrbdConnection::connecting));
  publish();
  script_->fail("disconnect r0", Errc::conflict, "No quorum");
  start();
  executor_->submit(mending(1, kSplitBrain, resolve_r0(SplitBrainSide::discard_local)));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::conflict);
  EXPECT_THAT(script_->calls(), ElementsAre("disconnect r0"));
}

TEST_F(ThreadedExecutorTest, SomebodyElseResolvedItMeanwhile) {
  world_.with(a_resource("r0", 0));
  publish();
  start();
  for (const SplitBrainSide side : {SplitBrainSide::discard_local, SplitBrainSide::keep_local}) {
    executor_->submit(mending(1, kSplitBrain, resolve_r0(side)));
    EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::conflict);
  }
  EXPECT_THAT(script_->calls(), IsEmpty());
  EXPECT_THAT(facts_->settled(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, TheSideThatIsKeptConnectsPlainlyAndForgetsTheEvidence) {
  world_.with(split_r0(DrbdConnection::stand_alone, DrbdRole::primary));
  publish();
  start();
  executor_->submit(mending(1, kSplitBrain, resolve_r0(SplitBrainSide::keep_local)));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(script_->calls(), ElementsAre("connect r0"));
  EXPECT_THAT(facts_->settled(), ElementsAre("r0"));
}

TEST_F(ThreadedExecutorTest, TheSideThatIsKeptAndWaitsAlreadyOnlyForgetsTheEvidence) {
  world_.with(split_r0(DrbdConnection::connecting, DrbdRole::primary));
  publish();
  start();
  executor_->submit(mending(1, kSplitBrain, resolve_r0(SplitBrainSide::keep_local)));
  const Completed done = wait_for_one();
  EXPECT_EQ(done.outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(done.outcome.detail, HasSubstr("no link stands alone"));
  EXPECT_THAT(script_->calls(), IsEmpty());
  EXPECT_THAT(facts_->settled(), ElementsAre("r0"));
}

TEST_F(ThreadedExecutorTest, AmongThreeNodesOnlyTheLinkThatWasGivenUpIsConnected) {
  world_.with(a_resource("r0", 0)
                  .second_peer("gamma", DrbdConnection::stand_alone, DrbdRole::unknown)
                  .split_brain("helper split-brain"));
  publish();
  start();
  executor_->submit(mending(1, kSplitBrain, resolve_r0(SplitBrainSide::keep_local)));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::succeeded);
  EXPECT_THAT(script_->calls(), ElementsAre("connect r0:gamma"));
}

TEST_F(ThreadedExecutorTest, EvidenceStaysWhenTheConnectionFails) {
  world_.with(split_r0());
  publish();
  script_->fail("connect r0", Errc::unavailable, "IP 10.0.0.2 not found on this host");
  start();
  executor_->submit(mending(1, kSplitBrain, resolve_r0(SplitBrainSide::keep_local)));
  EXPECT_EQ(wait_for_one().outcome.kind, Outcome::Kind::failed);
  EXPECT_THAT(facts_->settled(), IsEmpty());
}

TEST_F(ThreadedExecutorTest, NothingButAPersonsWordDiscards) {
  // Each of them under the very conditions that it mends, and with evidence of a split brain.
  world_.with(split_r0());
  publish();
  start();
  const std::vector<std::pair<std::string_view, Action>> others{
      {"drbd_down", BringUpResource{.resource = {"r0"}}},
      {"drbd_standalone", ReconnectResource{.resource = {"r0"}}},
      {"drbd_diskless", AttachDevice{.resource = {"r0"}, .volume = {0}}},
      {kSplitBrain, ReconnectResource{.resource = {"r0"}}},
      {kSplitBrain, resolve_r0(SplitBrainSide::keep_local)}};
  for (const auto& [rule, action] : others) {
    executor_->submit(mending(1, rule, action));
    (void)wait_for_one();
  }
  for (const std::string& call : script_->calls()) {
    EXPECT_EQ(call.find("discard"), std::string::npos) << call;
  }
}

}  // namespace
}  // namespace upkeep
