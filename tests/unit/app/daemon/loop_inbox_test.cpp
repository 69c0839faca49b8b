#include "app/daemon/loop_inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/app/daemon/fake_host.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LoopInboxTest : public testing::Test {
 protected:
  [[nodiscard]] bool awake() const {
    pollfd fd{.fd = inbox_->fd(), .events = POLLIN, .revents = 0};
    return ::poll(&fd, 1, 0) == 1;
  }
  [[nodiscard]] std::string metrics() const {
    Exposition out;
    instruments_.write(out);
    return std::move(out).take();
  }

  TestClock clock_;
  std::vector<std::string> lines_;
  Log log_{clock_, {.sink = [this](std::string_view line) { lines_.emplace_back(line); }}};
  Instruments instruments_{{.version = "0", .revision = "r"}, {}};
  std::optional<LoopInbox> inbox_{std::in_place, clock_, instruments_, log_};
};

VmEvent event_of(const std::string& vm) {
  VmEvent event;
  event.name = VmName{vm};
  event.kind = VmEventKind::stopped_crashed;
  return event;
}

TEST_F(LoopInboxTest, SleepsUntilSomethingComes) {
  EXPECT_FALSE(awake());
  inbox_->vm_event(event_of("web1"));
  EXPECT_TRUE(awake());
  static_cast<void>(inbox_->take());
  EXPECT_FALSE(awake());
  inbox_->published(SourceKind::libvirt);
  EXPECT_TRUE(awake());
}

TEST_F(LoopInboxTest, HandsOverEventsInOrderAndOnce) {
  inbox_->vm_event(event_of("web1"));
  inbox_->vm_event(event_of("web2"));
  DrbdEvent drbd;
  drbd.resource = ResourceName{"r0"};
  inbox_->drbd_event(drbd);

  const auto taken = inbox_->take();
  ASSERT_EQ(taken.inputs.vm_events.size(), 2U);
  EXPECT_EQ(taken.inputs.vm_events[0].name, VmName{"web1"});
  EXPECT_EQ(taken.inputs.vm_events[1].name, VmName{"web2"});
  ASSERT_EQ(taken.inputs.drbd_events.size(), 1U);

  const auto again = inbox_->take();
  EXPECT_THAT(again.inputs.vm_events, IsEmpty());
  EXPECT_THAT(again.inputs.drbd_events, IsEmpty());
}

TEST_F(LoopInboxTest, LosesNothingThatThreadsSendAtOnce) {
  constexpr int kEach = 500;
  std::size_t seen = 0;
  {
    const auto send = [&] {
      for (int i = 0; i < kEach; ++i) inbox_->vm_event(event_of("web1"));
    };
    const std::jthread one(send);
    const std::jthread two(send);
    for (int i = 0; i < 50; ++i) seen += inbox_->take().inputs.vm_events.size();
  }
  seen += inbox_->take().inputs.vm_events.size();
  EXPECT_EQ(seen, 2U * kEach);
}

TEST_F(LoopInboxTest, CountsWhatSourcesDo) {
  inbox_->read_finished(SourceKind::libvirt, 20ms, true);
  inbox_->unparsed(SourceKind::drbd, "key flux-capacitor");
  DrbdEvent event;
  event.kind = DrbdEvent::Kind::connection_changed;
  event.resource = ResourceName{"r0"};
  event.to = "Connected";
  inbox_->drbd_event(event);
  const std::string text = metrics();
  EXPECT_THAT(text, HasSubstr("upkeep_source_read_duration_seconds_count{source=\"libvirt\"} 1"));
  EXPECT_THAT(text, HasSubstr("upkeep_source_unparsed_total{source=\"drbd\"} 1"));
  EXPECT_THAT(text, testing::ContainsRegex(
                        "upkeep_drbd_connection_transitions_total.*to=\"Connected\".* 1\n"));
}

TEST_F(LoopInboxTest, NamesTheUnknownOnceAMinuteAndCountsTheRest) {
  inbox_->unparsed(SourceKind::drbd, "key one");
  inbox_->unparsed(SourceKind::drbd, "key two");
  inbox_->unparsed(SourceKind::drbd, "key three");
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("what=\"key one\""), HasSubstr("count=1"))));
  inbox_->unparsed(SourceKind::libvirt, "an event");
  EXPECT_EQ(lines_.size(), 2U) << "each source has its own minute";

  clock_.advance(61s);
  inbox_->unparsed(SourceKind::drbd, "key four");
  ASSERT_EQ(lines_.size(), 3U);
  EXPECT_THAT(lines_.back(), AllOf(HasSubstr("what=\"key four\""), HasSubstr("count=3")));
}

TEST_F(LoopInboxTest, AnswersEveryCommandEvenWhenTheLoopIsGone) {
  std::vector<std::string> answers;
  const auto reply = [&](const Result<std::string>& answer) {
    answers.push_back(answer ? *answer : std::string(to_string(answer.error().code)));
  };
  const ReleaseTarget release{.target = {Target::Kind::vm, "web1"}, .by = "anna"};

  inbox_->submit(release, reply);
  auto taken = inbox_->take();
  ASSERT_EQ(taken.inputs.commands.size(), 1U);
  taken.inputs.commands[0].second(std::string("done"));
  EXPECT_THAT(answers, ElementsAre("done"));

  inbox_->submit(release, reply);
  inbox_->close();
  EXPECT_THAT(answers, ElementsAre("done", "unavailable"));
  inbox_->submit(release, reply);
  EXPECT_EQ(answers.size(), 3U);
  inbox_.reset();
  EXPECT_EQ(answers.size(), 3U) << "exactly once each";
}

TEST_F(LoopInboxTest, WaitsForACommandsAnswerAndGivesUpInTime) {
  const ReleaseTarget release{.target = {Target::Kind::vm, "web1"}, .by = "anna"};
  std::jthread loop([&] {
    pollfd fd{.fd = inbox_->fd(), .events = POLLIN, .revents = 0};
    ::poll(&fd, 1, 10'000);
    for (auto& [command, reply] : inbox_->take().inputs.commands) reply(std::string("released"));
  });
  EXPECT_EQ(inbox_->carry_out(release, 10s), "released");
  loop.join();
  EXPECT_EQ(inbox_->carry_out(release, 1ms).error().code, Errc::timed_out);
  inbox_->close();
  EXPECT_EQ(inbox_->carry_out(release, 10s).error().code, Errc::unavailable);
}

TEST_F(LoopInboxTest, AsksTheLoopAndGivesUpInTime) {
  std::jthread loop([&] {
    pollfd fd{.fd = inbox_->fd(), .events = POLLIN, .revents = 0};
    ::poll(&fd, 1, 10'000);
    for (const auto& task : inbox_->take().tasks) task();
  });
  EXPECT_EQ(inbox_->ask<int>([] { return Result<int>(42); }, 10s), 42);
  loop.join();

  const auto nobody = inbox_->ask<int>([] { return Result<int>(42); }, 1ms);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Errc::timed_out);
  inbox_->close();
  EXPECT_EQ(inbox_->ask<int>([] { return Result<int>(42); }, 10s).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace upkeep
