#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config_lines.h"
#include "app/daemon/daemon.h"
#include "app/daemon/host.h"
#include "app/daemon/log_recorder.h"
#include "app/daemon/loop.h"
#include "app/daemon/loop_inbox.h"
#include "app/daemon/service_manager.h"
#include "app/daemon/signals.h"
#include "app/daemon/snapshot_builder.h"
#include "app/daemon/watched_token.h"
#include "app/daemon/web_front.h"
#include "app/demo/demo_host.h"
#include "app/instance.h"
#include "app/log.h"
#include "remediation/effects/threaded_executor.h"
#include "remediation/journal.h"
#include "remediation/reconciler.h"

namespace upkeep {

/// What a daemon is given besides its configuration.
struct UpkeepSetting {
  std::shared_ptr<const Clock> clock;
  const Log& log;
  const Signals* signals = nullptr;   ///< Null: only `stop` ends it.
  std::filesystem::path runtime_dir;  ///< For the instance file.
  std::filesystem::path demo_dir;     ///< Emptied and filled by the demo.
};

/// The program, wired: one journal, one host, one loop, two listeners.
class Upkeep {
 public:
  /// Everything that can fail, before anything is read or done: journal, token, ports. What was
  /// begun is undone when a later part fails.
  [[nodiscard]] static Result<std::unique_ptr<Upkeep>> prepare(const DaemonOptions& options,
                                                               UpkeepSetting setting);
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;
  ~Upkeep();

  /// Starts the sources and loops until a signal or `stop`; then stops acting and freezes the
  /// ledger, in this order. Once. The destructor writes down what ended meanwhile; it waits for
  /// actions in progress, two seconds at most.
  void run();
  /// Ends `run` soon. Thread-safe.
  void stop() { loop_->stop(); }

  /// "http://127.0.0.1:9893": as this machine reaches it.
  [[nodiscard]] std::string public_url() const;
  [[nodiscard]] std::uint16_t public_port() const { return web_->public_port(); }
  [[nodiscard]] std::uint16_t control_port() const { return web_->control_port(); }
  [[nodiscard]] std::string token() const { return token_->current(); }
  /// What a person who started a demo should know.
  [[nodiscard]] const std::vector<std::string>& notices() const { return notices_; }
  /// Null in a real daemon.
  [[nodiscard]] DemoHost* demo() const { return demo_.get(); }
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const { return snapshots_->get(); }
  [[nodiscard]] std::shared_ptr<const RemediationView> view() const { return reconciler_->view(); }

 private:
  Upkeep(const DaemonOptions& options, UpkeepSetting setting);

  // The parts of `prepare`, in their order.
  [[nodiscard]] Result<void> prepare_demo();
  [[nodiscard]] Result<void> open_journal();
  [[nodiscard]] Result<void> make_host();
  void wire();
  [[nodiscard]] Result<void> listen();
  void note_port(std::uint16_t wanted, std::uint16_t taken);
  void announce();

  [[nodiscard]] std::shared_ptr<const Policy> compile_policy() const;
  [[nodiscard]] std::shared_ptr<const Policy> reload();
  /// A line of the log for each value of the file that isn't as it was.
  void tell_changes();
  void write_last_words();

  DaemonOptions options_;
  UpkeepSetting setting_;
  ConfigLines config_lines_;  ///< Of the file as it was last read and right.
  Config config_;             ///< In effect. The loop's thread's, once it runs.
  Instruments instruments_;
  LoopInbox inbox_;
  ServiceManager service_;
  std::shared_ptr<Latest<Snapshot>> snapshots_ = std::make_shared<Latest<Snapshot>>();
  Latest<LastKnown> last_known_;
  std::unique_ptr<Journal> journal_;
  JournalState remembered_;
  bool ran_ = false;
  bool observe_only_ = false;  ///< The memory was lost: nothing is done in this run.
  std::shared_ptr<DemoHost> demo_;
  std::shared_ptr<Host> host_;
  std::unique_ptr<ThreadedExecutor> executor_;
  std::unique_ptr<LogRecorder> recorder_;
  std::unique_ptr<Reconciler> reconciler_;
  DrbdStory drbd_story_;
  std::unique_ptr<SnapshotBuilder> builder_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<WatchedToken> token_;
  std::vector<std::string> notices_;
  std::unique_ptr<WebFront> web_;
  std::optional<InstanceFile> instance_;
};

}  // namespace upkeep
