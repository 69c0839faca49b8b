#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "exporter/model/drbd.h"
#include "exporter/model/latest.h"
#include "exporter/model/observed.h"
#include "exporter/sources/replication/crashed_primary.h"
#include "exporter/sources/replication/drbd_config_watch.h"
#include "exporter/sources/replication/drbd_source_options.h"
#include "exporter/sources/replication/drbd_state.h"
#include "exporter/sources/replication/drbd_stream.h"
#include "exporter/sources/replication/link_evidence.h"
#include "exporter/sources/source.h"
#include "platform/wakeup.h"

namespace upkeep {

/// The node's DRBD, from `drbdsetup events2` and /proc/drbd. Without /proc/drbd no drbdsetup is
/// ever run, because it would load the module. A reading is confirmed, so that its `at` advances
/// while the stream is silent: on 8.4 by /proc/drbd showing the same states, on 9 by drbdsetup
/// having worked off a request for everything. `start` comes before every other call.
class DrbdSource final : public Source, private DrbdSink {
 public:
  DrbdSource(DrbdSourceOptions options, const Clock& clock, SourceListener& listener);

  void start() override;
  void poke() override;

  /// Thread-safe, like all below.
  [[nodiscard]] Observed<std::shared_ptr<const Drbd>> latest() const;
  /// False when switched off, or when there is neither module nor configured resource.
  [[nodiscard]] bool in_use() const { return in_use_.load(); }
  /// Why the configuration could not be read; nothing when it was, or when drbd-utils is missing.
  [[nodiscard]] std::optional<Error> config_error() const;
  /// Reads DRBD now, past the stream: for the last look before acting. Runs a program.
  [[nodiscard]] Result<std::shared_ptr<const Drbd>> read_now(Duration deadline) const;
  /// What is known by now of the resource's split brain, as something to be forgotten: calling the
  /// result makes it count no more in later readings. What becomes known from here on does count.
  [[nodiscard]] std::function<void()> split_brain_settler(const ResourceName& resource);

 private:
  void run(const std::stop_token& stop);
  void reading(Drbd drbd, Tick at) override;
  void failed(Error error) override;
  void event(DrbdEvent event) override;
  void evidence(StreamEvidence evidence) override;
  /// Adds configuration and evidence; any thread.
  void complete(Drbd& drbd) const;
  [[nodiscard]] std::optional<SplitBrainEvidence> streamed_split_brain(
      const ResourceName& resource) const;
  void judge_in_use(bool module_loaded);

  DrbdSourceOptions options_;
  const Clock& clock_;
  SourceListener& listener_;
  mutable LinkEvidence log_;
  Wakeup wakeup_;
  std::atomic<bool> in_use_;
  std::atomic<bool> poked_ = false;
  Latest<Observed<std::shared_ptr<const Drbd>>> latest_;
  Latest<StreamEvidence> evidence_;
  mutable std::mutex settled_mutex_;
  DrbdState::Evidence settled_;  ///< The stream's split brains that count no more.
  std::unique_ptr<DrbdConfigWatch> config_;
  std::unique_ptr<CrashedPrimaryWatch> crashed_primary_;
  std::jthread thread_;  // Ends before what it uses.
};

}  // namespace upkeep
