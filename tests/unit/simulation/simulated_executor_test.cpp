#include "simulation/simulated_executor.h"

#include <gtest/gtest.h>

#include "simulation/node_clock.h"

namespace upkeep::simulation {
namespace {

using namespace std::chrono_literals;

class SimulatedExecutorTest : public ::testing::Test {
 protected:
  void submit(std::int64_t id, Action action) {
    Ticket ticket;
    ticket.id = id;
    ticket.action = std::move(action);
    ticket.deadline = 30s;
    executor_.submit(std::move(ticket));
  }
  void pass(Duration time) {
    now_ += time;
    executor_.advance();
  }
  std::vector<std::string> news() {
    std::vector<std::string> lines;
    for (const Completed& one : executor_.drain()) {
      lines.push_back(std::to_string(one.id) + " " + std::string(to_string(one.outcome.kind)) +
                      (one.ended ? "" : " not ended"));
    }
    return lines;
  }
  static Action start(const std::string& vm) { return StartVm{.vm = {vm}, .uuid = {vm}}; }
  static Action bring_up(const std::string& name) { return BringUpResource{.resource = {name}}; }

  Tick now_ = kBegin;
  NodeClock clock_{now_};
  Duration takes_ = 10s;
  std::vector<std::int64_t> taken_;
  SimulatedExecutor executor_{
      clock_, {}, [this](const Ticket& ticket) {
        taken_.push_back(ticket.id);
        return SimulatedExecutor::Performed{
            .outcome = {.kind = Outcome::Kind::succeeded}, .times = {}, .took = takes_};
      }};
};

TEST_F(SimulatedExecutorTest, FourAtATime) {
  for (int i = 1; i <= 6; ++i) submit(i, start("vm" + std::to_string(i)));
  pass(0s);
  EXPECT_EQ(taken_, (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(executor_.next(), now_ + 10s);
  pass(10s);
  EXPECT_EQ(news().size(), 4U);
  EXPECT_EQ(taken_.size(), 6U);
}

TEST_F(SimulatedExecutorTest, TwoOnDrbdAndTheOthersGoPast) {
  submit(1, bring_up("r1"));
  submit(2, bring_up("r2"));
  submit(3, bring_up("r3"));
  submit(4, start("vm1"));
  pass(0s);
  EXPECT_EQ(taken_, (std::vector<std::int64_t>{1, 2, 4}));
}

TEST_F(SimulatedExecutorTest, WhatPassesItsDeadlineIsToldTwice) {
  takes_ = 100s;
  submit(1, start("vm1"));
  pass(0s);
  EXPECT_EQ(executor_.next(), now_ + 30s);
  pass(30s);
  EXPECT_EQ(news(), std::vector<std::string>{"1 timed_out not ended"});
  pass(70s);
  EXPECT_EQ(news(), std::vector<std::string>{"1 succeeded"});
}

TEST_F(SimulatedExecutorTest, StoppedItRefusesWhatWaits) {
  for (int i = 1; i <= 5; ++i) submit(i, start("vm" + std::to_string(i)));
  pass(0s);
  executor_.stop_acting();
  EXPECT_EQ(news(), std::vector<std::string>{"5 refused"});
}

}  // namespace
}  // namespace upkeep::simulation
