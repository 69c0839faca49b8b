#include "app/daemon/signals.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <csignal>

namespace upkeep {
namespace {

bool readable(const Signals& signals) {
  pollfd fd{.fd = signals.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&fd, 1, 0) == 1;
}

TEST(Signals, AreWaitedForInsteadOfEndingTheProcess) {
  const Signals signals;
  EXPECT_FALSE(readable(signals));
  EXPECT_EQ(signals.take(), std::nullopt);
  std::raise(SIGHUP);
  EXPECT_TRUE(readable(signals));
  EXPECT_EQ(signals.take(), Signals::Kind::reload);
  std::raise(SIGTERM);
  EXPECT_EQ(signals.take(), Signals::Kind::stop);
  std::raise(SIGINT);
  EXPECT_EQ(signals.take(), Signals::Kind::stop);
  EXPECT_EQ(signals.take(), std::nullopt);
}

}  // namespace
}  // namespace upkeep
