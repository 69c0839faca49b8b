#include "exporter/sources/peers/peer_source.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>

namespace upkeep {
namespace {

using namespace std::chrono_literals;

/// A peer on loopback that says what it is told to, or accepts and says nothing.
class FakePeer {
 public:
  explicit FakePeer(std::string answer) : answer_(std::move(answer)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, raw, size) != 0 || ::listen(socket_, 8) != 0 ||
        ::getsockname(socket_, raw, &size) != 0) {
      throw std::runtime_error("no loopback socket");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~FakePeer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::atomic<bool> silent = false;

 private:
  void serve() {
    std::vector<int> held;
    for (int client = ::accept(socket_, nullptr, nullptr); client >= 0;
         client = ::accept(socket_, nullptr, nullptr)) {
      if (silent) {
        held.push_back(client);
        continue;
      }
      char request[2048];
      (void)::recv(client, request, sizeof(request), 0);
      const std::string reply =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(answer_.size()) +
          "\r\nConnection: close\r\n\r\n" + answer_;
      (void)::send(client, reply.data(), reply.size(), MSG_NOSIGNAL);
      ::close(client);
    }
    for (const int client : held) ::close(client);
  }

  std::string answer_;
  int socket_ = -1;
  int port_ = 0;
  std::jthread thread_;
};

/// Waits for published readings.
class Listener final : public SourceListener {
 public:
  void published(SourceKind) override {
    {
      const std::scoped_lock lock(mutex_);
      ++published_;
    }
    changed_.notify_all();
  }
  void vm_event(const VmEvent&) override {}
  void drbd_event(const DrbdEvent&) override {}
  void read_finished(SourceKind, Duration, bool) override {}
  void unparsed(SourceKind, std::string_view) override {}

  bool wait_until(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, condition);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int published_ = 0;
};

constexpr std::string_view kAnswer = R"({"boot_id":"b2","boot_time":1772334590,"vms_known":true,
  "active_vms":["11111111-2222-3333-4444-555555555555"]})";

TEST(PeerSource, ASilentPeerDelaysNoOtherAndKeepsWhatItSaidLast) {
  FakePeer good{std::string(kAnswer)};
  FakePeer flapping{std::string(kAnswer)};
  const SystemClock clock;
  Listener listener;
  PeerSource source(
      {.peers = {{NodeName{"node2"}, good.url()}, {NodeName{"node3"}, flapping.url()}},
       .interval = 10ms,
       .timeout = 300ms},
      clock, listener);
  EXPECT_FALSE(source.latest().at(0).facts.reading.has_value()) << "not asked yet";
  source.start();
  ASSERT_TRUE(listener.wait_until([&] {
    const auto peers = source.latest();
    return peers[0].facts.reading.has_value() && peers[1].facts.reading.has_value();
  }));
  flapping.silent = true;
  ASSERT_TRUE(listener.wait_until([&] { return source.latest()[1].error.has_value(); }));

  const auto peers = source.latest();
  EXPECT_FALSE(peers[0].error.has_value());
  ASSERT_TRUE(peers[1].facts.reading.has_value()) << "what ran there may still run";
  EXPECT_EQ(peers[1].facts.reading->active_vms.size(), 1U);
  EXPECT_LT(peers[1].facts.at, peers[0].facts.at) << "a silent peer's facts grow old";
  EXPECT_EQ(peers[1].error->code, Errc::timed_out);
}

TEST(PeerSource, APeerThatCannotBeReachedHasSaidNothing) {
  std::string url;
  {
    url = FakePeer{std::string(kAnswer)}.url();
  }
  const SystemClock clock;
  Listener listener;
  PeerSource source({.peers = {{NodeName{"node2"}, url}}, .interval = 10ms, .timeout = 300ms},
                    clock, listener);
  source.start();
  ASSERT_TRUE(listener.wait_until([&] { return source.latest()[0].error.has_value(); }));
  EXPECT_FALSE(source.latest()[0].facts.reading.has_value());
  EXPECT_NE(source.latest()[0].error->message.find("node2"), std::string::npos);
}

TEST(PeerSource, StopsAtOnceWhileAPeerHangs) {
  FakePeer hanging{std::string(kAnswer)};
  hanging.silent = true;
  const SystemClock clock;
  Listener listener;
  const Tick begun = clock.now();
  {
    PeerSource source(
        {.peers = {{NodeName{"node2"}, hanging.url()}}, .interval = 1s, .timeout = 60s}, clock,
        listener);
    source.start();
  }
  EXPECT_LT(clock.now() - begun, 10s) << "far below the peer's timeout";
}

}  // namespace
}  // namespace upkeep
