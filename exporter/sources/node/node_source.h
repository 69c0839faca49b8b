#pragma once

#include <filesystem>
#include <map>
#include <stop_token>
#include <thread>

#include "exporter/model/latest.h"
#include "exporter/model/node.h"
#include "exporter/model/observed.h"
#include "exporter/sources/source.h"
#include "platform/wakeup.h"

namespace upkeep {

class ShutdownWatch;

struct NodeSourceOptions {
  std::filesystem::path root = "/";  ///< Where proc, run and var/log are.
  Duration interval = std::chrono::seconds(5);
};

/// Observes this host: which boot it is, how the one before ended, load and pressure, and whether
/// it is going down, which logind announces without delay.
class NodeSource final : public Source {
 public:
  NodeSource(NodeSourceOptions options, const Clock& clock, SourceListener& listener);
  ~NodeSource() override;

  void start() override;
  void poke() override;

  /// Thread-safe.
  [[nodiscard]] Observed<Node> latest() const;

 private:
  void run(const std::stop_token& stop);
  void read(const ShutdownWatch& watch);
  void wait(ShutdownWatch& watch, const std::stop_token& stop) const;

  NodeSourceOptions options_;
  const Clock& clock_;
  SourceListener& listener_;
  Latest<Observed<Node>> latest_;
  Wakeup wakeup_;
  std::map<BootId, PreviousShutdown> previous_shutdown_;  ///< Of the source's thread.
  std::jthread thread_;
};

}  // namespace upkeep
