#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/latest.h"
#include "exporter/model/peer.h"
#include "exporter/sources/source.h"

namespace upkeep {

/// Where another node's public listener is.
struct PeerAddress {
  NodeName name;
  std::string url;  ///< "http://10.0.0.2:9893", without a path.
};

struct PeerSourceOptions {
  std::vector<PeerAddress> peers;
  Duration interval = std::chrono::seconds(5);
  /// Of one question in all. Below `interval`, so that a hung peer delays no later round; all peers
  /// are asked at once, so that it delays no other peer either.
  std::chrono::milliseconds timeout{3000};
  /// Which boot this node itself is in: whoever answers with it is no peer. Empty: not compared.
  std::function<Result<BootId>()> own_boot;
};

/// Asks the configured peers who they are and what runs there. What they say can only make this
/// node do less; a peer that can't be asked has said nothing, and neither has one in whose place
/// another node answers.
class PeerSource final : public Source {
 public:
  PeerSource(PeerSourceOptions options, const Clock& clock, SourceListener& listener);
  ~PeerSource() override;

  void start() override;
  void poke() override;

  /// One entry for each configured peer, in the order of the configuration. Thread-safe.
  [[nodiscard]] std::vector<Peer> latest() const;

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] std::vector<Peer> ask_all(const std::stop_token& stop) const;
  [[nodiscard]] Result<std::optional<BootId>> own_boot() const;

  PeerSourceOptions options_;
  const Clock& clock_;
  SourceListener& listener_;
  Latest<std::vector<Peer>> latest_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool poked_ = false;
  std::jthread thread_;
};

}  // namespace upkeep
