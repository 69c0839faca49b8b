#include "exporter/sources/health/tcp_knock.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "platform/unique_fd.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;

/// A socket bound to a free port of the loopback, which listens when asked to.
class Port {
 public:
  Port() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(fd_.get(), generic(), size), 0);
    EXPECT_EQ(::getsockname(fd_.get(), generic(), &size), 0);
  }
  void listen(int backlog) const { EXPECT_EQ(::listen(fd_.get(), backlog), 0); }
  /// Connections that nobody accepts, until the kernel takes no more of them.
  void fill() {
    listen(0);
    for (int i = 0; i < 8; ++i) {
      fillers_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      ::connect(fillers_.back().get(), generic(), sizeof address_);
    }
  }
  [[nodiscard]] std::uint16_t number() const { return ntohs(address_.sin_port); }

 private:
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address_); }

  UniqueFd fd_;
  sockaddr_in address_{};
  std::vector<UniqueFd> fillers_;
};

TEST(TcpKnock, AnAcceptedConnectionIsHealthy) {
  const Port port;
  port.listen(8);
  const auto answer = knock("127.0.0.1", port.number(), 2s);
  EXPECT_EQ(answer.kind, CheckAnswer::Kind::healthy);
  EXPECT_EQ(answer.detail, "");
}

TEST(TcpKnock, ANameIsResolved) {
  const Port port;
  port.listen(8);
  EXPECT_EQ(knock("localhost", port.number(), 2s).kind, CheckAnswer::Kind::healthy);
}

TEST(TcpKnock, ARefusedConnectionIsUnhealthyAndSaysWhere) {
  const Port port;  // Bound, so that nobody else listens there either.
  const auto answer = knock("127.0.0.1", port.number(), 2s);
  EXPECT_EQ(answer.kind, CheckAnswer::Kind::unhealthy);
  EXPECT_EQ(answer.detail, "127.0.0.1:" + std::to_string(port.number()) + ": Connection refused");
}

TEST(TcpKnock, SilenceIsUnhealthyAfterTheDeadline) {
  Port port;
  port.fill();
  const auto began = std::chrono::steady_clock::now();
  const auto answer = knock("127.0.0.1", port.number(), 100ms);
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(answer.kind, CheckAnswer::Kind::unhealthy);
  EXPECT_EQ(answer.detail, "127.0.0.1:" + std::to_string(port.number()) + ": no answer");
  EXPECT_GE(took, 100ms);
  EXPECT_LT(took, 5s);
}

TEST(TcpKnock, ANameThatNobodyKnowsSaysNothingAboutTheGuest) {
  const auto answer = knock("no.such.host.invalid", 80, 100ms);
  EXPECT_EQ(answer.kind, CheckAnswer::Kind::not_asked);
  EXPECT_NE(answer.detail.find("no.such.host.invalid: "), std::string::npos) << answer.detail;
}

}  // namespace
}  // namespace upkeep
