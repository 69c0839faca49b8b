#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "remediation/reconciler.h"
#include "simulation/boot_load.h"
#include "simulation/guest.h"
#include "simulation/memory_journal.h"
#include "simulation/node_clock.h"
#include "simulation/replication.h"
#include "simulation/silent_recorder.h"
#include "simulation/simulated_executor.h"

namespace upkeep::simulation {

/// One node in simulated time: guests, a kernel, and the real remediation on them, which can be
/// killed at any moment and be started again on its journal. Simulated is only what is outside of
/// upkeep: libvirt, DRBD, disks, clocks, and the time that calls take.
class SimulatedNode {
 public:
  /// `now` and `replication` are the cluster's and outlive this.
  SimulatedNode(NodeIndex index, NodeOptions options, const Tick& now, Replication& replication);

  // How it is set up; to be changed at any time, the policy by `use` while a daemon runs.
  std::shared_ptr<const Policy> policy = std::make_shared<const Policy>();
  Answers answers;
  /// Hears of each order right before its effect: an error keeps it from having one, a duration is
  /// added to what the call takes. Empty: each does its work.
  std::function<Result<Duration>(const Order&)> on_order;
  Recorder* recorder = nullptr;  ///< Of the next daemon; null: nobody listens.
  std::vector<Peer> peers;       ///< What the daemon has heard of the others, by the cluster.

  // What happens to it.
  void define(Guest guest);
  void undefine(const VmUuid& uuid);
  void power_on();
  void power_off();
  void start_daemon();
  /// As kill -9 does; what runs goes on.
  void kill_daemon();
  [[nodiscard]] Result<void> start(const VmUuid& uuid);
  [[nodiscard]] Result<void> resume(const VmUuid& uuid);
  [[nodiscard]] Result<void> reset(const VmUuid& uuid);
  /// The guest's process goes; `events` tell of it, as far as somebody listens.
  void stop(const VmUuid& uuid, VmReason reason, const std::vector<VmEventKind>& events);
  void tell(const VmUuid& uuid, VmEventKind kind);
  /// A person's word; `answer` hears of it when the loop has taken it.
  void order(Command command, std::function<void(const Result<std::string>&)> answer = {});
  void use(std::shared_ptr<const Policy> reloaded);
  void wake() { woken_ = true; }

  /// Brings the node up to now, and steps its loop if that is due. True: it stepped.
  bool advance();
  /// When it has something to do next.
  [[nodiscard]] Tick next() const;

  [[nodiscard]] bool powered() const { return powered_; }
  [[nodiscard]] bool runs_daemon() const { return daemon_ != nullptr; }
  [[nodiscard]] NodeIndex index() const { return index_; }
  [[nodiscard]] const NodeOptions& options() const { return options_; }
  [[nodiscard]] const std::map<VmUuid, Guest>& guests() const { return guests_; }
  [[nodiscard]] NodeClock& clock() { return clock_; }
  [[nodiscard]] MemoryJournal& journal() { return journal_; }
  [[nodiscard]] Replication& replication() { return replication_; }
  [[nodiscard]] const BootLoad& load() const { return load_; }
  [[nodiscard]] int daemons() const { return daemons_; }  ///< Started here so far.
  /// The daemon wants the other nodes asked now.
  [[nodiscard]] bool is_poked() const { return poked_; }
  [[nodiscard]] bool takes_a_poke() { return std::exchange(poked_, false); }
  [[nodiscard]] BootId boot_id() const;
  /// Its `/api/v1/node`; an error where the others would make an error of it.
  [[nodiscard]] Result<PeerFacts> facts() const;
  /// A reading of libvirt and DRBD as they are now.
  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> reread(const Target& target) const;
  /// Null while no daemon has stepped in this boot.
  [[nodiscard]] std::shared_ptr<const RemediationView> view() const;
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const { return snapshot_; }

 private:
  void boot_guests();
  [[nodiscard]] bool has_news() const;
  [[nodiscard]] bool is_due() const;
  void read();
  template <class T, class Read>
  void read_one(Observed<T>& observed, Answer answer, const Read& read) const;
  [[nodiscard]] std::shared_ptr<const Vms> vms() const;
  [[nodiscard]] std::shared_ptr<const VmHealths> healths() const;
  [[nodiscard]] Node node() const;
  [[nodiscard]] SimulatedExecutor::Performed perform(const Ticket& ticket);

  NodeIndex index_;
  NodeOptions options_;
  NodeClock clock_;
  Replication& replication_;
  BootLoad load_;
  std::map<VmUuid, Guest> guests_;
  MemoryJournal journal_;
  SilentRecorder silent_;
  std::unique_ptr<SimulatedExecutor> executor_;
  std::unique_ptr<Reconciler> daemon_;
  std::shared_ptr<const Snapshot> snapshot_;
  Inputs inputs_;
  bool powered_ = false;
  int boots_ = 0, daemons_ = 0;
  WallTime booted_{};
  std::optional<Tick> daemon_starts_;
  bool woken_ = false;
  bool vms_changed_ = false;
  bool asked_ = false;  ///< The daemon wants everything read again.
  bool poked_ = false;  ///< The other nodes too.
  std::uint64_t drbd_seen_ = 0;
  Tick last_step_{}, next_step_{};
};

}  // namespace upkeep::simulation
