#include "remediation/effects/call_places.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "platform/libvirt_connection.h"
#include "tests/support/fake_clock.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;

/// Long enough for any machine; only a test that fails waits for it.
constexpr auto kPatience = 30s;

/// Places on connections to the test driver in this process, on time that stands still.
class CallPlacesTest : public ::testing::Test {
 protected:
  CallPlacesTest() {
    make([] { return open_libvirt("test:///default", LibvirtAccess::read_write); });
  }

  void make(CallPlaces::Open open) {
    places_.emplace(
        [opened = opened_, open = std::move(open)] {
          ++*opened;
          return open();
        },
        clock_,
        [threads = threads_](std::function<void()> work) {
          if (!*threads) throw std::system_error(EAGAIN, std::generic_category());
          std::thread(std::move(work)).detach();
        });
  }
  /// Connections whose end waits for the latch.
  void make_slow_to_close(const std::shared_ptr<std::latch>& let_close) {
    make([let_close]() -> Result<ConnectionHandle> {
      auto real = open_libvirt("test:///default", LibvirtAccess::read_write);
      if (!real) return real;
      return ConnectionHandle(real->get(), [let_close, own = *real](virConnect* /*same*/) mutable {
        let_close->wait();
        own.reset();
      });
    });
  }
  /// As many as can be had at once, each for `deadline`.
  [[nodiscard]] std::vector<CallPlaces::Place> fill(Duration deadline) {
    std::vector<CallPlaces::Place> all;
    for (int i = 0; i < CallPlaces::kMost; ++i) {
      auto place = places_->take(deadline);
      EXPECT_TRUE(place.has_value()) << place.error().message;
      if (place) all.push_back(std::move(*place));
    }
    return all;
  }
  [[nodiscard]] Error refusal() {
    const auto place = places_->take(0s);
    EXPECT_FALSE(place.has_value());
    return place ? Error{} : place.error();
  }

  std::shared_ptr<test::FakeClock> clock_ = std::make_shared<test::FakeClock>();
  std::shared_ptr<std::atomic<int>> opened_ = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<std::atomic<bool>> threads_ = std::make_shared<std::atomic<bool>>(true);
  std::optional<CallPlaces> places_;
};

TEST_F(CallPlacesTest, WhoGivesAPlaceBackDoesNotWaitForItsConnectionToBeClosed) {
  const auto let_close = std::make_shared<std::latch>(1);
  make_slow_to_close(let_close);
  {
    const auto hung = places_->take(10s);
    ASSERT_TRUE(hung.has_value()) << hung.error().message;
    clock_->advance(10s);
    ASSERT_TRUE(places_->take(kPatience).has_value()) << "over a fresh connection";
  }  // Would hang the test.
  EXPECT_TRUE(places_->take(kPatience).has_value());
  EXPECT_EQ(*opened_, 2);
  let_close->count_down();
}

TEST_F(CallPlacesTest, ConnectionsThatHangInBeingClosedAreBoundedToo) {
  const auto let_close = std::make_shared<std::latch>(1);
  make_slow_to_close(let_close);
  for (int i = 0; i < CallPlaces::kMostStuck; ++i) {
    const auto hung = places_->take(10s);
    ASSERT_TRUE(hung.has_value()) << hung.error().message;
    clock_->advance(10s);
    (void)places_->take(0s);  // Finds that it hangs, and lets go of its connection.
  }
  EXPECT_NE(refusal().message.find("others hang on 8 connections"), std::string::npos);
  EXPECT_EQ(*opened_, CallPlaces::kMostStuck);
  let_close->count_down();
  EXPECT_TRUE(places_->take(kPatience).has_value());
}

TEST_F(CallPlacesTest, WithoutAThreadNothingIsOpenedOrClosedUntilThereIsOne) {
  *threads_ = false;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(refusal().code, Errc::exhausted);
  *threads_ = true;
  {
    const auto hung = places_->take(10s);
    ASSERT_TRUE(hung.has_value()) << hung.error().message;
    clock_->advance(10s);
    *threads_ = false;
    EXPECT_EQ(refusal().code, Errc::exhausted);
  }
  *threads_ = true;
  EXPECT_TRUE(places_->take(kPatience).has_value());
}

TEST_F(CallPlacesTest, AllShareAConnection) {
  const auto all = fill(kPatience);
  for (const auto& place : all) EXPECT_EQ(place.connection(), all.front().connection());
  EXPECT_EQ(*opened_, 1);
}

TEST_F(CallPlacesTest, OneTooManyFailsAtItsDeadlineAndSaysWhy) {
  auto all = fill(kPatience);
  const Error error = refusal();
  EXPECT_EQ(error.code, Errc::unavailable) << "nothing may still happen";
  EXPECT_NE(error.message.find("4 others are under way"), std::string::npos) << error.message;
  all.pop_back();
  EXPECT_TRUE(places_->take(0s).has_value()) << "one has ended";
}

