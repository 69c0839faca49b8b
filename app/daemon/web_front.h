#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/daemon/loop_inbox.h"
#include "app/daemon/refused_bodies.h"
#include "app/log.h"
#include "app/web/routes.h"
#include "exporter/http/server.h"
#include "exporter/metrics/page.h"
#include "remediation/journal.h"

namespace upkeep {

/// What the listeners show and whom they tell. Everything outlives the WebFront.
struct WebFrontParts {
  web::Identity identity;
  const Clock& clock;
  const Log& log;
  Instruments& instruments;
  LoopInbox& inbox;
  Journal& journal;  ///< Used by the loop's thread only.
  std::function<std::shared_ptr<const Snapshot>()> snapshot;
  std::function<std::shared_ptr<const RemediationView>()> view;
  std::function<std::shared_ptr<const LastKnown>()> last_known;
  std::function<Tick()> loop_last_run;
  /// Empty in a real daemon.
  std::function<Result<std::string>(std::string_view deed, const std::optional<VmName>& vm)> demo;
};

/// The two listeners. A request is answered from what was published; only history and commands ask
/// the loop, and wait for it a few seconds at most.
class WebFront {
 public:
  struct Options {
    HttpConfig http;
    /// The control listener's, whenever somebody asks. Any thread.
    std::function<std::string()> token;
    bool any_port = false;  ///< The demo: takes a free port where the wanted one is taken.
  };

  /// Listens on both. Fails, saying what to do, when one of the addresses can't be had.
  [[nodiscard]] static Result<std::unique_ptr<WebFront>> open(WebFrontParts parts,
                                                              const Options& options);

  [[nodiscard]] std::uint16_t public_port() const { return public_->port(); }
  [[nodiscard]] std::uint16_t control_port() const { return control_->port(); }

 private:
  explicit WebFront(WebFrontParts parts);

  [[nodiscard]] Result<std::unique_ptr<HttpServer>> listen(const ListenAddress& address,
                                                           const Options& options, bool control);
  void write_metrics(Exposition& out) const;

  WebFrontParts parts_;
  RefusedBodies refused_;
  MetricsPage metrics_;
  std::shared_ptr<const web::WebSources> sources_;
  std::unique_ptr<HttpServer> public_, control_;
};

}  // namespace upkeep
