#include "exporter/http/client_socket.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "platform/unique_fd.h"

namespace upkeep {
namespace {

sockaddr_in loopback(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  EXPECT_EQ(::inet_pton(AF_INET, host, &address.sin_addr), 1);
  return address;
}

std::uint16_t port_of(const UniqueFd& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

/// A connection with both of its ends in this process, as civetweb would describe it.
class ClientSocket : public testing::Test {
 protected:
  void SetUp() override {
    const sockaddr_in any = loopback("127.0.0.1", 0);
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(any)), 0);
    ASSERT_EQ(::listen(listener_.get(), 4), 0);
    const sockaddr_in own = loopback("127.0.0.9", 0);
    ASSERT_EQ(::bind(client_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)), 0);
    const sockaddr_in there = loopback("127.0.0.1", port_of(listener_));
    ASSERT_EQ(::connect(client_.get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there)),
              0);
    accepted_ = UniqueFd(::accept(listener_.get(), nullptr, nullptr));
    std::ranges::copy(std::string("127.0.0.9"), std::begin(request_.remote_addr));
    request_.remote_port = port_of(client_);
    request_.server_port = port_of(listener_);
  }

  UniqueFd listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  UniqueFd client_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  UniqueFd accepted_;
  mg_request_info request_{};
};

TEST_F(ClientSocket, IsTheEndThatTheClientTalksTo) {
  EXPECT_EQ(client_socket(request_), accepted_.get());
}

TEST_F(ClientSocket, IsNobodyElses) {
  mg_request_info other = request_;
  ++other.remote_port;
  EXPECT_FALSE(client_socket(other));
  other = request_;
  ++other.server_port;
  EXPECT_FALSE(client_socket(other));
  other = request_;
  other.remote_addr[8] = '8';
  EXPECT_FALSE(client_socket(other));
}

TEST_F(ClientSocket, IsUnknownWhenThereAreTwo) {
  const UniqueFd second(::dup(accepted_.get()));
  EXPECT_FALSE(client_socket(request_));
}

TEST_F(ClientSocket, TellsWhatHasArrived) {
  EXPECT_EQ(arrived_bytes(accepted_.get()), 0U);
  ASSERT_EQ(::send(client_.get(), "hello", 5, 0), 5);
  pollfd fd{.fd = accepted_.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&fd, 1, 10'000), 1);
  EXPECT_EQ(arrived_bytes(accepted_.get()), 5U);
  EXPECT_EQ(arrived_bytes(-1), 0U);
}

}  // namespace
}  // namespace upkeep
