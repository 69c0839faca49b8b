#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "app/demo/simulated_kernel.h"
#include "exporter/model/latest.h"
#include "exporter/model/observed.h"
#include "exporter/sources/replication/drbd_config.h"
#include "exporter/sources/replication/drbd_state.h"
#include "exporter/sources/source.h"
#include "remediation/effects.h"

namespace upkeep {

/// The demo's DRBD: simulated resources whose events2 text goes through the same parser as a real
/// kernel's, and the control that acts on them. Its readings say `simulated`. Thread-safe.
class SimulatedDrbd final : public Source, public ReplicationControl {
 public:
  struct Options {
    std::vector<SimulatedKernel::Resource> resources;
    Duration connect_after = std::chrono::milliseconds(1500);  ///< The other node answers.
    Duration resync_for = std::chrono::seconds(4);
    Duration reread_every = std::chrono::seconds(2);
  };

  /// Every resource is up and connected, as after weeks of operation.
  SimulatedDrbd(Options options, const Clock& clock, SourceListener& listener);
  ~SimulatedDrbd() override;

  // Source
  void start() override;
  void poke() override;

  [[nodiscard]] Observed<std::shared_ptr<const Drbd>> latest() const;
  [[nodiscard]] Result<std::shared_ptr<const Drbd>> read_now();

  // ReplicationControl; the last word is asked without the lock, because it reads here again.
  [[nodiscard]] Result<std::vector<std::string>> dry_run_adjust(const ResourceName& resource,
                                                                AdjustScope scope,
                                                                const Terms& terms) override;
  [[nodiscard]] Result<void> adjust(const ResourceName& resource, AdjustScope scope,
                                    const Terms& terms) override;
  [[nodiscard]] Result<void> connect(const ResourceName& resource, const Terms& terms) override;
  [[nodiscard]] Result<void> connect_link(const DrbdLink& link, const Terms& terms) override;
  [[nodiscard]] Result<void> disconnect(const ResourceName& resource, const Terms& terms) override;
  [[nodiscard]] Result<void> connect_discarding_local(const ResourceName& resource,
                                                      const Terms& terms) override;
  [[nodiscard]] Result<void> probe_backing(const DrbdVolume& volume, const Terms& terms) override;
  [[nodiscard]] Result<void> attach(const DrbdVolume& volume, const Terms& terms) override;
  [[nodiscard]] Result<void> promote(const ResourceName& resource, const Terms& terms) override;
  [[nodiscard]] Result<void> demote(const ResourceName& resource, const Terms& terms) override;

  // What the demo does to it.
  /// Both nodes lose their power and boot: every resource is configured and down.
  void power_cut();
  /// The wire between the nodes is cut until `mend_link`.
  [[nodiscard]] Result<void> cut_link(const ResourceName& resource);
  [[nodiscard]] Result<void> mend_link(const ResourceName& resource);

 private:
  /// What the other node will do to a resource by itself.
  enum class Step { connect, finish_resync };
  struct Due {
    Tick at{};
    Step step = Step::connect;
    ResourceName resource;
  };

  void run(const std::stop_token& stop);
  // With the mutex held.
  void apply(const SimulatedKernel::Lines& lines);
  void schedule(Step step, const ResourceName& resource, Duration after);
  void take_due_steps();
  void publish();
  [[nodiscard]] Drbd reading() const;

  Options options_;
  const Clock& clock_;
  SourceListener& listener_;
  DrbdConfig config_;  ///< As drbdadm would tell it.
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  SimulatedKernel kernel_;
  DrbdState state_;
  std::vector<Due> due_;
  std::map<ResourceName, bool> link_cut_;
  bool poked_ = false;
  Latest<Observed<std::shared_ptr<const Drbd>>> latest_;
  std::jthread thread_;
};

}  // namespace upkeep