TEST_F(CallPlacesTest, OneTooManyGetsThePlaceOfTheFirstThatEnds) {
  auto all = fill(kPatience);
  std::latch waits(1);
  const std::jthread waiting([&] {
    waits.count_down();
    const auto place = places_->take(kPatience);
    EXPECT_TRUE(place.has_value()) << place.error().message;
  });
  waits.wait();
  all.pop_back();
}

TEST_F(CallPlacesTest, CallsThatHangGiveUpTheirPlacesAndTheirConnection) {
  const auto hung = fill(10s);
  EXPECT_TRUE(hung.front().in_time());
  clock_->advance(10s);
  EXPECT_FALSE(hung.front().in_time()) << "what has not begun by then never does";
  const auto others = fill(kPatience);
  EXPECT_NE(others.front().connection(), hung.front().connection());
  EXPECT_EQ(*opened_, 2);
  EXPECT_NE(refusal().message.find("4 others"), std::string::npos) << "and not one more of them";
}

TEST_F(CallPlacesTest, WhatWorksBesideAHungCallKeepsItsPlace) {
  const auto hung = places_->take(10s);
  const auto working = places_->take(60s);
  ASSERT_TRUE(hung && working);
  clock_->advance(10s);
  std::vector<CallPlaces::Place> others;
  for (int i = 0; i < CallPlaces::kMost - 1; ++i) {
    auto place = places_->take(kPatience);
    ASSERT_TRUE(place.has_value()) << place.error().message;
    EXPECT_NE(place->connection(), working->connection()) << "it would wait behind the hung one";
    others.push_back(*std::move(place));
  }
  EXPECT_NE(refusal().message.find("4 others"), std::string::npos);
}

TEST_F(CallPlacesTest, NoConnectionsWithoutEnd) {
  std::vector<CallPlaces::Place> hung;
  for (int i = 0; i < CallPlaces::kMostStuck; ++i) {
    auto place = places_->take(10s);
    ASSERT_TRUE(place.has_value()) << place.error().message;
    hung.push_back(*std::move(place));
    clock_->advance(10s);
  }
  const Error error = refusal();
  EXPECT_EQ(error.code, Errc::unavailable);
  EXPECT_NE(error.message.find("others hang on 8 connections"), std::string::npos) << error.message;
  EXPECT_EQ(*opened_, CallPlaces::kMostStuck);
  hung.pop_back();  // Its call has ended.
  EXPECT_TRUE(places_->take(kPatience).has_value());
}

TEST_F(CallPlacesTest, NobodyWaitsLongerThanItsDeadlineForAConnectionAndOnlyOneIsOpened) {
  const auto let_open = std::make_shared<std::latch>(1);
  make([let_open] {
    let_open->wait();
    return open_libvirt("test:///default", LibvirtAccess::read_write);
  });
  for (int i = 0; i < 3; ++i) {
    const Error error = refusal();  // Would hang the test.
    EXPECT_EQ(error.code, Errc::unavailable);
    EXPECT_NE(error.message.find("libvirtd does not answer"), std::string::npos) << error.message;
  }
  let_open->count_down();
  EXPECT_TRUE(places_->take(kPatience).has_value()) << "it is there for the next one";
  EXPECT_EQ(*opened_, 1);
}

TEST_F(CallPlacesTest, ADaemonThatCannotBeReachedIsSaidAtOnceAndAskedAgain) {
  make([]() -> Result<ConnectionHandle> { return fail(Errc::denied, "no permission"); });
  for (int i = 1; i <= 2; ++i) {
    const auto place = places_->take(kPatience);
    ASSERT_FALSE(place.has_value());
    EXPECT_EQ(place.error(), (Error{Errc::denied, "no permission"}));
    EXPECT_EQ(*opened_, i);
  }
}

TEST_F(CallPlacesTest, WhoeverConnectsMayOutliveIt) {
  const auto let_open = std::make_shared<std::latch>(1);
  const auto ended = std::make_shared<std::latch>(1);
  const auto tells_its_end = [ended](std::latch* opening) {
    std::default_delete<std::latch>()(opening);
    ended->count_down();
  };
  make([let_open, owned = std::shared_ptr<std::latch>(new std::latch(0), tells_its_end)] {
    let_open->wait();
    return open_libvirt("test:///default", LibvirtAccess::read_write);
  });
  (void)refusal();
  places_.reset();
  EXPECT_FALSE(ended->try_wait()) << "it still connects";
  let_open->count_down();  // TSan and ASan watch.
  ended->wait();
}

}  // namespace
}  // namespace upkeep
