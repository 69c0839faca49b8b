#include "exporter/sources/health/check_rounds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace upkeep {
namespace {

using namespace std::chrono_literals;

const HealthCheck kAgent{.kind = HealthCheck::Kind::agent};
const HealthCheck kPort{.kind = HealthCheck::Kind::tcp, .host = "10.0.0.5", .port = 80};

ActiveVm vm(const std::string& name, int run = 1, const HealthCheck& check = kAgent) {
  return {.uuid = VmUuid{name}, .run = run, .running = true, .check = check};
}

CheckAnswer good() { return {.kind = CheckAnswer::Kind::healthy}; }
CheckAnswer bad(const std::string& why) {
  return {.kind = CheckAnswer::Kind::unhealthy, .detail = why};
}
CheckAnswer silent(const std::string& why) {
  return {.kind = CheckAnswer::Kind::not_asked, .detail = why};
}

class CheckRoundsTest : public ::testing::Test {
 protected:
  /// The one order that is due at `at`, answered half a second later.
  void ask(Tick at, const CheckAnswer& answer) {
    const auto orders = rounds_.due(at);
    ASSERT_EQ(orders.size(), 1U);
    news_ = rounds_.take(orders.front(), answer, at, at + 500ms);
  }
  [[nodiscard]] const VmHealth& web() const { return rounds_.healths().at(VmUuid{"web1"}); }

