#include "exporter/sources/peers/peer_source.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
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

std::string answer_of(const std::string& node, const std::string& boot) {
  return R"({"node":")" + node + R"(","boot_id":")" + boot +
         R"(","boot_time":1772334590,"vms_known":true,
  "active_vms":["11111111-2222-3333-4444-555555555555"]})";
}

TEST(PeerSource, ASilentPeerDelaysNoOtherAndKeepsWhatItSaidLast) {
  FakePeer good{answer_of("node2", "b2")};
  FakePeer flapping{answer_of("node3", "b3")};
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
    url = FakePeer{answer_of("node2", "b2")}.url();
  }
  const SystemClock clock;
  Listener listener;
  PeerSource source({.peers = {{NodeName{"node2"}, url}}, .interval = 10ms, .timeout = 300ms},
                    clock, listener);
  source.start();
  ASSERT_TRUE(listener.wait_until([&] { return source.latest()[0].error.has_value(); }));
  EXPECT_FALSE(source.latest()[0].facts.reading.has_value());
  EXPECT_NE(source.latest()[0].error->message.find("node2"), std::string::npos);
  EXPECT_TRUE(source.latest()[0].heard) << "who refuses a connection is not dead";
}

TEST(PeerSource, AHostThatTakesConnectionsIsHeardWhateverItsUpkeepSays) {
  FakePeer hung{""};
  hung.silent = true;
  const SystemClock clock;
  Listener listener;
  PeerSource source(
      {.peers = {{NodeName{"node2"}, hung.url()}}, .interval = 10ms, .timeout = 300ms}, clock,
      listener);
  source.start();
  ASSERT_TRUE(listener.wait_until([&] { return source.latest()[0].error.has_value(); }));
  EXPECT_TRUE(source.latest()[0].heard);
}

/// What a source that asks `peers` makes of them once each has answered or failed.
std::vector<Peer> asked(std::vector<PeerAddress> peers, Result<BootId> own_boot) {
  const SystemClock clock;
  Listener listener;
  PeerSource source({.peers = std::move(peers),
                     .interval = 10ms,
                     .timeout = 3s,
                     .own_boot = [own_boot] { return own_boot; }},
                    clock, listener);
  source.start();
  EXPECT_TRUE(listener.wait_until([&] {
    return std::ranges::all_of(source.latest(),
                               [](const Peer& peer) { return peer.heard || peer.error; });
  }));
  return source.latest();
}

TEST(PeerSource, WhoAnswersWithAnotherNameSaysNothingForThePeer) {
  const FakePeer third{answer_of("node3", "b3")};
  const auto peers = asked({{NodeName{"node2"}, third.url()}}, BootId{"b1"});
  EXPECT_FALSE(peers[0].facts.fresh(SystemClock().now(), 24h)) << "its \"not here\" isn't node2's";
  ASSERT_TRUE(peers[0].facts.reading);
  EXPECT_EQ(peers[0].facts.reading->active_vms.size(), 1U) << "its \"active here\" may be true";
  ASSERT_TRUE(peers[0].error);
  EXPECT_EQ(peers[0].error->message,
            "peer 'node2' at " + third.url() +
                ": answers as node3, but [[peer]] calls it node2: correct its url, or its name if "
                "they are one node, and restart upkeep");
  EXPECT_TRUE(peers[0].heard) << "who answers is not dead";
}

TEST(PeerSource, ThisNodeIsNoPeerOfItsOwn) {
  const FakePeer self{answer_of("node2", "b1")};
  const auto peers = asked({{NodeName{"node2"}, self.url()}}, BootId{"b1"});
  EXPECT_FALSE(peers[0].facts.reading);
  ASSERT_TRUE(peers[0].error);
  EXPECT_NE(peers[0].error->message.find("this node itself answers there"), std::string::npos);
}

TEST(PeerSource, WithoutItsOwnBootItTakesNobodysWord) {
  const FakePeer other{answer_of("node2", "b2")};
  const auto peers = asked({{NodeName{"node2"}, other.url()}}, fail(Errc::unavailable, "no /proc"));
  EXPECT_FALSE(peers[0].facts.reading);
  ASSERT_TRUE(peers[0].error);
  EXPECT_NE(peers[0].error->message.find("no /proc"), std::string::npos);
}

TEST(PeerSource, OneNodeIsNotTwoPeers) {
  const FakePeer one{answer_of("node2", "b2")};
  const FakePeer same{answer_of("node3", "b2")};
  const FakePeer other{answer_of("node4", "b4")};
  const auto peers = asked({{NodeName{"node2"}, one.url()},
                            {NodeName{"node3"}, same.url()},
                            {NodeName{"node4"}, other.url()}},
                           BootId{"b1"});
  const Tick now = SystemClock().now();
  EXPECT_FALSE(peers[0].facts.fresh(now, 24h));
  EXPECT_FALSE(peers[1].facts.fresh(now, 24h));
  EXPECT_TRUE(peers[2].facts.fresh(now, 24h));
  ASSERT_TRUE(peers[0].error && peers[1].error);
  EXPECT_NE(peers[0].error->message.find("also answers as peer 'node3'"), std::string::npos);
}

TEST(PeerSource, StopsAtOnceWhileAPeerHangs) {
  FakePeer hanging{answer_of("node2", "b2")};
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