  const Tick t0_ = Tick{} + 1h;
  CheckRounds rounds_{CheckPace{}};
  bool news_ = false;
};

TEST_F(CheckRoundsTest, AsksOftenUntilTheFirstGoodAnswerAndSeldomAfterIt) {
  rounds_.see({vm("web1")});
  ask(t0_, bad("the guest agent is not connected"));
  EXPECT_TRUE(news_);
  EXPECT_FALSE(web().healthy);
  EXPECT_EQ(web().detail, "the guest agent is not connected");
  EXPECT_FALSE(web().verified.has_value());
  EXPECT_TRUE(rounds_.due(t0_ + 2400ms).empty());
  ask(t0_ + 2500ms, good());
  EXPECT_TRUE(news_);
  EXPECT_TRUE(web().healthy);
  EXPECT_EQ(web().detail, "");
  EXPECT_EQ(web().at, t0_ + 3s);
  EXPECT_TRUE(rounds_.due(t0_ + 12900ms).empty());
  ask(t0_ + 13s, good());
  EXPECT_FALSE(news_) << "nothing changed";
}

TEST_F(CheckRoundsTest, VerifiedIsTheBeginOfTheLastGoodCheck) {
  rounds_.see({vm("web1")});
  ask(t0_, good());
  EXPECT_EQ(web().verified, t0_);
  ask(t0_ + 11s, bad("the guest agent does not answer"));
  EXPECT_TRUE(news_);
  EXPECT_FALSE(web().healthy);
  EXPECT_EQ(web().verified, t0_);
  ask(t0_ + 22s, good());
  EXPECT_EQ(web().verified, t0_ + 22s);
  ask(t0_ + 33s, good());
  EXPECT_EQ(web().verified, t0_ + 33s);
  EXPECT_FALSE(news_);
}

TEST_F(CheckRoundsTest, AnotherRunKnowsNothingOfTheOneBefore) {
  rounds_.see({vm("web1", 1)});
  ask(t0_, good());
  rounds_.see({vm("web1", 2)});
  EXPECT_TRUE(rounds_.healths().empty());
  EXPECT_EQ(rounds_.due(t0_ + 600ms).size(), 1U);
}

TEST_F(CheckRoundsTest, AnAnswerOfTheRunBeforeIsNoAnswer) {
  rounds_.see({vm("web1", 1)});
  const auto orders = rounds_.due(t0_);
  rounds_.see({vm("web1", 2)});
  EXPECT_TRUE(rounds_.due(t0_ + 1s).empty()) << "one check a VM at once";
  EXPECT_FALSE(rounds_.take(orders.at(0), good(), t0_, t0_ + 1s));
  EXPECT_TRUE(rounds_.healths().empty());
  EXPECT_EQ(rounds_.due(t0_ + 1s).at(0).run, 2);
}

TEST_F(CheckRoundsTest, AnotherCheckHasNotBeenPassed) {
  rounds_.see({vm("web1", 1, kAgent)});
  ask(t0_, good());
  rounds_.see({vm("web1", 1, kPort)});
  EXPECT_TRUE(rounds_.healths().empty());
}

TEST_F(CheckRoundsTest, APausedVmIsNotAskedAndKeepsItsLastAnswer) {
  rounds_.see({vm("web1")});
  ask(t0_, good());
  ActiveVm paused = vm("web1");
  paused.running = false;
  rounds_.see({paused});
  EXPECT_TRUE(rounds_.due(t0_ + 1h).empty());
  EXPECT_TRUE(web().healthy);
  EXPECT_EQ(web().at, t0_ + 500ms) << "an old answer looks old";
}

TEST_F(CheckRoundsTest, WhoCouldNotBeAskedKeepsTheLastAnswer) {
  rounds_.see({vm("web1")});
  ask(t0_, good());
  ask(t0_ + 11s, silent("a libvirt job is on"));
  EXPECT_FALSE(news_);
  EXPECT_TRUE(web().healthy);
  EXPECT_EQ(web().at, t0_ + 500ms);
  EXPECT_EQ(web().detail, "");
}

TEST_F(CheckRoundsTest, WhoWasNeverAskedSaysWhyAndHasNoAnswer) {
  rounds_.see({vm("web1")});
  ask(t0_, silent("authentication failed"));
  EXPECT_TRUE(news_);
  EXPECT_EQ(web().at, Tick{});
  EXPECT_EQ(web().detail, "authentication failed");
  EXPECT_FALSE(web().verified.has_value());
}

TEST_F(CheckRoundsTest, AVmThatStoppedIsForgotten) {
  rounds_.see({vm("web1")});
  const auto orders = rounds_.due(t0_);
  rounds_.see({});
  EXPECT_TRUE(rounds_.empty());
  EXPECT_FALSE(rounds_.take(orders.at(0), good(), t0_, t0_ + 1s));
  EXPECT_TRUE(rounds_.healths().empty());
}

TEST_F(CheckRoundsTest, ACheckThatDoesNotEndIsToldOfOnce) {
  rounds_.see({vm("web1")});
  ASSERT_EQ(rounds_.due(t0_).size(), 1U);
  EXPECT_FALSE(rounds_.note_overdue(t0_ + 9s));
  EXPECT_TRUE(rounds_.note_overdue(t0_ + 10s));
  EXPECT_EQ(web().detail, "the check does not end");
  EXPECT_EQ(web().at, Tick{});
  EXPECT_FALSE(rounds_.note_overdue(t0_ + 11s));
}

TEST_F(CheckRoundsTest, ACheckThatDoesNotEndLeavesTheAnswerBeforeIt) {
  rounds_.see({vm("web1")});
  ask(t0_, good());
  ASSERT_EQ(rounds_.due(t0_ + 11s).size(), 1U);
  EXPECT_FALSE(rounds_.note_overdue(t0_ + 30s));
  EXPECT_TRUE(web().healthy);
}

TEST_F(CheckRoundsTest, NoMoreThanFourAgentsAreAskedAtOnceAndPortsDoNotCount) {
  std::vector<ActiveVm> vms;
  for (int i = 0; i < 10; ++i) vms.push_back(vm("agent" + std::to_string(i)));
  for (int i = 0; i < 40; ++i) vms.push_back(vm("port" + std::to_string(i), 1, kPort));
  rounds_.see(vms);
  int agents = 0;
  int ports = 0;
  for (const auto& order : rounds_.due(t0_)) {
    ++(order.check.kind == HealthCheck::Kind::agent ? agents : ports);
  }
  EXPECT_EQ(agents, 4);
  EXPECT_EQ(ports, 32);
  EXPECT_TRUE(rounds_.due(t0_ + 1s).empty());
}

TEST_F(CheckRoundsTest, EverybodyGetsATurn) {
  std::vector<ActiveVm> vms;
  for (int i = 0; i < 10; ++i) vms.push_back(vm("vm" + std::to_string(i)));
  rounds_.see(vms);
  Tick now = t0_;
  for (int round = 0; round < 5; ++round, now += 3s) {
    for (const auto& order : rounds_.due(now)) rounds_.take(order, bad("x"), now, now + 10ms);
  }
  EXPECT_EQ(rounds_.healths().size(), 10U);
}

TEST_F(CheckRoundsTest, GuestsThatHangLeaveAPlaceForTheOthers) {
  std::vector<ActiveVm> vms;
  for (int i = 0; i < 8; ++i) vms.push_back(vm("hung" + std::to_string(i)));
  rounds_.see(vms);
  Tick now = t0_;
  for (int round = 0; round < 3; ++round, now += 10s) {
    for (const auto& order : rounds_.due(now)) {
      rounds_.take(order, bad("the guest agent does not answer"), now, now + 4s);
    }
  }
  vms.push_back(vm("web1"));
  rounds_.see(vms);
  const auto orders = rounds_.due(now);
  EXPECT_EQ(orders.size(), 4U);
  EXPECT_EQ(std::ranges::count(orders, VmUuid{"web1"}, &CheckOrder::uuid), 1);
  // And with all of those still hanging, the next quick one has a place again.
  for (const auto& order : orders) {
    if (order.uuid == VmUuid{"web1"}) rounds_.take(order, good(), now, now + 1ms);
  }
  EXPECT_EQ(rounds_.due(now + 11s).at(0).uuid, VmUuid{"web1"});
}

}  // namespace
}  // namespace upkeep
